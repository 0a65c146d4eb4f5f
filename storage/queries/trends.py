"""How tone goes over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from storage.queries.filters import Filter, Group, Period
from storage.queries.intervals import MIN_N, Interval, Sums, mean_interval
from storage.queries.tones import sums


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """The articles of one period, named by its first day, and of one group ("" for all together).

    Without enough articles, `tone` and all that follows are None.
    """

    period: str
    group: str
    n: int
    tone: float | None
    interval: Interval | None
    outlook: float | None
    scrutiny: float | None
    credulity: float | None


def trend(
    connection: Connection,
    wanted: Filter | None = None,
    *,
    period: Period = "month",
    group: Group | None = None,
    min_n: int = 10,
    level: float = 0.9,
) -> tuple[TrendPoint, ...]:
    """Mean tone by period, the oldest first, and by group; periods without articles are left out.

    Points of fewer than `min_n` articles (never less than MIN_N) have their number only.
    """
    found = sums(connection, wanted or Filter(), period=period, group=group)
    least = max(min_n, MIN_N)
    return tuple(_point(start, name, one, least, level) for (start, name), one in found.items())


def _point(start: str, group: str, found: Sums, min_n: int, level: float) -> TrendPoint:
    names: dict[str, Any] = {"period": start, "group": group}
    if found.n < min_n:
        return TrendPoint(**names, n=found.n, tone=None, interval=None, outlook=None, scrutiny=None, credulity=None)
    interval = mean_interval(found, level)
    return TrendPoint(**names, n=found.n, tone=found.mean, interval=interval, **found.means())
