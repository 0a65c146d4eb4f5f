"""Remembers when feeds brought news. What is usual, and what to make of it, is for callers to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from storage.schema import entries, feeds

HISTORY = 1000  # entries looked back at
FELLOWS = 3  # other feeds of the same language that are enough to compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The other watched feeds that ever brought news: how many there are, and how many `went_on` bringing some."""

    feeds: int
    went_on: int


def arrivals(connection: Connection, feed_id: int) -> list[datetime]:
    """When a feed's latest news came out, oldest first: the date it gives, or when we first saw it if that is earlier.

    News without a date counts from when we saw it.
    """
    seen, said = entries.c.first_seen_at, entries.c.published_at
    came = case((said < seen, said), else_=seen)
    latest = select(came).where(entries.c.feed_id == feed_id).order_by(seen.desc(), entries.c.id.desc()).limit(HISTORY)
    return sorted(connection.scalars(latest))


def last_new_at(connection: Connection, feed_id: int) -> datetime | None:
    """When we last saw something new in a feed."""
    last: datetime | None = connection.scalar(
        select(func.max(entries.c.first_seen_at)).where(entries.c.feed_id == feed_id)
    )
    return last


def others(connection: Connection, feed_id: int, since: datetime) -> Others:
    """How the other feeds fared: those that have brought news since then went on.

    Feeds of the same language, since holidays silence a whole country; all feeds where those are too few.
    """
    language = select(feeds.c.language).where(feeds.c.id == feed_id).scalar_subquery()
    went_on = func.coalesce(func.sum(case((feeds.c.last_new_at >= since, 1), else_=0)), 0)
    asked = select(func.count(), went_on).where(feeds.c.active, feeds.c.id != feed_id, feeds.c.last_new_at.is_not(None))
    n, on = connection.execute(asked.where(feeds.c.language == language)).one()
    if n < FELLOWS:
        n, on = connection.execute(asked).one()
    return Others(feeds=n, went_on=on)
