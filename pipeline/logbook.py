"""Writes down in the database that a pass was made, so that any process can tell whether passes are made at all."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from pipeline.errors import StorageError
from pipeline.passes import PassReport
from storage import passes
from storage.database import Database

# Seconds for one judgement: a short article takes tenths of a second on a usual core, a long one several.
JUDGE_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@contextmanager
def written_down(database: Database, clock: Callable[[], datetime], report: PassReport) -> Iterator[None]:
    """A pass from its beginning to its end. What breaks it off is written down as well, and passed on."""
    with database.write() as connection:
        pass_id = passes.begin(connection, clock())
    try:
        yield
    except BaseException as error:
        with suppress(StorageError):  # what broke the pass off matters more
            _end(database, pass_id, clock(), report, _named(error))
        raise
    _end(database, pass_id, clock(), report, "")


def _end(database: Database, pass_id: int, now: datetime, report: PassReport, failure: str) -> None:
    with database.write() as connection:
        passes.end(connection, pass_id, now, done_of(report), failure=failure)


def _named(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "it was broken off: it took longer than poll.pass_timeout_s, or the program was stopped"
    return f"{type(error).__name__}: {error}".rstrip(": ")


def done_of(report: PassReport) -> passes.Done:
    """What the log keeps of a report."""
    return passes.Done(
        feeds=len(report.feeds),
        failed=sum(outcome.failed for outcome in report.feeds),
        new=sum(outcome.new for outcome in report.feeds),
        scored=report.counts["scored"],
        unscored=report.counts["unscored"],
        judged=len(report.judged_s),
        judge_s=sum(report.judged_s),
        judge_buckets=buckets(report.judged_s, JUDGE_BOUNDS_S),
    )


def buckets(values: Sequence[float], bounds: Sequence[float]) -> list[int]:
    """How many values lie within each bound, above the one before it; the last: above them all."""
    found = [0] * (len(bounds) + 1)
    for value in values:
        found[bisect_left(bounds, value)] += 1
    return found
