"""What a reader asks for, and the scored articles that answer it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import eq, ge, le, lt
from typing import Any, Literal, get_args

from sqlalchemy import Column, ColumnElement, Connection, Select, and_, exists, func, literal, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from storage.columns import MAX_ID, Text, storable
from storage.runs import current_run
from storage.schema import articles, coding_codes, revisions, scores, standing

MAX_TERMS = 32
Group = Literal["outlet", "language", "country", "kind"]
Period = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Narrows down scored articles; what is None does not.

    `since` is included and `until` is not; they refer to the time of publication, or else to when the
    article was first seen. `text`: words, or "quoted phrases", that all occur in title or text, in any
    case; nothing in it is special beside the quotation marks. `omitted`: a context fact that the article leaves
    out. `run_id`: the current run by default.
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


def scored(connection: Connection, wanted: Filter, *columns: Any) -> Select[Any]:
    """A selection of `columns` of `standing` over the articles that `wanted` lets through."""
    run = standing.c.run_id == run_or_current(connection, wanted.run_id)
    selection = select(*columns).select_from(standing).where(run, *_conditions(connection, wanted))
    sought = terms(wanted.text or "")
    if not sought:
        return selection
    current = and_(articles.c.id == revisions.c.article_id, articles.c.revision == revisions.c.number)
    joined = selection.join(articles, articles.c.id == standing.c.article_id).join(revisions, current)
    return joined.where(*(_holds(connection, term) for term in sought))


def run_or_current(connection: Connection, run_id: int | None) -> int | None:
    """`run_id`, or the id of the current run; None if there can be no such run."""
    if run_id is not None:
        return run_id if 0 < run_id <= MAX_ID else None
    return current_run(connection)


def _conditions(connection: Connection, wanted: Filter) -> list[ColumnElement[bool]]:
    plain: list[tuple[Any, Callable[[Any, Any], ColumnElement[bool]], Any]] = [
        *((standing.c[name], eq, getattr(wanted, name)) for name in get_args(Group)),
        (standing.c.at, ge, wanted.since),
        (standing.c.at, lt, wanted.until),
        (standing.c.tone, ge, wanted.tone_min),
        (standing.c.tone, le, wanted.tone_max),
        (standing.c.score_id, _bears, wanted.code),
    ]
    conditions = [compare(column, value) for column, compare, value in plain if value is not None]
    return conditions + ([] if wanted.omitted is None else [_omits(connection, wanted.omitted)])


def _bears(score_id: Column[int], code: str) -> ColumnElement[bool]:
    bearing = coding_codes.alias()  # what is asked may count codes itself
    return exists().where(bearing.c.score_id == score_id, bearing.c.code == code)


def _omits(connection: Connection, fact: str) -> ColumnElement[bool]:
    score = scores.c.id == standing.c.score_id
    if connection.dialect.name == "postgresql":
        return exists().where(score, type_coerce(scores.c.omitted, JSONB).contains([storable(fact)]))
    each = func.json_each(scores.c.omitted).table_valued("value")
    return exists().select_from(scores.join(each, literal(True))).where(score, each.c.value == storable(fact))


def terms(text: str) -> list[str]:
    """The first MAX_TERMS different words and quoted phrases of a search."""
    found = (phrase or word for phrase, word in re.findall(r'"([^"]*)"|([^\s"]+)', storable(text)))
    return list(dict.fromkeys(term for raw in found if (term := raw.strip())))[:MAX_TERMS]


def _holds(connection: Connection, term: str) -> ColumnElement[bool]:
    place = func.instr if connection.dialect.name == "sqlite" else func.strpos
    lowered = func.lower(literal(term, Text()))
    return or_(*(place(func.lower(column), lowered) > 0 for column in (revisions.c.title, revisions.c.text)))
