"""What only one of all the processes on a database does: looks whether it is the one, and then after its duties.

A duty tells by itself, from the database or a folder, what is due and not done yet. So nothing is done twice or left
out when another process is elected, wherever the one before it was when it ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Protocol

import structlog

log = structlog.get_logger()


class Duty(Protocol):
    """Work that one process does. `every_s`: how often it is worth a look."""

    @property
    def every_s(self) -> float:
        """Seconds between two looks."""
        ...

    def look(self) -> None:
        """Do what is due, if anything is, in the thread that calls."""
        ...

    def stop(self) -> None:
        """Give up what is under way, from another thread, so that `look` comes back soon."""
        ...


@asynccontextmanager
async def attended(duties: Sequence[Duty], elected: Callable[[], bool], tick_s: float) -> AsyncIterator[None]:
    """Look after the duties while this is open and this process is `elected`, which is asked every `tick_s` seconds.

    Closing stops what is under way.
    """
    ticking = asyncio.create_task(_tick([_Attended(duty) for duty in duties], elected, tick_s))
    try:
        yield
    finally:
        for duty in duties:
            duty.stop()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking


class _Attended:
    """A duty, and the look after it that is under way."""

    def __init__(self, duty: Duty) -> None:
        self._duty, self._looked_at = duty, -float("inf")
        self.under_way: asyncio.Task[None] | None = None

    def look(self, *, anew: bool) -> None:
        """Begin a look, if it is time, or `anew`, and none is under way."""
        waited = anew or monotonic() - self._looked_at >= self._duty.every_s
        if waited and (self.under_way is None or self.under_way.done()):
            self._looked_at = monotonic()
            self.under_way = asyncio.create_task(asyncio.to_thread(self._look))

    def _look(self) -> None:
        try:
            self._duty.look()
        except Exception as error:
            log.error("duty", duty=type(self._duty).__name__, error=repr(error), exc_info=error)


async def _tick(duties: Sequence[_Attended], elected: Callable[[], bool], tick_s: float) -> None:
    before = False
    try:
        while True:
            now = await asyncio.to_thread(elected)
            if now != before:
                log.info("election", elected=now)
            for duty in duties if now else ():
                duty.look(anew=not before)
            before = now
            await asyncio.sleep(tick_s)
    finally:
        under_way = [duty.under_way for duty in duties if duty.under_way]
        await asyncio.gather(*under_way)
