"""Which sums by day and month make up the time that a filter asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Table

from storage.queries.filters import Filter, Period

LAST = date.max.replace(day=1)  # no month follows
Grain = Literal["day", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The sums of one grain from `first` until before `end` (days as text); None: without bound."""

    grain: Grain
    first: str | None
    end: str | None

    def within(self, table: Table) -> list[ColumnElement[bool]]:
        """The conditions under which a row of sums belongs to the span."""
        start = table.c.start
        bounds = ([start >= self.first] if self.first else []) + ([start < self.end] if self.end else [])
        return [table.c.grain == self.grain, *bounds]


def summed(wanted: Filter) -> bool:
    """Whether sums answer the filter: it asks for whole days, and for nothing that one article has and another of the
    same series has not.
    """
    single = (wanted.code, wanted.omitted, wanted.tone_min, wanted.tone_max, (wanted.text or "").strip() or None)
    bounds = (wanted.since, wanted.until)
    return all(one is None for one in single) and all(one is None or _midnight(one) for one in bounds)


def spans(wanted: Filter, period: Period | None) -> Iterator[Span]:
    """The spans that make up the time that a filter asks for; whole months as such unless days or weeks are told."""
    first, end = _day(wanted.since), _day(wanted.until)
    months = _next_month(first) if first else None, end.replace(day=1) if end else None
    if period in ("day", "week") or (months[0] and months[1] and months[0] >= months[1]):
        yield _span("day", first, end)
        return
    if first != months[0]:
        yield _span("day", first, months[0])
    yield _span("month", *months)
    if end != months[1]:
        yield _span("day", months[1], end)


def _midnight(moment: datetime) -> bool:
    return moment.astimezone(UTC).time() == time()


def _day(moment: datetime | None) -> date | None:
    return moment.astimezone(UTC).date() if moment else None


def _next_month(day: date) -> date:
    """The first of the month that begins with the day or next after it."""
    if day.day == 1 or day > LAST:
        return day
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _span(grain: Grain, first: date | None, end: date | None) -> Span:
    return Span(grain=grain, first=first.isoformat() if first else None, end=end.isoformat() if end else None)
