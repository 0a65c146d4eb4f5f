"""What the stages of one pass share: its tools, its database, its report, and how things are done side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal, TypeVar

import structlog
from sqlalchemy import Connection

from config.sections import PollSettings
from pipeline.errors import CollectError, ExtractError
from pipeline.passes import PassReport, Tools, Watcher
from pipeline.records import Fetched, NotModified
from storage import feeds
from storage.database import Database

log = structlog.get_logger()
T = TypeVar("T")
POISON = "poison"  # the reason of what killed twice: a page that is set aside, a feed until it can be read


@dataclass(frozen=True, kw_only=True)
class Work:
    """One pass under way. `run_id`: the run that its judgements belong to."""

    tools: Tools
    database: Database
    settings: PollSettings
    run_id: int
    watcher: Watcher
    report: PassReport = field(default_factory=PassReport)

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


async def spread(items: Sequence[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """Do `work` on every item, so many at a time, in order of arrival."""
    left = iter(items)

    async def worker() -> None:
        for item in left:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(items))):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def unexpected(error: Exception, url: str) -> CollectError:
    """What to tell of a fault of our own, or of a library's, in reading one feed or page."""
    log.error("unexpected", url=url, error=repr(error), exc_info=error)
    return ExtractError(f"{url}: {error!r}; please report this", url=url, reason="unexpected", retry=False)
