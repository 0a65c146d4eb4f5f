"""Run passes on a schedule: one job, one tick each, without logic of its own. What is due, the database knows."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

from config.settings import Settings
from config.sources import load_feeds
from pipeline.analyse.judge import Judge
from pipeline.run import run_once
from pipeline.tools import tools_of
from storage.database import Database

log = structlog.get_logger()
TROUBLE = {EVENT_JOB_MISSED: "missed", EVENT_JOB_ERROR: "error", EVENT_JOB_MAX_INSTANCES: "overrun"}


def scheduler_of(settings: Settings, database: Database, judge: Judge) -> BaseScheduler:
    """A scheduler, not started, that makes a pass at once and then every `poll.tick_s` seconds.

    A tick that comes late is made up for, once (APScheduler's own default gives it up after a second).
    """
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        tick,
        "interval",
        args=(settings, database, judge),
        seconds=settings.poll.tick_s,
        next_run_time=datetime.now(UTC),
        id="pass",
        misfire_grace_time=None,
        coalesce=True,
        max_instances=1,
    )
    scheduler.add_listener(_tell, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
    return scheduler


def tick(settings: Settings, database: Database, judge: Judge) -> None:
    """One pass over what is due."""
    asyncio.run(_pass(settings, database, judge))


async def _pass(settings: Settings, database: Database, judge: Judge) -> None:
    sources = load_feeds(Path(settings.feeds.file) if settings.feeds.file else None)
    async with tools_of(settings, judge=judge) as tools:
        report = await run_once(tools, database, sources, settings.poll, at_once=settings.fetch.concurrency)
    failed = sum(outcome.failed for outcome in report.feeds)
    log.info(
        "pass",
        feeds=len(report.feeds),
        failed=failed,
        **{name.replace(" ", "_"): n for name, n in report.counts.items()},
    )


def _tell(event: JobEvent) -> None:
    log.error("tick", outcome=TROUBLE[event.code], error=str(getattr(event, "exception", None) or ""))
