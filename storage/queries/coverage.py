"""Scored coverage: which articles, how toned, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from storage.queries.cursors import KEYS, ORDERS, Sort, beyond, cursor
from storage.queries.filters import Filter, scored
from storage.schema import articles, coding_codes, revisions, runs, scores, standing

MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One scored article.

    `at`: when it was published, else first seen. `codes`: each with its greatest strength.
    """

    score_id: int
    article_id: int
    revision_id: int
    url: str
    outlet: str
    country: str
    kind: str
    language: str
    title: str
    at: datetime
    published_at: datetime | None
    first_seen_at: datetime
    partial: bool
    tone: float
    tone_low: float
    tone_high: float
    outlook: float
    scrutiny: float
    credulity: float | None
    omitted: tuple[str, ...]
    unusual: tuple[str, ...]
    codes: dict[str, float]
    run: str
    scored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of an answer; `next` asks for those that follow, None at the end."""

    rows: tuple[Coverage, ...]
    next: str | None


COLUMNS = (
    scores.c.id.label("score_id"),
    articles.c.id.label("article_id"),
    revisions.c.id.label("revision_id"),
    *(articles.c[name] for name in ("url", "outlet", "country", "kind", "published_at", "first_seen_at")),
    *(revisions.c[name] for name in ("language", "title", "partial")),
    *(scores.c[name] for name in ("tone", "tone_low", "tone_high", "outlook", "scrutiny", "credulity")),
    *(scores.c[name] for name in ("omitted", "unusual", "scored_at")),
    runs.c.stamp.label("run"),
    func.coalesce(articles.c.published_at, articles.c.first_seen_at).label("at"),
)


def coverage(
    connection: Connection,
    wanted: Filter | None = None,
    *,
    sort: Sort = "newest",
    limit: int = 100,
    after: str | None = None,
) -> Page:
    """Scored articles in the order of `sort`, from 1 to MAX_LIMIT at once. `after`: the `next` of the page before.

    Raises StorageError (`bad_cursor`) for an `after` that no page of the same sort gave.
    """
    limit = min(max(limit, 1), MAX_LIMIT)
    selection = scored(connection, wanted or Filter(), standing.c.score_id, along=KEYS[sort])
    if after is not None:
        selection = selection.where(beyond(sort, after))
    rows = rows_of(connection, selection.order_by(*ORDERS[sort]).limit(limit + 1))
    page = rows[:limit]
    return Page(rows=page, next=cursor(sort, page[-1]) if len(rows) > limit else None)


def coverage_of(connection: Connection, article_id: int) -> Coverage | None:
    """An article's score, if it has one under the current run."""
    found = scored(connection, Filter(), standing.c.score_id).where(standing.c.article_id == article_id)
    rows = rows_of(connection, found)
    return rows[0] if rows else None


def count(connection: Connection, wanted: Filter | None = None, *, most: int = 10_000) -> int:
    """How many scored articles there are; counts no further than `most`."""
    key = standing.c.article_id
    found = scored(connection, wanted or Filter(), key, along=key).limit(max(most, 0))
    return int(connection.scalar(select(func.count()).select_from(found.subquery())) or 0)


def extremes(
    connection: Connection, n: int, wanted: Filter | None = None
) -> tuple[tuple[Coverage, ...], tuple[Coverage, ...]]:
    """The `n` most credulous and the `n` most vigilant articles, the extreme first."""
    selection = scored(connection, wanted or Filter(), standing.c.score_id, along=standing.c.tone)
    selection = selection.limit(min(max(n, 0), MAX_LIMIT))
    return (
        rows_of(connection, selection.order_by(*ORDERS["credulous"])),
        rows_of(connection, selection.order_by(*ORDERS["vigilant"])),
    )


def rows_of(connection: Connection, selection: Select[Any]) -> tuple[Coverage, ...]:
    """What the selected ids of scores stand for, in their order."""
    return covered(connection, connection.scalars(selection).all())


def covered(connection: Connection, score_ids: Sequence[int]) -> tuple[Coverage, ...]:
    """What these ids of scores stand for, in their order."""
    joined = (
        scores.join(revisions, revisions.c.id == scores.c.revision_id)
        .join(articles, articles.c.id == revisions.c.article_id)
        .join(runs, runs.c.id == scores.c.run_id)
    )
    rows = connection.execute(select(*COLUMNS).select_from(joined).where(scores.c.id.in_(score_ids)))
    found = {row.score_id: row for row in rows}
    strongest = _strongest(connection, score_ids)
    return tuple(_coverage(found[score_id], strongest.get(score_id, {})) for score_id in score_ids)


def _coverage(row: Row[Any], codes: dict[str, float]) -> Coverage:
    unusual = tuple(row.unusual or ())
    return Coverage(**{**row._mapping, "omitted": tuple(row.omitted), "unusual": unusual, "codes": codes})


def _strongest(connection: Connection, score_ids: Sequence[int]) -> dict[int, dict[str, float]]:
    strength = func.max(coding_codes.c.strength).label("strength")
    selection = select(coding_codes.c.score_id, coding_codes.c.code, strength)
    grouped = selection.where(coding_codes.c.score_id.in_(score_ids)).group_by(
        coding_codes.c.score_id, coding_codes.c.code
    )
    found: dict[int, dict[str, float]] = {}
    for score_id, code, value in connection.execute(grouped.order_by(strength.desc(), coding_codes.c.code)):
        found.setdefault(score_id, {})[code] = value
    return found
