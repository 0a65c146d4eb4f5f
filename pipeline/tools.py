"""Build the tools of a pass from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

from config.settings import Settings
from config.sources import FeedSource
from pipeline.analyse.judge import Judge, load_judge
from pipeline.collect import extract
from pipeline.collect.addresses import canonical
from pipeline.collect.fetch import Fetcher, utc_now
from pipeline.collect.guard import Resolve
from pipeline.collect.workers import Workers
from pipeline.passes import PassReport, Tools, Watcher
from pipeline.run import rejudge, run_once
from storage.database import Database


@asynccontextmanager
async def tools_of(
    settings: Settings, *, judge: Judge | None = None, resolve: Resolve | None = None
) -> AsyncIterator[Tools]:
    """Load the model, unless a judge is given, open the fetcher, and have worker processes read what it brings.

    `resolve` answers host names instead of the system. Raises ModelError.
    """
    judge = judge or load_judge(settings)
    async with Fetcher(settings.fetch, resolve=resolve) as fetcher, Workers(settings.workers) as readers:
        yield Tools(
            fetch=fetcher.fetch,
            parse=partial(readers.parse, max_entries=settings.poll.max_entries),
            extract=partial(readers.extract, settings=settings.extract),
            from_summary=extract.from_summary,
            canonical=canonical,
            judge=judge,
            clock=utc_now,
        )


def workers(settings: Settings) -> int:
    """Pages under way at a time: more than are fetched at once, so that waiting for one host leaves others to go on."""
    return 2 * settings.fetch.concurrency


async def one_pass(
    settings: Settings,
    database: Database,
    sources: Iterable[FeedSource],
    *,
    only: str | None = None,
    watcher: Watcher | None = None,
    resolve: Resolve | None = None,
) -> PassReport:
    """Load everything and make one pass."""
    async with tools_of(settings, resolve=resolve) as tools:
        return await run_once(
            tools,
            database,
            sources,
            settings.poll,
            only=only,
            at_once=workers(settings),
            watcher=watcher,
        )


async def rejudge_all(settings: Settings, database: Database, *, watcher: Watcher | None = None) -> PassReport:
    """Load everything and judge the stored texts that the present run has not judged."""
    async with tools_of(settings) as tools:
        return await rejudge(tools, database, settings.poll, watcher=watcher)
