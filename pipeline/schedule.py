"""Run passes on a schedule: one job, one tick each, without logic of its own. What is due, the database knows.

APScheduler plans by the clock of the wall. When that is set back, the next tick would be as far away as the clock was
set; so a watch that goes by the monotonic clock mends such plans.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger()
OUTCOMES = {
    EVENT_JOB_EXECUTED: "done",
    EVENT_JOB_MISSED: "missed",
    EVENT_JOB_ERROR: "error",
    EVENT_JOB_MAX_INSTANCES: "overrun",
}
JOB = "pass"


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


class Schedule:
    """Runs `tick` at once and then every `tick_s` seconds, never two at a time; start it in a running event loop.

    A tick that comes late is made up for, once (APScheduler's own default gives it up after a second). `counts`: how
    many were `done`, ended in an `error`, were `missed`, left out because the one before was under way (`overrun`),
    or `mended` after the clock had jumped.
    """

    def __init__(
        self, tick: Callable[[], Awaitable[None]], tick_s: float, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys((*OUTCOMES.values(), "mended"), 0))
        self._tick, self._tick_s, self._clock = tick, tick_s, clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_job(
            self._run,
            "interval",
            seconds=tick_s,
            next_run_time=datetime.now(UTC),
            id=JOB,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        self._scheduler.add_listener(self._tell, sum(OUTCOMES))
        self._watch: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()
        self._look_again()

    def pause(self) -> None:
        """Begin no further tick."""
        if self._watch:
            self._watch.cancel()
        self._scheduler.pause()

    def stop(self) -> None:
        """End for good; a tick under way is left to itself."""
        self.pause()
        self._scheduler.shutdown(wait=False)

    def mend(self) -> None:
        """Tick at once if the next tick lies further ahead than one can: then the clock was set back."""
        job = self._scheduler.get_job(JOB)
        if job is not None and job.next_run_time - self._clock() > timedelta(seconds=2 * self._tick_s):
            self.counts["mended"] += 1
            log.warning("tick", outcome="mended", planned=job.next_run_time.isoformat())
            job.modify(next_run_time=self._clock())

    async def _run(self) -> None:  # what is no coroutine function, APScheduler would call in a thread
        await self._tick()

    def _look_again(self) -> None:
        if self._watch:
            self.mend()
        self._watch = asyncio.get_running_loop().call_later(self._tick_s, self._look_again)

    def _tell(self, event: JobEvent) -> None:
        outcome = OUTCOMES[event.code]
        self.counts[outcome] += 1
        error = getattr(event, "exception", None)
        level = {"done": log.debug, "overrun": log.info}.get(outcome, log.error)  # a pass may take longer than a tick
        level("tick", outcome=outcome, error=repr(error) if error else "", counts=dict(self.counts))
