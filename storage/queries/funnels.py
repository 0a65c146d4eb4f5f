"""What became of the entries of each feed, by the day on which it announced them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, or_, select, type_coerce

from storage.columns import Text
from storage.queries.filters import run_or_current
from storage.schema import articles, drops, entries, feeds, fetches, revisions, scores, screenings


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDay:
    """What became of the entries that a feed announced on one day (UTC): each step has all that came at least so far.

    `announced` = `waiting` + `extracted` + those dropped before they had a text. `extracted` = those the gate refused
    + the articles; `relevant` are what the run kept of them. `dropped`: reason to number.
    """

    feed_id: int
    url: str
    outlet: str
    day: str
    announced: int
    waiting: int
    fetched: int
    extracted: int
    relevant: int
    scored: int
    dropped: Mapping[str, int]


def feed_days(
    connection: Connection,
    *,
    since: datetime,
    until: datetime | None = None,
    feed_id: int | None = None,
    run_id: int | None = None,
) -> tuple[FeedDay, ...]:
    """The funnel of each feed and day from `since` until before `until`, the latest day first. Run: the current one."""
    run_id = run_or_current(connection, run_id)
    day = _day(connection, entries.c.first_seen_at).label("day")
    key = (feeds.c.id, feeds.c.url, feeds.c.outlet, day)
    steps = {name: func.sum(case((met, 1), else_=0)).label(name) for name, met in _steps(run_id).items()}
    narrow = [entries.c.first_seen_at >= since]
    narrow += [entries.c.first_seen_at < until] if until else []
    narrow += [feeds.c.id == feed_id] if feed_id is not None else []
    counted = (
        _entries(run_id, *key, func.count().label("announced"), *steps.values())
        .where(*narrow)
        .group_by(*key[:3], "day")
    )
    rows = connection.execute(counted.order_by(day.desc(), feeds.c.outlet, feeds.c.url))
    dropped = _dropped(connection, run_id, day, narrow)
    return tuple(
        FeedDay(
            feed_id=row.id, dropped=dropped[row.id, row.day], **{k: v for k, v in row._mapping.items() if k != "id"}
        )
        for row in rows
    )


def _steps(run_id: int | None) -> Mapping[str, ColumnElement[bool]]:
    page = exists().where(fetches.c.url == entries.c.link, fetches.c.what == "page", fetches.c.outcome == "ok")
    refused = select(drops.c.reason).where(drops.c.stage == "gate").distinct()
    relevant = func.coalesce(screenings.c.relevant.is_(True), False)
    text = or_(entries.c.article_id.is_not(None), and_(entries.c.state == "dropped", entries.c.reason.in_(refused)))
    scored = exists().where(scores.c.revision_id == revisions.c.id, scores.c.run_id == run_id)
    return {
        "waiting": entries.c.state == "announced",
        "fetched": or_(page, revisions.c.partial.is_(False)),
        "extracted": and_(entries.c.state != "announced", text),
        "relevant": relevant,
        "scored": scored,
    }


def _entries(run_id: int | None, *columns: Any) -> Select[Any]:
    current = and_(revisions.c.article_id == articles.c.id, revisions.c.number == articles.c.revision)
    judged = and_(screenings.c.revision_id == revisions.c.id, screenings.c.run_id == run_id)
    return (
        select(*columns)
        .join_from(entries, feeds, feeds.c.id == entries.c.feed_id)
        .outerjoin(articles, articles.c.id == entries.c.article_id)
        .outerjoin(revisions, current)
        .outerjoin(screenings, judged)
    )


def _dropped(
    connection: Connection, run_id: int | None, day: Any, narrow: list[ColumnElement[bool]]
) -> Mapping[tuple[int, str], Mapping[str, int]]:
    reason = case((entries.c.state == "dropped", entries.c.reason), else_=screenings.c.reason).label("why")
    out = or_(entries.c.state == "dropped", screenings.c.relevant.is_(False))
    asked = _entries(run_id, feeds.c.id, day, reason, func.count()).where(*narrow, out)
    found: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for feed_id, on, why, n in connection.execute(asked.group_by(feeds.c.id, "day", "why").order_by("why")):
        found[feed_id, on][why] = n
    return found


def _day(connection: Connection, column: Any) -> Any:
    if connection.dialect.name == "sqlite":
        return func.substr(type_coerce(column, Text()), 1, 10)
    return func.to_char(column, "YYYY-MM-DD")  # the session's zone is UTC
