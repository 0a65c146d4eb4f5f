"""Turns: who may send a request now, so that no host is pressed and none keeps the others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic

FOREVER_S = 1e9  # 30 years: what asks for longer is cut to it, so that it stays within what a calendar can hold
REMEMBERED = 1000  # hosts; a pass meets some hundreds


class Hosts:
    """Deals out turns: `concurrency` at once in all, `host_concurrency` on one host, with a pause between two.

    Who waits for a host holds none of the turns that other hosts could use.
    """

    def __init__(self, *, concurrency: int, host_concurrency: int, delay_s: float) -> None:
        self._everywhere = asyncio.Semaphore(concurrency)
        self._host_concurrency = host_concurrency
        self._delay_s = delay_s
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, name: str, delay_s: float = 0.0) -> AsyncIterator[None]:
        """Wait for a turn on a host, in order of arrival. `delay_s`: the pause that the host itself asks for."""
        pause_s = max(self._delay_s, delay_s)
        host = self._host(name)
        host.users += 1
        try:
            async with host.turns:
                await self._start(host, pause_s)
                try:
                    yield
                finally:
                    self._everywhere.release()
                    host.rest(pause_s)
        finally:
            host.users -= 1

    async def _start(self, host: _Host, pause_s: float) -> None:
        """Take one of the turns everywhere, at a moment when the host has rested."""
        while True:
            await asyncio.sleep(host.ready_at - monotonic())
            await self._everywhere.acquire()
            if host.ready_at <= monotonic():
                break
            self._everywhere.release()  # another request to this host went first
        host.rest(pause_s)

    def _host(self, name: str) -> _Host:
        if name not in self._hosts:
            if len(self._hosts) >= REMEMBERED:
                now = monotonic()
                self._hosts = {key: host for key, host in self._hosts.items() if host.users or host.ready_at > now}
            self._hosts[name] = _Host(turns=asyncio.Semaphore(self._host_concurrency))
        return self._hosts[name]


@dataclass(slots=True, kw_only=True)
class _Host:
    turns: asyncio.Semaphore
    ready_at: float = 0.0
    users: int = 0

    def rest(self, pause_s: float) -> None:
        self.ready_at = max(self.ready_at, monotonic() + pause_s)


class Budget:
    """The seconds on the network that one URL may cost. Waiting for a turn is not charged."""

    def __init__(self, seconds: float) -> None:
        self._limit_s = seconds
        self.spent_s = 0.0

    @asynccontextmanager
    async def spending(self) -> AsyncIterator[None]:
        """Charge for what happens inside. Raises TimeoutError there when the budget is used up."""
        started = monotonic()
        try:
            async with asyncio.timeout(max(0.0, self._limit_s - self.spent_s)):
                yield
        finally:
            self.charge(monotonic() - started)

    def charge(self, seconds: float) -> None:
        """Take off what was spent elsewhere on behalf of the URL."""
        self.spent_s += seconds


def retry_after_s(header: str, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or by a date; None if it makes no sense."""
    header = header.strip()
    if header.isdecimal() and header.isascii():
        return min(float(header), FOREVER_S)
    try:
        then = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    seconds = (then - now).total_seconds()
    return min(seconds, FOREVER_S) if seconds > 0 else None
