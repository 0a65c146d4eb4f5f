"""The long-running process: passes on schedule, the API, or both, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, nullcontext
from datetime import UTC, datetime

import structlog

from config.sections import WebSettings
from config.settings import Settings
from config.sources import load_feeds
from pipeline.errors import SettingsError
from pipeline.passes import Tools
from pipeline.post import post
from pipeline.run import run_once
from pipeline.schedule import Schedule
from pipeline.tools import tools_of, workers
from pipeline.upkeep import upkeep
from pipeline.webhooks import webhooks
from storage import tokens
from storage.database import Database

log = structlog.get_logger()
Address = tuple[str, int]


async def serve(settings: Settings, database: Database, address: Address | None, *, scheduled: bool) -> None:
    """Serve until SIGTERM or SIGINT; a pass under way is finished first.

    `address`: where the API listens, if it does. Raises SettingsError where it would listen to others and nobody could
    sign in, and ModelError where passes are wanted and the model can't be loaded.
    """
    if address:
        web = settings.web.model_copy(update={"host": address[0], "port": address[1]})
        settings = settings.model_copy(update={"web": web})
        _refuse_without_tokens(database, web)
    async with AsyncExitStack() as stack:
        if scheduled:
            tools = await stack.enter_async_context(tools_of(settings))
            await stack.enter_async_context(_Passes(tools, database, settings))
            await stack.enter_async_context(upkeep(settings, database))
            await stack.enter_async_context(post(settings, database))
            await stack.enter_async_context(webhooks(settings, database))
        await (_answer(settings, database) if address else _wait_for_signal())
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


async def _answer(settings: Settings, database: Database) -> None:
    """Answer over HTTP until told to stop.

    uvicorn would raise the signal anew when it has stopped, and so end the process before a pass is done.
    """
    import uvicorn

    from pipeline.report.sessions import session_key
    from pipeline.report.web import web_app

    web = settings.web
    key = session_key(web.secret.get_secret_value(), settings.storage.directory())
    server = uvicorn.Server(
        uvicorn.Config(
            web_app(settings, database, key),
            host=web.host,
            port=web.port,
            log_level="warning",
            access_log=False,
            ws="none",
            server_header=False,
            proxy_headers=bool(web.trusted_proxies),
            forwarded_allow_ips=list(web.trusted_proxies),
            limit_concurrency=web.max_connections,
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


async def _wait_for_signal() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
