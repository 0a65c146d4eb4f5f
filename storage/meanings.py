"""Keeps for each article one vector of what it means: the mean of the vectors of its current text's passages.

It outlives the passages' vectors, so that old coverage is still found by meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, delete, insert, select

from pipeline.records import Vectors
from storage.schema import articles, meanings, revisions, vectors

KEPT_AS = np.dtype("<f2")
BATCH = 500


def keep(connection: Connection, revision_id: int, model: str | None = None) -> None:
    """Have an article stand for what its current text means, if this is it and the model's vectors of it are kept.

    `model`: the one that the article's former vector came from by default.
    """
    of_model = vectors.c.model == (model or _model_of(revision_id))
    row = connection.execute(_current().where(revisions.c.id == revision_id, of_model)).one_or_none()
    if row is None:
        return
    now = _meaning(row)
    mine = meanings.c.article_id == row.article_id
    former = connection.execute(select(*(meanings.c[name] for name in now)).where(mine)).mappings().one_or_none()
    if former is None or dict(former) != now:
        connection.execute(delete(meanings).where(mine))  # a new id tells readers that it changed
        connection.execute(insert(meanings).values(now))


def fill(connection: Connection) -> None:
    """Take up all articles that have none; of several models, the one that is last by name."""
    after = 0
    while rows := connection.execute(_without(after)).all():
        after = rows[-1].article_id
        connection.execute(insert(meanings), list({row.article_id: _meaning(row) for row in rows}.values()))


def forget(connection: Connection, revision_ids: Iterable[int]) -> None:
    """Remove the vectors of articles that stand for these texts."""
    connection.execute(delete(meanings).where(meanings.c.revision_id.in_(list(revision_ids))))


def mean(vectors: Vectors) -> Vectors:
    """The mean direction (d, unit length) of n vectors (n x d); zero if they have none."""
    return unit(vectors.mean(axis=0)) if len(vectors) else np.zeros(vectors.shape[1], np.float32)


def unit(vectors: Vectors) -> Vectors:
    """The vectors (... x d) at length 1; those without length as they are."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float32)


def read(data: bytes) -> Vectors:
    """A kept vector (d, float32)."""
    return np.frombuffer(data, KEPT_AS).astype(np.float32)


def _model_of(revision_id: int) -> Any:
    of_article = revisions.join(meanings, meanings.c.article_id == revisions.c.article_id)
    return select(meanings.c.model).select_from(of_article).where(revisions.c.id == revision_id).scalar_subquery()


def _current() -> Select[Any]:
    joined = vectors.join(revisions, revisions.c.id == vectors.c.revision_id).join(
        articles, (articles.c.id == revisions.c.article_id) & (articles.c.revision == revisions.c.number)
    )
    return select(vectors, revisions.c.article_id, revisions.c.language).select_from(joined)


def _without(after: int) -> Select[Any]:
    """The vectors of the next BATCH articles that stand for nothing yet."""
    ids = _current().with_only_columns(articles.c.id).distinct()
    ids = ids.where(articles.c.id > after, ~articles.c.id.in_(select(meanings.c.article_id)))
    page = ids.order_by(articles.c.id).limit(BATCH)
    return _current().where(articles.c.id.in_(page)).order_by(articles.c.id, vectors.c.model)


def _meaning(row: Row[Any]) -> dict[str, Any]:
    passages = np.frombuffer(row.data, KEPT_AS).reshape(row._mapping["count"], row.dimensions).astype(np.float32)
    names = ("article_id", "revision_id", "model", "language")
    return {name: getattr(row, name) for name in names} | {"vector": mean(passages).astype(KEPT_AS).tobytes()}
