"""How outlets, languages, countries and kinds of outlets compare.

Coverage follows events, and groups differ in which events they cover at all. The mean at constant mix weighs the
calendar months (UTC) of every group alike, by all articles that the filter lets through: direct standardisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from sqlalchemy import Connection

from storage.queries.filters import Filter, Group
from storage.queries.intervals import MIN_N, Interval, Sums, about, mean_interval
from storage.queries.tones import matching, sums

COVERED = 0.5  # share of all articles whose months a group must cover for its mean at constant mix
Months = Mapping[str, Sums]
NOTHING = Sums(n=0, tone=0, squares=0, outlook=0, scrutiny=0, credulity=0, credulous=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTone:
    """How a group covers the talks; `country` is "" but for outlets.

    Without enough articles, `tone` and all that follows are None; `mixed_tone` and its interval also where the
    group's months hold less than COVERED of all articles, or where too few months have more than one of its own.
    """

    group: str
    country: str
    articles: int
    tone: float | None
    interval: Interval | None
    mixed_tone: float | None
    mixed_interval: Interval | None
    outlook: float | None
    scrutiny: float | None
    credulity: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletTone:
    """How an outlet covers the talks.

    Without enough articles, `tone` and all that follows are None.
    """

    outlet: str
    country: str
    articles: int
    tone: float | None
    interval: Interval | None
    outlook: float | None
    scrutiny: float | None
    credulity: float | None


def by_group(
    connection: Connection,
    wanted: Filter | None = None,
    *,
    group: Group = "outlet",
    min_n: int = 10,
    level: float = 0.9,
) -> tuple[GroupTone, ...]:
    """Mean tone of each group with its t interval, the most credulous first.

    Groups with fewer than `min_n` articles (never less than MIN_N) follow unranked, with their number only.
    """
    wanted = wanted or Filter()
    found: dict[str, dict[str, Sums]] = {}
    for (month, name), one in sums(connection, wanted, period="month", group=group).items():
        found.setdefault(name, {})[month] = one
    mix = _mix(found)
    countries = _countries(connection, wanted) if group == "outlet" else {}
    rows = (
        _group(name, countries.get(name, ""), months, mix, max(min_n, MIN_N), level) for name, months in found.items()
    )
    return tuple(sorted(rows, key=_rank))


def by_outlet(
    connection: Connection, wanted: Filter | None = None, *, min_n: int = 10, level: float = 0.9
) -> tuple[OutletTone, ...]:
    """Mean tone of each outlet with its t interval, the most credulous first.

    Outlets with fewer than `min_n` articles (never less than MIN_N) follow unranked, with their number only.
    """
    rows = by_group(connection, wanted, group="outlet", min_n=min_n, level=level)
    names = [name for name in OutletTone.__dataclass_fields__ if name != "outlet"]
    return tuple(OutletTone(outlet=row.group, **{name: getattr(row, name) for name in names}) for row in rows)


def _countries(connection: Connection, wanted: Filter) -> dict[str, str]:
    """The country of each outlet, the first by name where it has several."""
    found = {(one.outlet, one.country) for one in matching(connection, wanted).values()}
    return dict(sorted(found, reverse=True))


def _rank(row: GroupTone) -> tuple[bool, float, int, str]:
    return row.tone is None, -(row.tone or 0), -row.articles, row.group


def _mix(groups: Mapping[str, Months]) -> dict[str, float]:
    """The share of each month among all articles."""
    counts: dict[str, int] = {}
    for months in groups.values():
        for month, found in months.items():
            counts[month] = counts.get(month, 0) + found.n
    total = sum(counts.values())
    return {month: n / total for month, n in counts.items()}


def _group(name: str, country: str, months: Months, mix: Mapping[str, float], min_n: int, level: float) -> GroupTone:
    total = sum(months.values(), NOTHING)
    names: dict[str, Any] = {"group": name, "country": country}
    if total.n < min_n:
        return GroupTone(
            **names, articles=total.n, tone=None, interval=None, mixed_tone=None, mixed_interval=None, outlook=None,
            scrutiny=None, credulity=None,
        )  # fmt: skip
    mixed_tone, mixed_interval = _mixed(months, mix, level) or (None, None)
    return GroupTone(
        **names, articles=total.n, tone=total.mean, interval=mean_interval(total, level), mixed_tone=mixed_tone,
        mixed_interval=mixed_interval, **total.means(),
    )  # fmt: skip


def _mixed(months: Months, mix: Mapping[str, float], level: float) -> tuple[float, Interval] | None:
    """The mean at constant mix; months without articles of the group leave their weight to the others.

    Its error takes the articles of every month to spread alike.
    """
    covered = sum(mix[month] for month in months)
    freedom = sum(found.n - 1 for found in months.values())
    if covered < COVERED or freedom < MIN_N - 1:
        return None
    weights = {month: mix[month] / covered for month in months}
    mean = sum(weights[month] * found.mean for month, found in months.items())
    spread = sum(found.deviations for found in months.values()) / freedom
    error = sqrt(spread * sum(weights[month] ** 2 / found.n for month, found in months.items()))
    return mean, about(mean, error, freedom, level)
