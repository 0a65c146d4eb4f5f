"""How the watching itself goes: what became of what was announced, and which feeds answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from storage.queries.filters import run_or_current
from storage.schema import articles, drops, entries, feeds, fetches, revisions, scores, screenings


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """What became of what was announced. Entries: `announced` = `waiting` + `done` + `set_aside`.

    `fetched`: different pages that arrived. `articles`: those with a text, `partial` of them with the
    feed's summary only. `relevant` and `scored`: articles whose current text the run found relevant, and
    scored. `dropped`: (stage, reason) to the number of drops.
    """

    announced: int
    waiting: int
    done: int
    set_aside: int
    fetched: int
    articles: int
    partial: int
    relevant: int
    scored: int
    dropped: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """A feed, how polling goes, and how many `entries` it brought, `waiting` of them for their page."""

    id: int
    url: str
    outlet: str
    country: str
    language: str
    active: bool
    title: str
    state: str
    state_since: datetime
    reason: str
    detail: str
    failures: int
    checked_at: datetime | None
    due_at: datetime | None
    last_success_at: datetime | None
    last_new_at: datetime | None
    entries: int
    waiting: int


def funnel(
    connection: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    run_id: int | None = None,
) -> Funnel:
    """Counts of what was first seen, fetched or dropped from `since` until before `until`."""
    run_id = run_or_current(connection, run_id)

    def count(selection: Select[Any], column: Any) -> int:
        return int(connection.scalar(_between(selection, column, since, until)) or 0)

    seen = articles.c.first_seen_at
    by_state = connection.execute(_between(_states(), entries.c.first_seen_at, since, until))
    states: dict[str, int] = dict(by_state.all())
    pages = select(func.count(fetches.c.url.distinct())).where(fetches.c.what == "page", fetches.c.outcome == "ok")
    by_reason = select(drops.c.stage, drops.c.reason, func.count()).group_by(drops.c.stage, drops.c.reason)
    dropped = connection.execute(_between(by_reason, drops.c.at, since, until).order_by(drops.c.stage, drops.c.reason))
    relevant = _current(screenings).where(screenings.c.run_id == run_id, screenings.c.relevant)
    return Funnel(
        announced=sum(states.values()),
        waiting=states.get("announced", 0),
        done=states.get("done", 0),
        set_aside=states.get("dropped", 0),
        fetched=count(pages, fetches.c.at),
        articles=count(select(func.count()).select_from(articles), seen),
        partial=count(_current(None).where(revisions.c.partial), seen),
        relevant=count(relevant, seen),
        scored=count(_current(scores).where(scores.c.run_id == run_id), seen),
        dropped={(stage, reason): n for stage, reason, n in dropped},
    )


def _states() -> Select[Any]:
    return select(entries.c.state, func.count()).group_by(entries.c.state)


def _current(table: Any) -> Select[Any]:
    current = (articles.c.id == revisions.c.article_id) & (articles.c.revision == revisions.c.number)
    joined = articles.join(revisions, current)
    if table is not None:
        joined = joined.join(table, table.c.revision_id == revisions.c.id)
    return select(func.count()).select_from(joined)


def _between(selection: Select[Any], column: Any, since: datetime | None, until: datetime | None) -> Select[Any]:
    bounds = ([column >= since] if since else []) + ([column < until] if until else [])
    return selection.where(*bounds)


def feed_health(connection: Connection) -> tuple[FeedHealth, ...]:
    """All feeds, in the order of outlets."""
    waiting = func.sum(case((entries.c.state == "announced", 1), else_=0))
    counts = select(entries.c.feed_id, func.count().label("entries"), waiting.label("waiting"))
    counted = counts.group_by(entries.c.feed_id).subquery()
    columns = [feeds.c[field.name] for field in fields(FeedHealth) if field.name in feeds.c]
    selection = select(
        *columns,
        func.coalesce(counted.c.entries, 0).label("entries"),
        func.coalesce(counted.c.waiting, 0).label("waiting"),
    ).outerjoin_from(feeds, counted, counted.c.feed_id == feeds.c.id)
    rows = connection.execute(selection.order_by(feeds.c.outlet, feeds.c.url)).mappings()
    return tuple(FeedHealth(**row) for row in rows)
