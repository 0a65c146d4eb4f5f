"""What a reader asks for, and the scored articles that answer it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import ge, le, lt
from typing import Any, Literal, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    exists,
    false,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.columns import MAX_ID, storable
from storage.runs import current_run
from storage.schema import coding_codes, scores, standing, word_sums
from storage.search import holding

MAX_TERMS = 32
RARE = 5_000  # articles that are sorted faster than 50 of them are met among a million
Group = Literal["outlet", "language", "country", "kind"]
Period = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Narrows down scored articles; what is None does not.

    `since` is included and `until` is not; they refer to the time of publication, or else to when the
    article was first seen. `text`: words, or "quoted phrases", that all occur in title or text, in any
    case, width and white space; nothing in it is special beside the quotation marks. `omitted`: a context fact that
    the article leaves out. `run_id`: the current run by default.
    """

    outlet: str | None = None
    country: str | None = None
    kind: str | None = None
    language: str | None = None
    code: str | None = None
    omitted: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    tone_min: float | None = None
    tone_max: float | None = None
    text: str | None = None
    run_id: int | None = None


def scored(connection: Connection, wanted: Filter, *columns: Any, along: Any = None) -> Select[Any]:
    """A selection of `columns` of `standing` over the articles that `wanted` lets through.

    `along`: the column in whose order a reader wants the first of them, which are then looked for in that order unless
    few have what else is asked for.
    """
    run_id = run_or_current(connection, wanted.run_id)
    code, rare = _coded(connection, wanted, run_id, along)
    # + 0 keeps SQLite from going through all scores of the run, in search of a few; PostgreSQL knows how few they are
    is_unindexed = rare and connection.dialect.name == "sqlite"
    run = standing.c.run_id + 0 == run_id if is_unindexed else standing.c.run_id == run_id
    ranges = [condition for one in _ranges(wanted) for condition in one.conditions(connection, run_id, along)]
    conditions = [run, *_named(wanted), *ranges, *code, *_omitting(connection, wanted, run_id)]
    selection = select(*columns).select_from(standing).where(*conditions)
    sought = terms(wanted.text or "")
    return selection.where(*holding(connection, sought, standing.c.article_id, language=wanted.language))


def run_or_current(connection: Connection, run_id: int | None) -> int | None:
    """`run_id`, or the id of the current run; None if there can be no such run."""
    if run_id is not None:
        return run_id if 0 < run_id <= MAX_ID else None
    return current_run(connection)


def _named(wanted: Filter) -> list[ColumnElement[bool]]:
    asked = {name: getattr(wanted, name) for name in get_args(Group)}
    return [standing.c[name] == value for name, value in asked.items() if value is not None]


@dataclass(frozen=True, slots=True)
class _Range:
    column: Any
    bounds: tuple[tuple[Callable[[Any, Any], ColumnElement[bool]], Any], ...]

    def conditions(self, connection: Connection, run_id: int | None, along: Any) -> list[ColumnElement[bool]]:
        """That the column lies within the bounds; by its index unless that would bring many rows to be sorted."""
        conditions = self._of(self.column)
        sorted_by_other = along is not None and along is not self.column and connection.dialect.name == "sqlite"
        if not conditions or not sorted_by_other:  # PostgreSQL knows by itself how many there are
            return conditions
        some = select(literal(1)).select_from(standing).where(standing.c.run_id == run_id, *conditions).limit(RARE)
        is_rare = (connection.scalar(select(func.count()).select_from(some.subquery())) or 0) < RARE
        return conditions if is_rare else self._of(literal_column(f"+{self.column}", self.column.type))

    def _of(self, column: Any) -> list[ColumnElement[bool]]:
        return [compare(column, value) for compare, value in self.bounds if value is not None]


def _ranges(wanted: Filter) -> tuple[_Range, _Range]:
    return (
        _Range(standing.c.at, ((ge, wanted.since), (lt, wanted.until))),
        _Range(standing.c.tone, ((ge, wanted.tone_min), (le, wanted.tone_max))),
    )


def _coded(
    connection: Connection, wanted: Filter, run_id: int | None, along: Any
) -> tuple[list[ColumnElement[bool]], bool]:
    """The condition that a code sets, and whether those of the run that meet it are to be looked up at once."""
    if wanted.code is None:
        return [], False
    n = _occurring(connection, run_id, "code", wanted.code)
    if n == 0:
        return [false()], False
    borne = coding_codes.alias("borne")  # else a selection that joins the codes would take these for its own
    if along is None or n < RARE:
        return [standing.c.score_id.in_(select(borne.c.score_id).where(borne.c.code == wanted.code))], True
    return [exists().where(borne.c.score_id == standing.c.score_id, borne.c.code == wanted.code)], False


def _omitting(connection: Connection, wanted: Filter, run_id: int | None) -> list[ColumnElement[bool]]:
    if wanted.omitted is None:
        return []
    return [
        _omits(connection, wanted.omitted) if _occurring(connection, run_id, "omitted", wanted.omitted) else false()
    ]


def _occurring(connection: Connection, run_id: int | None, what: str, word: str) -> int:
    sums = (word_sums.c.run_id == run_id, word_sums.c.what == what, word_sums.c.grain == "month")
    return int(connection.scalar(select(func.sum(word_sums.c.n)).where(*sums, word_sums.c.word == word)) or 0)


def _omits(connection: Connection, fact: str) -> ColumnElement[bool]:
    own = scores.alias("own")
    score = own.c.id == standing.c.score_id
    if connection.dialect.name == "postgresql":
        return exists().where(score, type_coerce(own.c.omitted, JSONB).contains([storable(fact)]))
    each = func.json_each(own.c.omitted).table_valued("value", name="left_out")
    return exists().select_from(own.join(each, literal(True))).where(score, each.c.value == storable(fact))


def terms(text: str) -> list[str]:
    """The first MAX_TERMS different words and quoted phrases of a search."""
    found = (phrase or word for phrase, word in re.findall(r'"([^"]*)"|([^\s"]+)', storable(text)))
    return list(dict.fromkeys(term for raw in found if (term := raw.strip())))[:MAX_TERMS]
