"""Remembers the feeds: who publishes them, where polling stands, where they moved, what fetches brought.

Nothing here decides when a feed is asked again; callers say so. A call that is repeated with the same time
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, case, literal, or_, select, update

from config.sources import FeedSource
from pipeline.records import Feed
from storage.columns import Utc
from storage.leases import Lease, rows_under
from storage.schema import entries, feed_moves, feeds, fetches
from storage.writes import indexable, insert_new

State = Literal["ok", "degraded", "quiet"]
GIVEN = (
    "outlet",
    "country",
    "language",
    "kind",
    "format",
)  # what the list of feeds says; the rest is observed
HINTS = ("ttl_s", "skip_hours", "skip_days")  # when the feed asks not to be polled
RECORD = ("url", *GIVEN, "etag", "last_modified", "body_hash", "due_at", "failures", "reason", *HINTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFeed:
    """A feed and its id."""

    id: int
    feed: Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """How many feeds `sync` added, changed (new metadata, or watched again) and stopped watching."""

    added: int
    changed: int
    stopped: int


def sync(connection: Connection, sources: Iterable[FeedSource], now: datetime) -> Synced:
    """Make the watched feeds those of the list.

    Feeds that are no longer listed keep their history and are not polled. A listed URL that has moved since
    stands for the feed at its new URL.
    """
    rows = {row.id: row for row in connection.execute(select(feeds))}
    homes = {row.url: row.id for row in rows.values()} | _moved(connection)
    listed: dict[int, FeedSource] = {}
    added = []
    for source in sources:
        feed_id = homes.get(source.url)
        if feed_id is None:
            added.append(_given(source) | {"url": source.url, "state_since": now})
        elif feed_id not in listed or source.url == rows[feed_id].url:
            listed[feed_id] = source
    return Synced(
        added=insert_new(connection, feeds, added),
        changed=sum(_change(connection, rows[feed_id], source) for feed_id, source in listed.items()),
        stopped=_stop(connection, [row.id for row in rows.values() if row.active and row.id not in listed]),
    )


def _moved(connection: Connection) -> dict[str, int]:
    moves = select(feed_moves.c.old_url, feed_moves.c.feed_id).order_by(feed_moves.c.id)
    return dict(connection.execute(moves).all())


def _given(source: FeedSource) -> dict[str, Any]:
    return {name: getattr(source, name) for name in GIVEN} | {"active": True}


def _change(connection: Connection, row: Row[Any], source: FeedSource) -> bool:
    given = _given(source)
    changed = any(row._mapping[name] != value for name, value in given.items())
    if changed:
        connection.execute(update(feeds).where(feeds.c.id == row.id).values(given))
    return changed


def _stop(connection: Connection, ids: list[int]) -> int:
    connection.execute(update(feeds).where(feeds.c.id.in_(ids)).values(active=False))
    return len(ids)


def due(
    connection: Connection,
    now: datetime,
    limit: int | None = None,
    url: str | None = None,
    *,
    horizon: timedelta | None = None,
    lease: Lease | None = None,
) -> list[StoredFeed]:
    """The watched feeds whose time has come, the longest overdue first; with `url` that feed, due or not.

    `horizon`: how far ahead a plan can lie; a time beyond it was set by a clock that was wrong, and has come too.
    With a `lease` those that nobody is at work on, and they are taken.
    """
    come = or_(feeds.c.due_at.is_(None), feeds.c.due_at <= now, *([feeds.c.due_at > now + horizon] if horizon else []))
    if url is not None:
        home = _moved(connection).get(url)
        come = feeds.c.url == url if home is None else feeds.c.id == home
    found = select(feeds).where(feeds.c.active, come).order_by(feeds.c.due_at.nulls_first(), feeds.c.id).limit(limit)
    return [stored(row) for row in rows_under(connection, found, feeds, lease)]


def stored(row: Row[Any]) -> StoredFeed:
    """The record of a row that has the columns of `feeds`."""
    return StoredFeed(id=row.id, feed=Feed(**{name: row._mapping[name] for name in RECORD}))


def fetched(
    connection: Connection,
    feed_id: int,
    *,
    now: datetime,
    due_at: datetime,
    etag: str | None = None,
    last_modified: str | None = None,
    body_hash: str | None = None,
    title: str = "",
    state: State = "ok",
    reason: str = "",
    detail: str = "",
    new: int = 0,
    ttl_s: int | None = None,
    skip_hours: Sequence[int] = (),
    skip_days: Sequence[int] = (),
) -> None:
    """A feed was read; `new` of its entries were.

    Give no validators for a feed of which only part could be read.
    """
    values: dict[str, Any] = {"etag": etag, "last_modified": last_modified, "body_hash": body_hash, "ttl_s": ttl_s}
    values |= {"skip_hours": list(skip_hours) or None, "skip_days": list(skip_days) or None}
    values |= {"title": title} if title else {}
    values |= {"last_new_at": now} if new else {}
    values |= _answered(now) | {"reason": reason, "detail": detail}
    _settle(connection, feed_id, values, now=now, due_at=due_at, state=state)


def unchanged(
    connection: Connection,
    feed_id: int,
    *,
    now: datetime,
    due_at: datetime,
    state: State | None = None,
    reason: str = "",
    detail: str = "",
) -> None:
    """A feed answered that it holds nothing new.

    Without a `state` it stays as it was, or is mended if it was failing or quiet.
    """
    mended = feeds.c.state.in_(("failing", "gone", "quiet"))
    values: dict[str, Any] = _answered(now) | {"reason": reason, "detail": detail}
    if state is None:
        values |= {name: case((mended, ""), else_=feeds.c[name]) for name in ("reason", "detail")}
    kept = case((mended, "ok"), else_=feeds.c.state)
    _settle(connection, feed_id, values, now=now, due_at=due_at, state=state or kept)


def failed(connection: Connection, feed_id: int, *, reason: str, detail: str, due_at: datetime, now: datetime) -> None:
    """A feed could not be read. Its entries and validators stay as they are. `gone` is a state of its own."""
    fresh = feeds.c.checked_at.is_distinct_from(now)
    values = {
        "failures": feeds.c.failures + case((fresh, 1), else_=0),
        "reason": reason,
        "detail": detail,
    }
    state = "gone" if reason == "gone" else "failing"
    _settle(connection, feed_id, values, now=now, due_at=due_at, state=state)


def _answered(now: datetime) -> dict[str, Any]:
    return {"failures": 0, "last_success_at": now}


def _settle(
    connection: Connection,
    feed_id: int,
    values: dict[str, Any],
    *,
    now: datetime,
    due_at: datetime,
    state: str | ColumnElement[str],
) -> None:
    since = case((feeds.c.state == state, feeds.c.state_since), else_=literal(now, Utc()))
    settled = {"checked_at": now, "due_at": due_at, "state": state, "state_since": since}
    connection.execute(update(feeds).where(feeds.c.id == feed_id).values(**values, **settled))


def moved(connection: Connection, feed_id: int, new_url: str, now: datetime) -> int:
    """A feed has a new home for good; returns the id of the feed that lives there.

    Where another feed lives there already, the two become one: entries go to that feed, this one is not
    polled any more.
    """
    old_url = connection.scalars(select(feeds.c.url).where(feeds.c.id == feed_id)).one()
    home = connection.scalar(select(feeds.c.id).where(feeds.c.url == new_url)) or feed_id
    if old_url == new_url or _moved(connection).get(old_url) == home != feed_id:
        return home
    if home == feed_id:
        connection.execute(update(feeds).where(feeds.c.id == feed_id).values(url=new_url))
    else:
        _merge(connection, feed_id, home, now)
    connection.execute(feed_moves.insert(), {"feed_id": home, "old_url": old_url, "new_url": new_url, "at": now})
    return home


def _merge(connection: Connection, feed_id: int, home: int, now: datetime) -> None:
    known = select(entries.c.key).where(entries.c.feed_id == home)
    mine = and_(entries.c.feed_id == feed_id, entries.c.key.not_in(known))
    connection.execute(update(entries).where(mine).values(feed_id=home))
    connection.execute(update(feed_moves).where(feed_moves.c.feed_id == feed_id).values(feed_id=home))
    left = {"active": False, "state": "gone", "state_since": now, "reason": "merged"}
    connection.execute(update(feeds).where(feeds.c.id == feed_id).values(left))
    connection.execute(update(feeds).where(feeds.c.id == home).values(active=True))


def log_fetch(
    connection: Connection,
    *,
    url: str,
    what: Literal["feed", "page"],
    at: datetime,
    duration_ms: int,
    outcome: str,
    feed_id: int | None = None,
    status: int | None = None,
    size: int | None = None,
    detail: str = "",
) -> None:
    """Log one fetch. `outcome`: `ok`, `unchanged`, or the reason of its failure; `size` in bytes."""
    row = {"feed_id": feed_id, "url": indexable(url), "what": what, "at": at, "duration_ms": duration_ms}
    rest = {"outcome": outcome, "status": status, "bytes": size, "detail": detail}
    insert_new(connection, fetches, [row | rest])
