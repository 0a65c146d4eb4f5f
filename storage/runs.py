"""Remembers runs, and which of them is current: the one whose scores readers see.

A run takes its turn once it has judged all current texts that the run before it judged; until then the former one
stays current, so that figures are never those of a rescoring half done. `latest_run` is the one at work.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, select, update

from pipeline.records import Run
from storage.schema import articles, revisions, runs, screenings
from storage.standing import hold
from storage.writes import id_of

SPARED = 0.01  # share of the texts that the model may fail on for good; one text is spared in any case


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run, its id and its stamp."""

    id: int
    stamp: str
    run: Run
    created_at: datetime


def stamp_of(run: Run) -> str:
    """The first 16 hex digits of the SHA-256 of the run's fields, in order, one a line."""
    return sha256("\n".join(astuple(run)).encode()).hexdigest()[:16]


def ensure_run(connection: Connection, run: Run, now: datetime) -> int:
    """The id of the run, which is new only if none has the same stamp.

    A run that was seen before also takes its turn here if it has judged nearly everything: each pass begins with
    this, and judges what is left unless the model fails on it.
    """
    row = asdict(run) | {"stamp": stamp_of(run), "created_at": now}
    run_id = id_of(connection, runs, row, unique=("stamp",))
    former = current_run(connection)
    if former is None or (former != run_id and _has_nearly_all(connection, run_id, former)):
        _take_turn(connection, run_id)
    return run_id


def take_turn_if_done(connection: Connection, run_id: int) -> None:
    """Make the run current if it has judged all that the current one judged."""
    former = current_run(connection)
    if former is None or (former != run_id and connection.execute(_left(run_id, former).limit(1)).first() is None):
        _take_turn(connection, run_id)


def current_run(connection: Connection) -> int | None:
    """The id of the run whose scores stand; None before the first."""
    found = select(runs.c.id).where(runs.c.turn.is_not(None)).order_by(runs.c.turn.desc(), runs.c.id.desc()).limit(1)
    run_id: int | None = connection.scalar(found)
    return run_id


def latest_run(connection: Connection) -> StoredRun | None:
    """The run that judged something last; before anything is judged, the one made last."""
    judged = select(func.max(screenings.c.screened_at)).where(screenings.c.run_id == runs.c.id).scalar_subquery()
    order = (judged.desc().nulls_last(), runs.c.created_at.desc(), runs.c.id.desc())
    row = connection.execute(select(runs).order_by(*order).limit(1)).one_or_none()
    if row is None:
        return None
    run = Run(**{name: row._mapping[name] for name in Run.__dataclass_fields__})
    return StoredRun(id=row.id, stamp=row.stamp, run=run, created_at=row.created_at)


def _take_turn(connection: Connection, run_id: int) -> None:
    hold(connection)
    turn = (connection.scalar(select(func.max(runs.c.turn))) or 0) + 1
    connection.execute(update(runs).where(runs.c.id == run_id).values(turn=turn))


def _has_nearly_all(connection: Connection, run_id: int, former: int) -> bool:
    if connection.scalar(select(screenings.c.run_id).where(screenings.c.run_id == run_id).limit(1)) is None:
        return False
    judged = connection.scalar(select(func.count()).where(screenings.c.run_id == former)) or 0
    spared = max(1, int(SPARED * judged))
    return len(connection.execute(_left(run_id, former).limit(spared + 1)).all()) <= spared


def _left(run_id: int, former: int) -> Select[Any]:
    """Current texts that the former run judged and this one did not, the last stored first.

    A rescoring goes upwards, so while it is under way the first that is looked at is one that is left.
    """
    by_former, by_run = screenings.alias("by_former"), screenings.alias("by_run")
    current = and_(articles.c.id == revisions.c.article_id, articles.c.revision == revisions.c.number)
    judged = exists().where(by_run.c.revision_id == by_former.c.revision_id, by_run.c.run_id == run_id)
    return (
        select(by_former.c.revision_id)
        .join_from(by_former, revisions, revisions.c.id == by_former.c.revision_id)
        .join(articles, current)
        # + 0 keeps from the index by run, whose rows would have to be sorted
        .where(by_former.c.run_id + 0 == former, revisions.c.extractor != "removed", ~judged)
        .order_by(by_former.c.revision_id.desc())
    )
