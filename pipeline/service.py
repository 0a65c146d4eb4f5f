"""The long-running process: scheduler, web server, or both, until it is told to stop."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from threading import Event

import structlog

from config.settings import Settings
from pipeline.analyse.judge import load_judge
from pipeline.schedule import scheduler_of
from storage.database import Database

log = structlog.get_logger()


def serve(settings: Settings, database: Database, address: tuple[str, int] | None, *, scheduled: bool) -> None:
    """Serve until SIGTERM or SIGINT; a pass under way is finished first.

    `address`: where the API listens, if it does.
    """
    with ExitStack() as stack:
        if scheduled:
            scheduler = scheduler_of(settings, database, load_judge(settings))
            scheduler.start()
            stack.callback(scheduler.shutdown, wait=True)
        if address is None:
            _wait_for_signal()
        else:
            _serve_web(database, address)
        log.info("stopping")


def _serve_web(database: Database, address: tuple[str, int]) -> None:
    import uvicorn

    from pipeline.report.api import api_of

    host, port = address
    uvicorn.run(api_of(database), host=host, port=port, log_level="warning", server_header=False)


def _wait_for_signal() -> None:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
