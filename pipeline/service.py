"""The long-running process: passes on schedule, the API, or both, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, nullcontext

import structlog

from config.settings import Settings
from config.sources import load_feeds
from pipeline.passes import Tools
from pipeline.run import run_once
from pipeline.schedule import Schedule
from pipeline.tools import tools_of, workers
from storage.database import Database

log = structlog.get_logger()
Address = tuple[str, int]


async def serve(settings: Settings, database: Database, address: Address | None, *, scheduled: bool) -> None:
    """Serve until SIGTERM or SIGINT; a pass under way is finished first.

    `address`: where the API listens, if it does. Raises ModelError where passes are wanted and the model can't be
    loaded.
    """
    async with AsyncExitStack() as stack:
        if scheduled:
            tools = await stack.enter_async_context(tools_of(settings))
            await stack.enter_async_context(_Passes(tools, database, settings))
        await (_answer(database, address) if address else _wait_for_signal())
        log.info("stopping")


class _Passes:
    """Passes on schedule while it is open; closing waits for the one under way."""

    def __init__(self, tools: Tools, database: Database, settings: Settings) -> None:
        self._tools, self._database, self._settings = tools, database, settings
        self._under_way = asyncio.Lock()
        self._schedule = Schedule(self._tick, settings.poll.tick_s)

    async def __aenter__(self) -> None:
        self._schedule.start()

    async def __aexit__(self, *_: object) -> None:
        self._schedule.pause()
        async with self._under_way:
            self._schedule.stop()

    async def _tick(self) -> None:
        async with self._under_way, asyncio.timeout(self._settings.poll.pass_timeout_s):
            sources = load_feeds(self._settings.feeds.path())
            poll, at_once = self._settings.poll, workers(self._settings)
            report = await run_once(self._tools, self._database, sources, poll, at_once=at_once)
        failed = sum(outcome.failed for outcome in report.feeds)
        log.info("pass", feeds=len(report.feeds), failed=failed, counts=dict(report.counts))


async def _answer(database: Database, address: Address) -> None:
    """Answer over HTTP until told to stop.

    uvicorn would raise the signal anew when it has stopped, and so end the process before a pass is done.
    """
    import uvicorn

    from pipeline.report.api import api_of

    host, port = address
    server = uvicorn.Server(uvicorn.Config(api_of(database), host=host, port=port, log_level="warning"))
    server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
    answering = asyncio.create_task(server.serve())
    stopped = asyncio.create_task(_wait_for_signal())
    await asyncio.wait([answering, stopped], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await answering
    stopped.cancel()


async def _wait_for_signal() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
