"""Everything that is known of one URL: why an article is in or out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, or_, select

from storage.schema import (
    article_urls,
    articles,
    drops,
    entries,
    feed_moves,
    feeds,
    fetches,
    lineage_members,
    revisions,
    runs,
    scores,
    screenings,
)

Row = Mapping[str, Any]
Rows = tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Rows of the tables that the fields are named after, oldest first.

    `feeds`: those at the URL and those that announced it. `article`: None where no text was ever had.
    `revisions` come without their texts, `screenings` and `scores` with the `stamp` of their run and the
    `number` of the revision they judge. `lineage`: the articles with the same wire text, this one among
    them.
    """

    url: str
    feeds: Rows
    moves: Rows
    entries: Rows
    fetches: Rows
    drops: Rows
    article: Row | None
    urls: tuple[str, ...]
    revisions: Rows
    screenings: Rows
    scores: Rows
    lineage: Rows


def explain(connection: Connection, url: str) -> Explanation | None:
    """What is known of a URL, be it a feed's, an entry's or an article's; None where it was never seen."""
    article = _article(connection, url)
    article_id = article["id"] if article else None
    known = select(article_urls.c.url).where(article_urls.c.article_id == article_id)
    announced = _all(connection, _entries([url, *connection.scalars(known)], article_id))
    links = {entry[name] for entry in announced for name in ("link", "url") if entry[name]}
    urls = sorted({url, *connection.scalars(known), *links})
    fed_by = {entry["feed_id"] for entry in announced}
    revision_ids = [row["id"] for row in _all(connection, _revisions(article_id))]
    explanation = Explanation(
        url=url,
        feeds=_all(
            connection,
            select(feeds).where(or_(feeds.c.url == url, feeds.c.id.in_(fed_by))).order_by(feeds.c.id),
        ),
        moves=_all(connection, _at(feed_moves, "old_url", [url])),
        entries=announced,
        fetches=_all(connection, _at(fetches, "url", urls)),
        drops=_all(connection, _drops(urls, [entry["id"] for entry in announced], revision_ids)),
        article=article,
        urls=tuple(urls),
        revisions=_all(connection, _revisions(article_id)),
        screenings=_all(connection, _judged(screenings, article_id)),
        scores=_all(connection, _judged(scores, article_id)),
        lineage=_all(connection, _lineage(article_id)),
    )
    return explanation if _is_known(explanation) else None


def _is_known(found: Explanation) -> bool:
    return any((found.feeds, found.moves, found.entries, found.fetches, found.drops, found.article))


def _all(connection: Connection, selection: Select[Any]) -> Rows:
    return tuple(dict(row) for row in connection.execute(selection).mappings())


def _article(connection: Connection, url: str) -> Row | None:
    announced = select(entries.c.article_id).where(or_(entries.c.link == url, entries.c.url == url))
    known = select(article_urls.c.article_id).where(article_urls.c.url == url)
    for article_ids in (known, announced):
        found = _all(connection, select(articles).where(articles.c.id.in_(article_ids)).order_by(articles.c.id))
        if found:
            return found[0]
    return None


def _entries(urls: list[str], article_id: int | None) -> Select[Any]:
    found: list[ColumnElement[bool]] = [entries.c.link.in_(urls), entries.c.url.in_(urls)]
    if article_id is not None:  # else every entry without an article would be this one's
        found.append(entries.c.article_id == article_id)
    return select(entries).where(or_(*found)).order_by(entries.c.id)


def _at(table: Table, column: str, urls: list[str]) -> Select[Any]:
    return select(table).where(table.c[column].in_(urls)).order_by(table.c.at, table.c.id)


def _drops(urls: list[str], entry_ids: list[int], revision_ids: list[int]) -> Select[Any]:
    found = or_(drops.c.url.in_(urls), drops.c.entry_id.in_(entry_ids), drops.c.revision_id.in_(revision_ids))
    return select(drops).where(found).order_by(drops.c.at, drops.c.id)


def _revisions(article_id: int | None) -> Select[Any]:
    columns = [column for column in revisions.c if column.name != "text"]
    return select(*columns).where(revisions.c.article_id == article_id).order_by(revisions.c.number)


def _judged(table: Table, article_id: int | None) -> Select[Any]:
    joined = table.join(revisions, revisions.c.id == table.c.revision_id).join(runs, runs.c.id == table.c.run_id)
    selection = select(table, revisions.c.number, runs.c.stamp).select_from(joined)
    return selection.where(revisions.c.article_id == article_id).order_by(revisions.c.number, runs.c.id)


def _lineage(article_id: int | None) -> Select[Any]:
    mine = select(lineage_members.c.lineage_id).where(lineage_members.c.article_id == article_id)
    joined = lineage_members.join(articles, articles.c.id == lineage_members.c.article_id)
    selection = select(lineage_members, articles.c.url, articles.c.outlet).select_from(joined)
    return selection.where(lineage_members.c.lineage_id.in_(mine)).order_by(articles.c.first_seen_at, articles.c.id)
