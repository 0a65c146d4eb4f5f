"""All that a database holds, without what differs from run to run: ids and the times of writing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import select

from storage.database import Database
from storage.schema import articles, coding_codes, codings, drops, entries, feeds, revisions, scores, screenings

Row = tuple[object, ...]


def rows_of(database: Database) -> dict[str, list[Row]]:
    """Rows by table, sorted; each names its article by URL instead of id."""
    judged = revisions.join(articles, articles.c.id == revisions.c.article_id)
    scored = scores.join(judged, revisions.c.id == scores.c.revision_id)
    who = (articles.c.url, revisions.c.number)
    asked = {
        "feeds": select(feeds.c.url, feeds.c.state, feeds.c.failures, feeds.c.body_hash),
        "entries": select(feeds.c.url, entries.c.key, entries.c.state, entries.c.reason, entries.c.title).join_from(
            entries, feeds, feeds.c.id == entries.c.feed_id
        ),
        "articles": select(articles.c.url, articles.c.outlet, articles.c.language, articles.c.revision),
        "revisions": select(*who, revisions.c.content_hash, revisions.c.title, revisions.c.text, revisions.c.partial)
        .select_from(judged),
        "drops": select(drops.c.url, drops.c.stage, drops.c.reason, drops.c.content_hash),
        "screenings": select(*who, screenings.c.relevant, screenings.c.value).select_from(
            screenings.join(judged, revisions.c.id == screenings.c.revision_id)
        ),
        "scores": select(*who, scores.c.tone, scores.c.tone_low, scores.c.tone_high, scores.c.outlook)
        .select_from(scored),
        "codings": select(*who, codings.c.position, codings.c.family, codings.c.voice, codings.c.optimistic)
        .select_from(codings.join(scored, scores.c.id == codings.c.score_id)),
        "codes": select(*who, coding_codes.c.position, coding_codes.c.code, coding_codes.c.strength)
        .select_from(coding_codes.join(scored, scores.c.id == coding_codes.c.score_id)),
    }  # fmt: skip
    with database.read() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(query)), key=repr) for name, query in asked.items()
        }


def settled(file: Path) -> int:
    """How many entries of a SQLite database have been dealt with, seen from outside while a pass is under way."""
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            return int(connection.execute("select count(*) from entries where state <> 'announced'").fetchone()[0])
    except sqlite3.Error:
        return 0
