"""Sums over the figures of scored articles, by period and series: what all means are made of.

They come out of `tone_sums` where the filter allows it, else out of the articles themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import ColumnElement, Connection, Date, Select, cast, func, select, type_coerce

from storage.columns import Text
from storage.queries.filters import Filter, Group, Period, run_or_current, scored
from storage.queries.intervals import Sums
from storage.queries.spans import spans, summed
from storage.schema import series, standing, tone_sums

SUMS = tuple(Sums.__dataclass_fields__)
ARTICLES = (
    func.count(),
    func.sum(standing.c.tone),
    func.sum(standing.c.tone * standing.c.tone),
    func.sum(standing.c.outlook),
    func.sum(standing.c.scrutiny),
    func.coalesce(func.sum(standing.c.credulity), 0.0),
    func.count(standing.c.credulity),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The articles that share these four."""

    outlet: str
    country: str
    kind: str
    language: str


def sums(
    connection: Connection, wanted: Filter, *, period: Period | None = None, group: Group | None = None
) -> dict[tuple[str, str], Sums]:
    """Sums by (first day of the period, group), in that order; "" stands for what is not asked for."""
    known = matching(connection, wanted)
    found: dict[tuple[str, str], Sums] = {}
    for start, series_id, *figures in _figures(connection, wanted, period, known, grouped=group is not None):
        if figures[0]:
            one = Sums(**dict(zip(SUMS, figures, strict=True)))
            key = (start, getattr(known[series_id], group) if group else "")
            found[key] = found[key] + one if key in found else one
    return dict(sorted(found.items()))


def matching(connection: Connection, wanted: Filter) -> Mapping[int, Series]:
    """The series that the filter lets through."""
    asked = {name: getattr(wanted, name) for name in get_args(Group)}
    same = [series.c[name] == value for name, value in asked.items() if value is not None]
    return {
        row.id: Series(outlet=row.outlet, country=row.country, kind=row.kind, language=row.language)
        for row in connection.execute(select(series).where(*same))
    }


def _figures(
    connection: Connection, wanted: Filter, period: Period | None, known: Mapping[int, Series], *, grouped: bool
) -> Iterator[Any]:
    """Rows of (first day of the period, id of the series, sums)."""
    if not known:
        return
    for selection in _selections(connection, wanted, period, known, grouped=grouped):
        yield from connection.execute(selection)


def _selections(
    connection: Connection, wanted: Filter, period: Period | None, known: Mapping[int, Series], *, grouped: bool
) -> Iterator[Select[Any]]:
    if not summed(wanted):
        start, of = start_of(connection, day_of(connection, standing.c.at), period), standing.c.series_id
        yield _by(scored(connection, wanted, *keys(start, of, grouped=grouped), *ARTICLES), start, of, grouped=grouped)
        return
    start, of = start_of(connection, tone_sums.c.start, period), tone_sums.c.series_id
    columns = [func.sum(tone_sums.c[name]) for name in SUMS]
    run_id = run_or_current(connection, wanted.run_id)
    for span in spans(wanted, period):
        selection = select(*keys(start, of, grouped=grouped), *columns)
        selection = selection.where(tone_sums.c.run_id == run_id, *span.within(tone_sums), *among(of, wanted, known))
        yield _by(selection, start, of, grouped=grouped)


def keys(start: Any, of: Any, *, grouped: bool) -> tuple[Any, Any]:
    """What a row of sums is known by."""
    return start.label("period"), (of if grouped else func.min(of)).label("of")


def _by(selection: Select[Any], start: Any, of: Any, *, grouped: bool) -> Select[Any]:
    return selection.group_by(start, *([of] if grouped else []))


def among(of: Any, wanted: Filter, known: Mapping[int, Series]) -> list[ColumnElement[bool]]:
    """That the series is one of those known, where the filter leaves any out."""
    narrow = any(getattr(wanted, name) is not None for name in get_args(Group))
    return [of.in_(known)] if narrow else []


def day_of(connection: Connection, moment: Any) -> ColumnElement[str]:
    """The day (UTC) of a time, as text."""
    if connection.dialect.name == "postgresql":
        return func.to_char(moment, "YYYY-MM-DD")  # the session's zone is UTC
    return func.substr(type_coerce(moment, Text()), 1, 10)


def start_of(connection: Connection, day: Any, period: Period | None) -> ColumnElement[str]:
    """The first day of the period that a day, as text, falls into; weeks begin on Monday."""
    if period is None:
        return func.substr(day, 1, 0)
    if period == "week" and connection.dialect.name == "postgresql":
        return func.to_char(func.date_trunc("week", cast(day, Date())), "YYYY-MM-DD")
    if period == "week":
        return func.date(day, "weekday 0", "-6 days")
    return type_coerce(day, Text()) if period == "day" else func.substr(day, 1, 8).concat("01")
