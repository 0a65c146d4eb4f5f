"""What the stages of one pass share: its tools, its database, its leases, its report, and how it takes work on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from time import monotonic
from typing import Literal, TypeVar

import structlog
from sqlalchemy import Connection, Table

from config.sections import PollSettings
from pipeline.errors import CollectError, ExtractError, StorageError
from pipeline.passes import PassReport, Tools, Watcher
from pipeline.records import Fetched, NotModified
from storage import feeds, leases
from storage.database import Database
from storage.leases import Lease
from storage.presence import Presence

log = structlog.get_logger()
T = TypeVar("T")
LEFT = (leases.LOST, "busy")  # reasons to leave something to whoever takes it next, and go on
POISON = "poison"  # the reason of what killed twice: a page that is set aside, a feed until it can be read


@dataclass(frozen=True, kw_only=True)
class Work:
    """One pass under way.

    `run_id`: the run that its judgements belong to. `stopping`: whether it is to take nothing more.
    """

    tools: Tools
    database: Database
    settings: PollSettings
    run_id: int
    lease: Lease
    watcher: Watcher
    stopping: Callable[[], bool]
    report: PassReport = field(default_factory=PassReport)

    @contextmanager
    def settling(self, table: Table, row_id: int) -> Iterator[Connection]:
        """The transaction that keeps what came of a leased row, and ends its lease.

        Raises StorageError, `lease_lost` where another process took it over; then nothing is kept.
        """
        with self.database.write() as connection:
            yield connection
            leases.release(connection, table, row_id, self.lease)

    async def all_of(
        self, take: Callable[[Connection], Sequence[T]], work: Callable[[T], Awaitable[None]], stage: str, at_once: int
    ) -> None:
        """Work on all that is to be had, so many at a time; `take` takes a few. What ends may bring more to do."""
        while (first := next(taken := self._taken(take, stage), None)) is not None:
            await spread(chain([first], taken), work, at_once)

    def _taken(self, take: Callable[[Connection], Sequence[T]], stage: str) -> Iterator[T]:
        while not self.stopping():
            with self.database.write() as connection:
                found = take(connection)
            if not found:
                return
            self.watcher.stage(stage, len(found))
            for one in found:
                if self.stopping():
                    return
                yield one

    def log(
        self,
        connection: Connection,
        url: str,
        what: Literal["feed", "page"],
        started: float,
        outcome: str,
        *,
        feed_id: int,
        answer: Fetched | NotModified | None = None,
        error: CollectError | None = None,
    ) -> None:
        """Log one fetch, in the transaction of its outcome. `started`: by the monotonic clock."""
        status = answer.status if isinstance(answer, Fetched) else 304 if answer else getattr(error, "status", None)
        feeds.log_fetch(
            connection, url=url, what=what, at=self.tools.clock(), outcome=outcome, feed_id=feed_id, status=status,
            duration_ms=round(1000 * (monotonic() - started)), detail=str(error or ""),
            size=len(answer.body) if isinstance(answer, Fetched) else None,
        )  # fmt: skip


@asynccontextmanager
async def at_work(database: Database, settings: PollSettings) -> AsyncIterator[Lease]:
    """A lease that is renewed for as long as this is open; closing it frees what is still held. Raises StorageError."""
    with Presence(database) as presence:
        lease = Lease(owner=presence.owner, length=timedelta(seconds=settings.lease_s))
        renewing = asyncio.create_task(_renew(presence, lease))
        try:
            yield lease
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing


async def _renew(presence: Presence, lease: Lease) -> None:
    while True:
        await asyncio.sleep(lease.length.total_seconds() / 4)
        try:
            presence.renew(lease)
        except StorageError as error:
            log.warning("leases", error=str(error))


async def spread(items: Iterator[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """Do `work` on every item, so many at a time, in order of arrival.

    What another process has taken over meanwhile, or the database was too busy for, is left.
    """

    async def worker() -> None:
        for item in items:
            try:
                await work(item)
            except StorageError as error:
                if error.reason not in LEFT:
                    raise
                log.warning("left", error=str(error))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def unexpected(error: Exception, url: str) -> CollectError:
    """What to tell of a fault of our own, or of a library's, in reading one feed or page."""
    log.error("unexpected", url=url, error=repr(error), exc_info=error)
    return ExtractError(f"{url}: {error!r}; please report this", url=url, reason="unexpected", retry=False)
