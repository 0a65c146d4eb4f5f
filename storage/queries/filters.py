"""What a reader asks for, and the scored articles that answer it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import eq, ge, le, lt
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Select, exists, false, func, literal, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from storage.columns import MAX_ID, storable
from storage.runs import current_run
from storage.schema import coding_codes, scores, standing, word_sums
from storage.search import holding

MAX_TERMS = 32
RARE = 20_000  # articles that are sorted faster than they are met in the order of all
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


def scored(connection: Connection, wanted: Filter, *columns: Any) -> Select[Any]:
    """A selection of `columns` of `standing` over the articles that `wanted` lets through."""
    run_id = run_or_current(connection, wanted.run_id)
    conditions = [standing.c.run_id == run_id, *_plain(wanted), *_having(connection, wanted, run_id)]
    selection = select(*columns).select_from(standing).where(*conditions)
    sought = terms(wanted.text or "")
    return selection.where(*holding(connection, sought, standing.c.article_id, language=wanted.language))


def run_or_current(connection: Connection, run_id: int | None) -> int | None:
    """`run_id`, or the id of the current run; None if there can be no such run."""
    if run_id is not None:
        return run_id if 0 < run_id <= MAX_ID else None
    return current_run(connection)


def _plain(wanted: Filter) -> list[ColumnElement[bool]]:
    asked: list[tuple[Any, Callable[[Any, Any], ColumnElement[bool]], Any]] = [
        *((standing.c[name], eq, getattr(wanted, name)) for name in get_args(Group)),
        (standing.c.at, ge, wanted.since),
        (standing.c.at, lt, wanted.until),
        (standing.c.tone, ge, wanted.tone_min),
        (standing.c.tone, le, wanted.tone_max),
    ]
    return [compare(column, value) for column, compare, value in asked if value is not None]


def _having(connection: Connection, wanted: Filter, run_id: int | None) -> list[ColumnElement[bool]]:
    """The conditions that a code and an omitted fact set, by how many articles of the run have them."""
    found: list[ColumnElement[bool]] = []
    if wanted.code is not None:
        n = _occurring(connection, run_id, "code", wanted.code)
        found.append(_bears(wanted.code, rare=n < RARE) if n else false())
    if wanted.omitted is not None:
        n = _occurring(connection, run_id, "omitted", wanted.omitted)
        found.append(_omits(connection, wanted.omitted) if n else false())
    return found


def _occurring(connection: Connection, run_id: int | None, what: str, word: str) -> int:
    sums = (word_sums.c.run_id == run_id, word_sums.c.what == what, word_sums.c.grain == "month")
    return int(connection.scalar(select(func.sum(word_sums.c.n)).where(*sums, word_sums.c.word == word)) or 0)


def _bears(code: str, *, rare: bool) -> ColumnElement[bool]:
    """A rare code is looked up at once; else the articles are looked at in the order that the reader wants."""
    if rare:
        return standing.c.score_id.in_(select(coding_codes.c.score_id).where(coding_codes.c.code == code))
    return exists().where(coding_codes.c.score_id == standing.c.score_id, coding_codes.c.code == code)


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
