"""Scored articles by what they mean: those like an article, and those nearest to a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from pipeline.records import Vectors
from storage.codes import Codes, Ids, codes, of_model
from storage.columns import MAX_ID
from storage.meanings import read
from storage.queries.filters import Filter, scored
from storage.runs import current_run
from storage.schema import articles, meanings, revisions, runs, standing
from storage.search import among

MOST = 100
CANDIDATES = (512, 8192)  # so many by code are looked at; more only if the filter leaves too few of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """A scored article. `similarity`: the cosine of the vectors, each without what its language has in common."""

    article_id: int
    score_id: int
    url: str
    outlet: str
    language: str
    title: str
    at: datetime
    tone: float
    similarity: float


COLUMNS = (
    *(standing.c[name] for name in ("article_id", "score_id", "outlet", "language", "at", "tone")),
    articles.c.url,
    revisions.c.title,
)


def similar(connection: Connection, article_id: int, n: int = 10, wanted: Filter | None = None) -> tuple[Similar, ...]:
    """The `n` articles most like this one, the nearest first; none where it has no vector."""
    known = _codes(connection)
    if known is None or not 0 < article_id <= MAX_ID:
        return ()
    mine = (meanings.c.article_id == article_id, *of_model(known))
    row = connection.execute(select(meanings.c.vector, meanings.c.language).where(*mine)).one_or_none()
    if row is None:
        return ()
    vector = known.centred(read(row.vector)[None], [row.language])[0]
    found = _nearest(connection, known, vector, _bounded(n) + 1, wanted or Filter())
    return tuple(one for one in found if one.article_id != article_id)[: _bounded(n)]


def nearest(
    connection: Connection,
    vector: Vectors,
    n: int = 10,
    wanted: Filter | None = None,
    *,
    language: str = "",
    candidates: Sequence[int] = CANDIDATES,
) -> tuple[Similar, ...]:
    """The `n` articles nearest to a vector (d), which the model of the current run gave for a text in this language.

    `candidates`: how many by code are looked at, first, and then. None is near a vector of another size.
    """
    known = _codes(connection)
    if known is None or known.dimensions != len(vector):
        return ()
    centred = known.centred(vector[None], [language])[0]
    return _nearest(connection, known, centred, _bounded(n), wanted or Filter(), candidates)


def _bounded(n: int) -> int:
    return min(max(n, 0), MOST)


def _codes(connection: Connection) -> Codes | None:
    model = connection.scalar(select(runs.c.model).where(runs.c.id == current_run(connection)))
    return None if model is None else codes(connection, model)


def _nearest(
    connection: Connection,
    known: Codes,
    vector: Vectors,
    n: int,
    wanted: Filter,
    candidates: Sequence[int] = CANDIDATES,
) -> tuple[Similar, ...]:
    distances = known.distances(vector)
    rows: Sequence[Row[Any]] = ()
    for most in candidates:
        rows = _scored(connection, wanted, known, _closest(known.ids, distances, most))
        if len(rows) >= n or most >= len(known.ids):
            return _ranked(rows, known, vector, n)
    allowed = connection.scalars(scored(connection, wanted, standing.c.article_id)).all()
    inside = np.isin(known.ids, np.fromiter(allowed, np.int64, len(allowed)))
    rows = _scored(connection, wanted, known, _closest(known.ids[inside], distances[inside], candidates[0]))
    return _ranked(rows, known, vector, n)


def _closest(ids: Ids, distances: Any, most: int) -> list[int]:
    """The ids with the least distances, `most` of them."""
    if len(ids) > most:
        ids = ids[np.argpartition(distances, most)[:most]]
    return list(dict.fromkeys(ids.tolist()))


def _scored(connection: Connection, wanted: Filter, known: Codes, ids: Sequence[int]) -> Sequence[Row[Any]]:
    selection = scored(connection, wanted, *COLUMNS, meanings.c.vector, meanings.c.language.label("spoken"))
    current = (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision)
    joined = (
        selection.join(meanings, meanings.c.article_id == standing.c.article_id)
        .join(articles, articles.c.id == standing.c.article_id)
        .join(revisions, current)
    )
    return connection.execute(joined.where(*of_model(known), among(connection, ids, standing.c.article_id))).all()


def _ranked(rows: Sequence[Row[Any]], known: Codes, vector: Vectors, n: int) -> tuple[Similar, ...]:
    if not rows:
        return ()
    vectors = np.stack([read(row.vector) for row in rows])
    similarities = known.centred(vectors, [row.spoken for row in rows]) @ vector
    ranked = sorted(zip(similarities.tolist(), rows, strict=True), key=lambda one: (-one[0], one[1].article_id))
    names = [column.name for column in COLUMNS]
    return tuple(
        Similar(**{name: row._mapping[name] for name in names}, similarity=round(min(1.0, similarity), 6))
        for similarity, row in ranked[:n]
    )
