"""Sums over the figures of scored articles, by group and period: what all means are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, type_coerce

from storage.columns import Text
from storage.queries.filters import WHEN, Filter, Group, Period, scored
from storage.queries.intervals import Sums
from storage.schema import articles, revisions, scores

GROUPS: Mapping[Group, ColumnElement[str]] = {
    "outlet": articles.c.outlet,
    "language": revisions.c.language,
    "country": articles.c.country,
    "kind": articles.c.kind,
}
SUMS = (
    func.count().label("n"),
    func.sum(scores.c.tone).label("tone"),
    func.sum(scores.c.tone * scores.c.tone).label("squares"),
    func.sum(scores.c.outlook).label("outlook"),
    func.sum(scores.c.scrutiny).label("scrutiny"),
    func.coalesce(func.sum(scores.c.credulity), 0.0).label("credulity"),
    func.count(scores.c.credulity).label("credulous"),
)


def sums(
    connection: Connection, wanted: Filter, *, period: Period | None = None, group: Group | None = None
) -> dict[tuple[str, str], Sums]:
    """Sums by (first day of the period, group), in that order; "" stands for what is not asked for."""
    keys = {}
    if period is not None:
        keys["period"] = start_of(connection, period)
    if group is not None:
        keys["grouped"] = GROUPS[group]
    labelled = [key.label(name) for name, key in keys.items()]
    rows = connection.execute(scored(connection, wanted, *labelled, *SUMS).group_by(*keys.values())).all()
    found = {_key(row): _sums(row) for row in rows if row.n}
    return dict(sorted(found.items()))


def start_of(connection: Connection, period: Period) -> ColumnElement[str]:
    """The first day, as text, of the period that an article falls into; weeks begin on Monday, all is UTC."""
    if connection.dialect.name == "postgresql":
        return func.to_char(func.date_trunc(period, WHEN.element), "YYYY-MM-DD")
    day = func.substr(type_coerce(WHEN.element, Text()), 1, 10)
    if period == "week":
        return func.date(day, "weekday 0", "-6 days")
    return day if period == "day" else func.substr(day, 1, 7).concat("-01")


def _key(row: Row[Any]) -> tuple[str, str]:
    found = row._mapping
    return found.get("period", ""), found.get("grouped", "")


def _sums(row: Row[Any]) -> Sums:
    return Sums(**{name: row._mapping[name] for name in Sums.__dataclass_fields__})
