"""Removes what the settings let go, some rows at a time, so that others can write in between.

Never removed: a text that any run scored or found relevant, that a person coded, or that the present run has yet to
judge. Of a text that is removed, the title, the hashes, the screenings and the reason it was dropped for are kept. So
every published figure can still be traced, and a page that is fetched again is still recognised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, exists, false, func, or_, select, update

from config.sections import RetentionSettings
from storage import meanings, search
from storage.articles import REMOVED
from storage.database import Database
from storage.schema import articles, fetches, human_codings, passages, revisions, runs, scores, screenings, vectors
from storage.scores import latest_run

BATCH = 500
PAUSE_S = 0.02  # between batches, for those who wait for SQLite's write lock
Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many rows of the fetch log, texts not found relevant, former texts, and vectors went, or would go.

    `vectors` counts those of a text under one model as one, and those of the removed texts among them.
    """

    fetches: int = 0
    unused_texts: int = 0
    former_texts: int = 0
    vectors: int = 0

    def __add__(self, other: Pruned) -> Pruned:
        names = self.__dataclass_fields__
        return Pruned(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def total(self) -> int:
        """All of them."""
        return sum(astuple(self))


def foreseen(database: Database, keep: RetentionSettings, now: datetime) -> Pruned:
    """What `prune` would remove at that time. Removes nothing."""

    def count(table: Table, condition: Condition) -> int:
        return int(connection.scalar(select(func.count()).select_from(table).where(condition)) or 0)

    with database.read() as connection:
        unused, former = _unused(connection, keep, now), _former(keep, now)
        bare = select(revisions.c.id).where(or_(unused, former, _aged(keep, now)))
        return Pruned(
            fetches=count(fetches, _before(fetches.c.at, keep.fetch_log_days, now)),
            unused_texts=count(revisions, unused),
            former_texts=count(revisions, former & ~unused),
            vectors=count(vectors, vectors.c.revision_id.in_(bare)),
        )


def prune(
    database: Database, keep: RetentionSettings, now: datetime, stopped: Callable[[], bool] = lambda: False
) -> Pruned:
    """Remove what is older than the settings keep it, until all of it is gone or `stopped` says so.

    Harmless to call while others work, from several processes, or again after an interruption. Raises StorageError.
    """
    gone = Pruned()
    for remove in (_remove_fetches, _remove_unused, _remove_former, _remove_vectors):
        last: int | None = 0
        while last is not None and not stopped():
            time.sleep(PAUSE_S if last else 0)
            with database.write() as connection:
                last, removed = remove(connection, keep, now, last)
            gone += removed
    return gone


Removal = tuple[int | None, Pruned]  # the last id that was looked at, None where there is none left


def _remove_fetches(connection: Connection, keep: RetentionSettings, now: datetime, after: int) -> Removal:
    ids = _next(connection, fetches, _before(fetches.c.at, keep.fetch_log_days, now), after)
    gone = connection.execute(delete(fetches).where(fetches.c.id.in_(ids))).rowcount
    return _last(ids), Pruned(fetches=gone)


def _remove_unused(connection: Connection, keep: RetentionSettings, now: datetime, after: int) -> Removal:
    last, texts, gone = _remove_texts(connection, _unused(connection, keep, now), after)
    return last, Pruned(unused_texts=texts, vectors=gone)


def _remove_former(connection: Connection, keep: RetentionSettings, now: datetime, after: int) -> Removal:
    last, texts, gone = _remove_texts(connection, _former(keep, now), after)
    return last, Pruned(former_texts=texts, vectors=gone)


def _remove_vectors(connection: Connection, keep: RetentionSettings, now: datetime, after: int) -> Removal:
    ids = _next(
        connection, revisions, _aged(keep, now) & exists().where(vectors.c.revision_id == revisions.c.id), after
    )
    return _last(ids), Pruned(vectors=_drop_vectors(connection, ids))


def _remove_texts(connection: Connection, condition: Condition, after: int) -> tuple[int | None, int, int]:
    ids = _next(connection, revisions, condition, after)
    # asked again now that they are locked: PostgreSQL's first answer knows nothing of a score saved meanwhile
    still = update(revisions).where(revisions.c.id.in_(ids), condition)
    removed = connection.scalars(still.values(text="", extractor=REMOVED).returning(revisions.c.id)).all()
    search.keep(connection, connection.scalars(_articles_of(removed)).all())
    meanings.forget(connection, removed)
    return _last(ids), len(removed), _drop_vectors(connection, removed)


def _articles_of(revision_ids: Sequence[int]) -> Select[Any]:
    return select(revisions.c.article_id).where(revisions.c.id.in_(revision_ids)).distinct()


def _next(connection: Connection, table: Table, condition: Condition, after: int) -> Sequence[int]:
    """The next ids, locked against all who would refer to them."""
    page = select(table.c.id).where(table.c.id > after, condition).order_by(table.c.id).limit(BATCH)
    return connection.scalars(page.with_for_update(of=table)).all()


def _last(ids: Sequence[int]) -> int | None:
    return ids[-1] if len(ids) == BATCH else None


def _drop_vectors(connection: Connection, ids: Sequence[int]) -> int:
    connection.execute(delete(passages).where(passages.c.revision_id.in_(ids)))
    return connection.execute(delete(vectors).where(vectors.c.revision_id.in_(ids))).rowcount


def _before(column: Any, days: int, now: datetime) -> Condition:
    """Whether the time in the column is so many days ago; never where the settings keep it for ever."""
    return column < now - timedelta(days) if days else false()


def _aged(keep: RetentionSettings, now: datetime) -> Condition:
    return _before(revisions.c.fetched_at, keep.vector_days, now)


def _unused(connection: Connection, keep: RetentionSettings, now: datetime) -> Condition:
    """Texts that the present run judged, be it the one made last or the one used last, and no run found relevant."""
    present = {connection.scalar(select(func.max(runs.c.id)))} | {run.id for run in [latest_run(connection)] if run}
    judged = [_of(screenings, screenings.c.run_id == run_id) for run_id in present]
    return and_(_before(revisions.c.fetched_at, keep.unused_text_days, now), *judged, _can_go())


def _former(keep: RetentionSettings, now: datetime) -> Condition:
    """Texts that another one of their article took the place of."""
    current = revisions.alias("current")
    of_article = articles.join(
        current, and_(current.c.article_id == articles.c.id, current.c.number == articles.c.revision)
    )
    replaced = exists().select_from(of_article).where(
        articles.c.id == revisions.c.article_id,
        articles.c.revision != revisions.c.number,
        _before(current.c.fetched_at, keep.former_text_days, now),
    )  # fmt: skip
    return and_(_before(revisions.c.fetched_at, keep.former_text_days, now), replaced, _can_go())


def _can_go() -> Condition:
    """Nothing rests on the text, and it is still there."""
    rests = (_of(scores), _of(human_codings), _of(screenings, screenings.c.relevant))
    return and_(revisions.c.text != "", ~or_(*rests))


def _of(table: Table, *conditions: Condition) -> Condition:
    return exists().where(table.c.revision_id == revisions.c.id, *conditions)
