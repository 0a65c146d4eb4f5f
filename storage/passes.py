"""Remembers passes: when each began and ended, how it ended, and what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from storage.schema import passes

IDLE = (passes.c.outcome == "ok", passes.c.feeds == 0, passes.c.new == 0, passes.c.judged == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPass:
    """A pass. `outcome`: `running` (or killed), `ok`, or `failed`, with the reason in `detail`."""

    id: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a pass did: feeds asked, of which `failed`; entries `new`; texts `judged` by the model, and in how long.

    `judge_buckets`: how many of them within each bound of the latency histogram, and beyond the last.
    """

    feeds: int = 0
    failed: int = 0
    new: int = 0
    scored: int = 0
    unscored: int = 0
    judged: int = 0
    judge_s: float = 0.0
    judge_buckets: Sequence[int] = ()


def begin(connection: Connection, now: datetime) -> int:
    """A pass begins; returns its id."""
    row = {"started_at": now, "outcome": "running"}
    return int(connection.scalars(passes.insert().values(row).returning(passes.c.id)).one())


def end(connection: Connection, pass_id: int, now: datetime, done: Done, *, failure: str = "") -> None:
    """A pass ended, or broke off with a `failure`.

    One that found nothing to do takes the place of such a one before it.
    """
    values = {name: getattr(done, name) for name in Done.__dataclass_fields__ if name != "judge_buckets"}
    values |= {"judge_buckets": list(done.judge_buckets) or None, "ended_at": now, "detail": failure}
    connection.execute(
        update(passes).where(passes.c.id == pass_id).values(values | {"outcome": "failed" if failure else "ok"})
    )
    idle = connection.scalar(select(passes.c.id).where(passes.c.id == pass_id, *IDLE))
    before = select(func.max(passes.c.id)).where(passes.c.id < pass_id).scalar_subquery()
    if idle is not None:
        connection.execute(passes.delete().where(passes.c.id == before, *IDLE))


def last(connection: Connection, outcome: str | None = None) -> StoredPass | None:
    """The pass that began last, or the last one with this outcome; in order of ids, since clocks jump."""
    found = select(*(passes.c[name] for name in StoredPass.__dataclass_fields__)).order_by(passes.c.id.desc()).limit(1)
    row = connection.execute(found if outcome is None else found.where(passes.c.outcome == outcome)).one_or_none()
    return StoredPass(**row._mapping) if row else None


def first_start(connection: Connection) -> datetime | None:
    """When the first pass of all began."""
    started: datetime | None = connection.scalar(select(passes.c.started_at).order_by(passes.c.id).limit(1))
    return started


def counts(connection: Connection) -> Mapping[str, int]:
    """Passes by outcome; of several in a row that found nothing to do, one."""
    by_outcome = select(passes.c.outcome, func.count()).group_by(passes.c.outcome)
    return dict(connection.execute(by_outcome).all())
