"""What a day brought: new articles, new outlets, and outlets whose tone moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import sqrt

from sqlalchemy import ColumnElement, Connection, exists, func, select

from storage.queries.filters import Filter, run_or_current
from storage.queries.intervals import MIN_N, Interval, Sums, student_t
from storage.queries.tones import sums
from storage.schema import standing

DAY = timedelta(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """An outlet's mean tone in two windows, and the difference (`after` - `before`) with its interval."""

    outlet: str
    n_before: int
    n_after: int
    before: float
    after: float
    difference: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`new`: articles first scored on the day; `before`: on the day before it. `outlets_new`: those whose first
    scored article is among the new ones.
    """

    day: date
    new: int
    before: int
    outlets_new: tuple[str, ...]
    movers: tuple[Mover, ...]


def changes(connection: Connection, *, day: date, window_days: int = 7, min_n: int = 10, level: float = 0.9) -> Changes:
    """What a day (UTC) brought. Movers: the window of days that ends with it against the one before, by publication,
    for outlets with `min_n` articles (never less than MIN_N) in both; the largest difference first.
    """
    run_id = run_or_current(connection, None)
    return Changes(
        day=day,
        new=_first_scored(connection, day, run_id),
        before=_first_scored(connection, day - DAY, run_id),
        outlets_new=_outlets_new(connection, day, run_id),
        movers=_movers(connection, day, timedelta(max(window_days, 1)), max(min_n, MIN_N), level),
    )


def midnight(day: date) -> datetime:
    """The beginning of the day, in UTC."""
    return datetime.combine(day, time(), UTC)


def _on(day: date, run_id: int | None) -> tuple[ColumnElement[bool], ...]:
    first = standing.c.first_scored_at
    return standing.c.run_id == run_id, first >= midnight(day), first < midnight(day) + DAY


def _first_scored(connection: Connection, day: date, run_id: int | None) -> int:
    return int(connection.scalar(select(func.count()).select_from(standing).where(*_on(day, run_id))) or 0)


def _outlets_new(connection: Connection, day: date, run_id: int | None) -> tuple[str, ...]:
    former = standing.alias("former")
    there = select(standing.c.outlet).where(*_on(day, run_id)).distinct().subquery()
    before = exists().where(
        former.c.run_id == run_id, former.c.outlet == there.c.outlet, former.c.first_scored_at < midnight(day)
    )
    return tuple(connection.scalars(select(there.c.outlet).where(~before).order_by(there.c.outlet)))


def _movers(connection: Connection, day: date, window: timedelta, min_n: int, level: float) -> tuple[Mover, ...]:
    end = midnight(day + DAY)
    wanted = Filter(since=end - window, until=end)
    after = sums(connection, wanted, group="outlet")
    before = sums(connection, replace(wanted, since=end - 2 * window, until=end - window), group="outlet")
    both = ((name, before[key], after[key]) for key in after.keys() & before.keys() for name in key[1:])
    movers = (_mover(name, old, new, level) for name, old, new in both if min(old.n, new.n) >= min_n)
    return tuple(sorted(movers, key=lambda mover: (-abs(mover.difference), mover.outlet)))


def _mover(outlet: str, before: Sums, after: Sums, level: float) -> Mover:
    """The difference with Welch's interval."""
    difference = after.mean - before.mean
    errors = [one.deviations / (one.n - 1) / one.n for one in (before, after)]
    total = sum(errors)
    parts = sum(error**2 / (one.n - 1) for error, one in zip(errors, (before, after), strict=True))
    half_width = student_t((1 + level) / 2, total**2 / parts) * sqrt(total) if parts else 0.0
    return Mover(
        outlet=outlet, n_before=before.n, n_after=after.n, before=before.mean, after=after.mean,
        difference=difference, interval=(max(-2.0, difference - half_width), min(2.0, difference + half_width)),
    )  # fmt: skip
