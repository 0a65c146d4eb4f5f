"""Sums over the figures of scored articles, by period and group: what all means are made of.

They come out of `tone_sums` where the filter allows it, else out of the articles themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from sqlalchemy import ColumnElement, Connection, Date, Select, Table, cast, func, literal_column, select, type_coerce

from storage.columns import Text
from storage.queries.filters import Filter, Group, Period, run_or_current, scored
from storage.queries.intervals import Sums
from storage.queries.spans import spans, summed
from storage.schema import series, standing, tone_sums

NONE = literal_column("''", Text())
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


def sums(
    connection: Connection, wanted: Filter, *, period: Period | None = None, group: Group | None = None
) -> dict[tuple[str, str], Sums]:
    """Sums by (first day of the period, group), in that order; "" stands for what is not asked for."""
    found: dict[tuple[str, str], Sums] = {}
    for selection in _selections(connection, wanted, period, group):
        for start, name, *figures in connection.execute(selection).all():
            if figures[0]:
                one = Sums(**dict(zip(SUMS, figures, strict=True)))
                found[start, name] = found[start, name] + one if (start, name) in found else one
    return dict(sorted(found.items()))


def countries(connection: Connection) -> dict[str, str]:
    """The country of each outlet, the first by name where it has several."""
    return dict(sorted(connection.execute(select(series.c.outlet, series.c.country)).all(), reverse=True))


def _selections(
    connection: Connection, wanted: Filter, period: Period | None, group: Group | None
) -> Iterator[Select[Any]]:
    """Selections of (first day of the period, group, sums)."""
    if not summed(wanted):
        start = start_of(connection, day_of(connection, standing.c.at), period)
        name = standing.c[group] if group else NONE
        yield _by(
            scored(connection, wanted, start, name, *ARTICLES), start if period else None, name if group else None
        )
        return
    name = series.c[group] if group else NONE
    columns = [func.sum(tone_sums.c[figure]) for figure in SUMS]
    mine = tone_sums.c.run_id == run_or_current(connection, wanted.run_id)
    for span in spans(wanted, period):
        is_start = span.grain == period
        start = tone_sums.c.start if is_start else start_of(connection, tone_sums.c.start, period)
        selection = in_series(select(start, name, *columns), tone_sums, wanted, group)
        yield _by(selection.where(mine, *span.within(tone_sums)), start if period else None, name if group else None)


def _by(selection: Select[Any], *keys: Any) -> Select[Any]:
    return selection.group_by(*(key for key in keys if key is not None))


def in_series(selection: Select[Any], table: Table, wanted: Filter, group: Group | None) -> Select[Any]:
    """The selection with what the filter asks of series, and joined to them if they are asked for."""
    asked = {name: getattr(wanted, name) for name in get_args(Group)}
    same = [series.c[name] == value for name, value in asked.items() if value is not None]
    if group is None:
        return selection.where(table.c.series_id.in_(select(series.c.id).where(*same))) if same else selection
    return selection.select_from(table.join(series, series.c.id == table.c.series_id)).where(*same)


def day_of(connection: Connection, moment: Any) -> ColumnElement[str]:
    """The day (UTC) of a time, as text."""
    if connection.dialect.name == "postgresql":
        return func.to_char(moment, "YYYY-MM-DD")  # the session's zone is UTC
    return func.substr(type_coerce(moment, Text()), 1, 10)


def start_of(connection: Connection, day: Any, period: Period | None) -> ColumnElement[str]:
    """The first day of the period that a day, as text, falls into; weeks begin on Monday."""
    if period is None:
        return NONE
    if period == "week" and connection.dialect.name == "postgresql":
        return func.to_char(func.date_trunc("week", cast(day, Date())), "YYYY-MM-DD")
    if period == "week":
        return func.date(day, "weekday 0", "-6 days")
    return type_coerce(day, Text()) if period == "day" else func.substr(day, 1, 8).concat("01")
