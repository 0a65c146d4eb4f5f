"""Keeps what readers ask for at hand: the score that stands for each article under each run, and sums of them.

`standing` has one row for each run and article whose current text the run has scored. `tone_sums` and `word_sums` add
them up by day and by month (UTC) for each `series`, the articles that share outlet, country, kind and language. All of
it follows from the other tables, is kept in the transaction that changes those, and may be made anew at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, delete, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from storage.schema import (
    articles,
    coding_codes,
    codings,
    revisions,
    scores,
    series,
    standing,
    tone_sums,
    word_sums,
)
from storage.writes import id_of

REBUILD = Path(__file__).parent / "migrations" / "versions" / "0005_standing.sql"
LOCK = 0x57A2D  # of the server's advisory locks
WORDS = {
    "sqlite": {"day": "substr(standing.at, 1, 10)", "facts": "json_each(scores.omitted) AS fact", "look_at": "--"},
    "postgresql": {
        "day": "to_char(standing.at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        "facts": "jsonb_array_elements_text(scores.omitted) AS fact (value)",
        "look_at": "ANALYZE",
    },
}
SERIES = ("outlet", "country", "kind", "language")
Row = Mapping[str, Any]
Key = tuple[Any, ...]
Tally = dict[Key, list[float]]


def hold(connection: Connection) -> None:
    """Keep other transactions from changing what stands until the end of this one. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def restand(connection: Connection, article_id: int) -> None:
    """Bring what stands for an article up to date. Harmless to repeat."""
    hold(connection)
    former = [dict(row) for row in connection.execute(_kept(article_id)).mappings()]
    present = [_in_series(connection, dict(row)) for row in connection.execute(_due(article_id)).mappings()]
    gone = [row for row in former if row not in present]
    come = [row for row in present if row not in former]
    for row in gone:
        same = (standing.c.run_id == row["run_id"], standing.c.article_id == article_id)
        connection.execute(delete(standing).where(*same))
    if come:
        connection.execute(insert(standing), come)
    _count(connection, gone, come)


def rebuild(connection: Connection) -> None:
    """Make everything anew: about a minute for a million scores. Others that write wait meanwhile."""
    hold(connection)
    for statement in statements(connection):
        connection.exec_driver_sql(statement)


def statements(connection: Connection) -> list[str]:
    """The SQL that makes everything anew."""
    source = REBUILD.read_text(encoding="utf-8")
    for word, meaning in WORDS[connection.dialect.name].items():
        source = source.replace(f"{{{word}}}", meaning)
    return [statement for statement in source.split(";\n") if statement.strip()]


def _kept(article_id: int) -> Select[Any]:
    return select(standing).where(standing.c.article_id == article_id)


def _due(article_id: int) -> Select[Any]:
    """The rows that should stand for an article, but for their series."""
    every, wording = scores.alias("every"), revisions.alias("wording")
    of_article = every.join(wording, wording.c.id == every.c.revision_id)
    first = select(func.min(every.c.scored_at)).select_from(of_article).where(wording.c.article_id == article_id)
    current = and_(articles.c.id == revisions.c.article_id, articles.c.revision == revisions.c.number)
    return (
        select(
            scores.c.run_id,
            articles.c.id.label("article_id"),
            scores.c.id.label("score_id"),
            *(articles.c[name] for name in ("outlet", "country", "kind")),
            revisions.c.language,
            func.coalesce(articles.c.published_at, articles.c.first_seen_at).label("at"),
            *(scores.c[name] for name in ("tone", "outlook", "scrutiny", "credulity")),
            first.scalar_subquery().label("first_scored_at"),
        )
        .select_from(scores.join(revisions, revisions.c.id == scores.c.revision_id).join(articles, current))
        .where(articles.c.id == article_id)
    )


def _in_series(connection: Connection, row: Row) -> dict[str, Any]:
    names = {name: row[name] for name in SERIES}
    return {**row, "series_id": id_of(connection, series, names, unique=SERIES)}


def _count(connection: Connection, gone: Iterable[Row], come: Iterable[Row]) -> None:
    """Take what is gone out of the sums, and add what has come."""
    tones: Tally = {}
    words: Tally = {}
    for sign, rows in ((-1, gone), (1, come)):
        for row in rows:
            credulity = row["credulity"]
            figures = (row["tone"], row["tone"] ** 2, row["outlook"], row["scrutiny"], credulity or 0.0)
            for grain, start in _starts(row):
                key = (row["run_id"], grain, start, row["series_id"])
                _add(tones, key, [sign, *(sign * one for one in figures), sign * (credulity is not None)])
                for what, word, n in _words(connection, row["score_id"]):
                    _add(words, (row["run_id"], what, *key[1:], word), [sign * n])
    _post(connection, tone_sums, tones)
    _post(connection, word_sums, words)


def _starts(row: Row) -> tuple[tuple[str, str], ...]:
    day = f"{row['at']:%Y-%m-%d}".rjust(10, "0")  # strftime does not pad early years everywhere
    return ("day", day), ("month", f"{day[:8]}01")


def _words(connection: Connection, score_id: int) -> Iterator[tuple[str, str, int]]:
    """What a score counts among: its codes, the facts it leaves out, and the voices of its passages."""
    for code in connection.scalars(select(coding_codes.c.code).where(coding_codes.c.score_id == score_id).distinct()):
        yield "code", code, 1
    for fact in connection.scalars(select(scores.c.omitted).where(scores.c.id == score_id)).one():
        yield "omitted", fact, 1
    voices = select(codings.c.family, codings.c.voice, func.count()).where(codings.c.score_id == score_id)
    for family, voice, n in connection.execute(voices.group_by(codings.c.family, codings.c.voice)):
        yield "voice", f"{family}/{voice}", n


def _add(tally: Tally, key: Key, figures: list[float]) -> None:
    known = tally.get(key)
    tally[key] = [old + new for old, new in zip(known, figures, strict=True)] if known else figures


def _post(connection: Connection, table: Table, tally: Tally) -> None:
    """Add the tally to the sums; a sum of no articles is removed, and with it what rounding left of it."""
    names = [column.name for column in table.c]
    rows = [dict(zip(names, (*key, *figures), strict=True)) for key, figures in sorted(tally.items()) if any(figures)]
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    sums = {name: table.c[name] + new.excluded[name] for name in names if name not in keys}
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_=sums), rows)
    if any(row["n"] < 0 for row in rows):
        runs = {row["run_id"] for row in rows}
        starts = {row["start"] for row in rows}
        connection.execute(delete(table).where(table.c.run_id.in_(runs), table.c.start.in_(starts), table.c.n == 0))
