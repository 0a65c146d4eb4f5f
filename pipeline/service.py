"""The long-running process: passes on schedule, the API, or both, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from config.sections import WebSettings
from config.settings import Settings
from config.sources import load_feeds
from pipeline.analyse.judge import Judge
from pipeline.duties import Duty, attended
from pipeline.errors import SettingsError
from pipeline.mail.post import Post
from pipeline.passes import Tools
from pipeline.run import run_once
from pipeline.schedule import Schedule
from pipeline.tools import tools_of, workers
from pipeline.upkeep import Upkeep
from pipeline.webhooks import webhooks
from storage import tokens
from storage.database import Database
from storage.presence import Election

if TYPE_CHECKING:
    from pipeline.analyse.judge import Judge

log = structlog.get_logger()
Address = tuple[str, int]
ABANDON_S = 10.0  # for what was broken off to clear away, and for clients to get the end of their answers


async def serve(
    settings: Settings, database: Database, address: Address | None, *, scheduled: bool, judge: Judge | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; a pass under way has `poll.drain_s` to finish what it has begun.

    `address`: where the API listens, if it does. `judge`: instead of the one that the settings describe.
    Raises SettingsError where it would listen to others and nobody could sign in, StorageError where another service
    makes the passes on a SQLite database, and ModelError where passes are wanted and the model can't be loaded.
    """
    if address:
        web = settings.web.model_copy(update={"host": address[0], "port": address[1]})
        settings = settings.model_copy(update={"web": web})
        _refuse_without_tokens(database, web)
    ticks: Mapping[str, int] | None = None
    async with AsyncExitStack() as stack:
        if scheduled:
            election = stack.enter_context(closing(Election(database)))
            election.stand()
            tools = await stack.enter_async_context(tools_of(settings, judge=judge))
            ticks = await stack.enter_async_context(_Passes(tools, database, settings))
            duties: list[Duty] = [Upkeep(settings, database), Post(settings, database)]
            await stack.enter_async_context(attended(duties, election.elected, settings.poll.tick_s))
            await stack.enter_async_context(webhooks(settings, database))
            judge = tools.judge
        await (_answer(settings, database, ticks, judge) if address else _wait_for_signal())
        log.info("stopping")


class _Passes:
    """Passes on schedule while it is open, which gives the counts of ticks.

    Closing ends the pass under way: by itself if it can, else by force.
    """

    def __init__(self, tools: Tools, database: Database, settings: Settings) -> None:
        self._tools, self._database, self._settings = tools, database, settings
        self._under_way: asyncio.Task[None] | None = None
        self._stopping = False
        self._schedule = Schedule(self._tick, settings.poll.tick_s)

    async def __aenter__(self) -> Mapping[str, int]:
        self._schedule.start()
        return self._schedule.counts

    async def __aexit__(self, *_: object) -> None:
        self._schedule.pause()
        self._stopping = True
        if self._under_way is not None:
            await self._drain(self._under_way)
        self._schedule.stop()

    async def _drain(self, under_way: asyncio.Task[None]) -> None:
        _, late = await asyncio.wait([under_way], timeout=self._settings.poll.drain_s)
        if late:
            log.warning("pass", outcome="broken off", after_s=self._settings.poll.drain_s)
            under_way.cancel()
            await asyncio.wait([under_way], timeout=ABANDON_S)

    async def _tick(self) -> None:
        self._under_way = asyncio.create_task(self._pass())
        try:
            await self._under_way
        finally:
            self._under_way = None

    async def _pass(self) -> None:
        async with asyncio.timeout(self._settings.poll.pass_timeout_s):
            sources = load_feeds(self._settings.feeds.path())
            poll, at_once = self._settings.poll, workers(self._settings)
            report = await run_once(
                self._tools, self._database, sources, poll, at_once=at_once, stopping=lambda: self._stopping
            )
        failed = sum(outcome.failed for outcome in report.feeds)
        log.info("pass", feeds=len(report.feeds), failed=failed, counts=dict(report.counts))


def _refuse_without_tokens(database: Database, web: WebSettings) -> None:
    from pipeline.report.web import needs_no_token

    if needs_no_token(web):
        return
    with database.read() as connection:
        if tokens.any_live(connection, datetime.now(UTC)):
            return
    raise SettingsError(
        f"nobody could sign in on {web.host}: make an access token first, `treatywatch tokens add NAME --role read`, "
        "or listen on 127.0.0.1 only",
        reason="no_token",
    )


async def _answer(settings: Settings, database: Database, ticks: Mapping[str, int] | None, judge: Judge | None) -> None:
    """Answer over HTTP until told to stop.

    uvicorn would raise the signal anew when it has stopped, and so end the process before a pass is done.
    """
    import uvicorn

    from pipeline.analyse.judge import load_judge
    from pipeline.report.asked import Asked
    from pipeline.report.sessions import session_key
    from pipeline.report.web import web_app

    web = settings.web
    key = session_key(web.secret.get_secret_value(), settings.storage.directory())
    app = web_app(settings, database, key)
    app.state.ticks = ticks
    app.state.embed = Asked(lambda: (judge or load_judge(settings)).meaning)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=web.host,
            port=web.port,
            log_level="warning",
            access_log=False,
            ws="none",
            server_header=False,
            proxy_headers=bool(web.trusted_proxies),
            forwarded_allow_ips=list(web.trusted_proxies),
            limit_concurrency=web.max_connections,
            timeout_graceful_shutdown=round(ABANDON_S),
            h11_max_incomplete_event_size=web.max_header_bytes + web.max_query_bytes,
        )
    )
    server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
    answering = asyncio.create_task(server.serve())
    stopped = asyncio.create_task(_wait_for_signal())
    await asyncio.wait([answering, stopped], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await answering
    stopped.cancel()
    app.state.embed.close()


async def _wait_for_signal() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
