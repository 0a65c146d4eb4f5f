"""Run passes on a schedule: one job, one tick each, without logic of its own. What is due, the database knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import BaseScheduler

log = structlog.get_logger()
TROUBLE = {EVENT_JOB_MISSED: "missed", EVENT_JOB_ERROR: "error", EVENT_JOB_MAX_INSTANCES: "overrun"}


def scheduler_of(tick: Callable[[], Awaitable[None]], tick_s: float) -> BaseScheduler:
    """A scheduler, not started, that runs `tick` at once and then every `tick_s` seconds, never two at a time.

    A tick that comes late is made up for, once (APScheduler's own default gives it up after a second).
    """
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(
        tick,
        "interval",
        seconds=tick_s,
        next_run_time=datetime.now(UTC),
        id="pass",
        misfire_grace_time=None,
        coalesce=True,
        max_instances=1,
    )
    scheduler.add_listener(_tell, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
    return scheduler


def _tell(event: JobEvent) -> None:
    level = log.info if event.code == EVENT_JOB_MAX_INSTANCES else log.error  # a pass may take longer than a tick
    level("tick", outcome=TROUBLE[event.code], error=str(getattr(event, "exception", None) or ""))
