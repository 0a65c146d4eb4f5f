"""Remembers what feeds announce, until an article has come of it or it is set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, update

from pipeline.errors import LETHAL
from pipeline.records import Entry, Feed
from storage.columns import storable
from storage.feeds import RECORD
from storage.leases import FREE, Lease, rows_under
from storage.schema import article_urls, entries, feeds, fetches
from storage.writes import INDEXABLE_BYTES, insert_new

BATCH = 500  # rows looked up at once; SQLite takes some 32,000 values in a statement
RECORDED = ("link", "title", "summary", "author", "language", "published_at", "updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry that waits for its page.

    `url`: its canonical link, `attempts`: how often the page was tried in vain, `strikes`: how often reading it killed
    a worker, whichever entry led to it.
    """

    id: int
    feed_id: int
    feed: Feed
    entry: Entry
    url: str | None
    attempts: int
    strikes: int = 0


def add_entries(
    connection: Connection,
    feed_id: int,
    announced: Iterable[Entry],
    now: datetime,
    *,
    canonical: Callable[[str], str] = str,
) -> int:
    """Keep what a feed announces; returns how many entries were new.

    `canonical` gives the identity of a link. The first of several entries with one guid counts. An entry
    whose page is known already is done, or dropped where the page was set aside. A known entry with another
    title or summary waits for its page again.
    """
    new = 0
    unique = {_key(entry.guid): entry for entry in reversed(list(announced))}
    for batch in _batches(reversed(unique.items())):
        rows = {key: _row(key, entry, canonical) for key, entry in batch}
        known = _known(connection, feed_id, rows)
        fresh = [row | {"feed_id": feed_id, "first_seen_at": now} for key, row in rows.items() if key not in known]
        new += insert_new(connection, entries, _settled(connection, fresh))
        for key, row in known.items():
            _update(connection, row, rows[key], now)
    return new


def _key(guid: str) -> str:
    guid = storable(guid)
    return guid if len(guid.encode()) <= INDEXABLE_BYTES else sha256(guid.encode()).hexdigest()


def _batches(items: Iterable[tuple[str, Entry]]) -> Iterator[list[tuple[str, Entry]]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _row(key: str, entry: Entry, canonical: Callable[[str], str]) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in RECORDED}
    clean = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    url = canonical(clean["link"]) if clean["link"] else None
    return clean | {"key": key, "url": url if url and len(url.encode()) <= INDEXABLE_BYTES else None}


def _known(connection: Connection, feed_id: int, rows: dict[str, Any]) -> dict[str, Row[Any]]:
    found = select(entries).where(entries.c.feed_id == feed_id, entries.c.key.in_(list(rows)))
    return {row.key: row for row in connection.execute(found)}


def _settled(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with their state: pages that are known, or were set aside without a text, are not fetched."""
    urls = [row["url"] for row in rows if row["url"]]
    of_article = select(article_urls.c.url, article_urls.c.article_id).where(article_urls.c.url.in_(urls))
    known = dict(connection.execute(of_article).all())
    set_aside = select(entries.c.url, entries.c.reason).where(
        entries.c.url.in_(urls), entries.c.state == "dropped", entries.c.article_id.is_(None)
    )
    dropped = dict(connection.execute(set_aside).all())
    return [row | _state(row["url"], known, dropped) for row in rows]


def _state(url: str | None, known: dict[str, int], dropped: dict[str, str]) -> dict[str, Any]:
    article_id = known.get(url or "")
    state = "done" if article_id else "dropped" if url in dropped else "announced"
    return {
        "state": state,
        "article_id": article_id,
        "reason": dropped.get(url or "", "") if state == "dropped" else "",
    }


def _update(connection: Connection, known: Row[Any], row: dict[str, Any], now: datetime) -> None:
    if (known.title, known.summary) == (row["title"], row["summary"]):
        return
    values = {name: row[name] for name in (*RECORDED, "url")}
    if known.article_id is not None:
        # whoever is at work on it has the page as it was before, and is to keep nothing
        values |= {"state": "announced", "attempts": 0, "next_try_at": now, "reason": "", **FREE}
    connection.execute(update(entries).where(entries.c.id == known.id).values(values))


def pending(
    connection: Connection,
    now: datetime,
    limit: int | None = None,
    *,
    feed_id: int | None = None,
    horizon: timedelta | None = None,
    lease: Lease | None = None,
) -> list[StoredEntry]:
    """Entries of watched feeds whose page is to be fetched now, each page once, the feeds taking turns.

    `horizon`: how far ahead a plan can lie; a time beyond it was set by a clock that was wrong, and has come too.
    With a `lease` those whose page nobody is at work on, and they are taken.
    """
    come = _come(now, horizon)
    waiting = _waiting(come, feed_id).subquery()
    columns = [feeds.c[name].label(f"feed_{name}") for name in RECORD]
    killed = fetches.c.url == entries.c.link, fetches.c.what == "page", fetches.c.outcome.in_(LETHAL)
    strikes = select(func.count()).select_from(fetches).where(*killed).scalar_subquery().label("strikes")
    ready = (
        select(entries, strikes, *columns)
        .join(waiting, waiting.c.id == entries.c.id)
        .join(feeds, feeds.c.id == entries.c.feed_id)
        .where(waiting.c.copy == 1, come)
        .order_by(waiting.c.turn, entries.c.id)
        .limit(limit)
    )
    return [_stored(row) for row in rows_under(connection, ready, entries, lease)]


def _come(now: datetime, horizon: timedelta | None) -> ColumnElement[bool]:
    wrong = [entries.c.next_try_at > now + horizon] if horizon else []
    at = or_(entries.c.next_try_at.is_(None), entries.c.next_try_at <= now, *wrong)
    return and_(entries.c.state == "announced", at)


def _waiting(come: ColumnElement[bool], feed_id: int | None) -> Any:
    page = func.coalesce(entries.c.url, entries.c.key)
    watched = feeds.c.active if feed_id is None else feeds.c.id == feed_id
    return (
        select(
            entries.c.id,
            func.row_number().over(partition_by=page, order_by=entries.c.id).label("copy"),
            func.row_number().over(partition_by=entries.c.feed_id, order_by=entries.c.id).label("turn"),
        )
        .join(feeds, feeds.c.id == entries.c.feed_id)
        .where(come, watched)
    )


def _stored(row: Row[Any]) -> StoredEntry:
    entry = Entry(guid=row.key, **{name: row._mapping[name] for name in RECORDED})
    feed = Feed(**{name: row._mapping[f"feed_{name}"] for name in RECORD})
    return StoredEntry(
        id=row.id, feed_id=row.feed_id, feed=feed, entry=entry, url=row.url, attempts=row.attempts, strikes=row.strikes
    )


def lock_page(connection: Connection, entry_id: int, urls: Iterable[str]) -> None:
    """Lock an entry and those that wait for the same page, all in one order, lest two wait for each other."""
    same_page = and_(entries.c.url.in_(sorted(urls)), entries.c.state == "announced")
    mine = select(entries.c.id).where(or_(entries.c.id == entry_id, same_page))
    connection.execute(mine.order_by(entries.c.id).with_for_update())


def retry_later(connection: Connection, entry_id: int, next_try_at: datetime, reason: str) -> None:
    """An entry's page could not be had: try again then."""
    same_call = and_(entries.c.next_try_at.is_not(None), entries.c.next_try_at == next_try_at)
    values = {"attempts": entries.c.attempts + 1, "next_try_at": next_try_at, "reason": reason}
    connection.execute(update(entries).where(entries.c.id == entry_id, ~same_call).values(values))
