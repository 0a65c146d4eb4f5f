"""What can be asked for: the values that filters may take, and the runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.queries.filters import Filter, Group, run_or_current
from storage.queries.tones import sums
from storage.schema import runs as runs_
from storage.schema import tone_sums

Values = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """Each value with the number of scored articles that have it, the commonest first."""

    outlets: Values
    countries: Values
    kinds: Values
    languages: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run. `scored`: articles whose current text it scored; `current`: whether its scores are those that stand."""

    id: int
    stamp: str
    model: str
    codebook: str
    version: str
    created_at: datetime
    scored: int
    current: bool


def facets(connection: Connection) -> Facets:
    """The values that the scored articles have."""
    return Facets(
        outlets=_values(connection, "outlet"),
        countries=_values(connection, "country"),
        kinds=_values(connection, "kind"),
        languages=_values(connection, "language"),
    )


def _values(connection: Connection, group: Group) -> Values:
    found = ((name, one.n) for (_, name), one in sums(connection, Filter(), group=group).items())
    return tuple(sorted(found, key=lambda value: (-value[1], value[0])))


def runs(connection: Connection) -> tuple[RunView, ...]:
    """All runs, the latest first."""
    current = run_or_current(connection, None)
    sums_of = (tone_sums.c.run_id == runs_.c.id, tone_sums.c.grain == "month")
    scored = select(func.coalesce(func.sum(tone_sums.c.n), 0)).where(*sums_of).scalar_subquery().label("scored")
    names = [name for name in RunView.__dataclass_fields__ if name in runs_.c]
    selection = select(*(runs_.c[name] for name in names), scored)
    rows = connection.execute(selection.order_by(runs_.c.created_at.desc(), runs_.c.id.desc()))
    return tuple(RunView(**row._mapping, current=row.id == current) for row in rows)
