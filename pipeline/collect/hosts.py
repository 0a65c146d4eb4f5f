"""Courtesy: so many fetches at once on one host, and a pause between them, without one slow host holding up the rest."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class HostLimits:
    """Slots for fetches. A fetch waits for its host first and for a common slot last, so that waiting holds nobody else up."""

    def __init__(self, *, at_once: int, per_host: int, delay_s: float) -> None:
        self._common = asyncio.Semaphore(at_once)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(per_host))
        self._next: dict[str, float] = {}
        self._delay_s = delay_s

    @asynccontextmanager
    async def slot(self, host: str, delay_s: float = 0.0) -> AsyncIterator[None]:
        """Wait for a slot on `host` and hold it. `delay_s`: a longer pause that the host itself asks for."""
        async with self._hosts[host]:
            await self._pause(host, max(delay_s, self._delay_s))
            async with self._common:
                yield

    async def _pause(self, host: str, delay_s: float) -> None:
        now = asyncio.get_running_loop().time()
        start = max(now, self._next.get(host, 0.0))
        self._next[host] = start + delay_s
        await asyncio.sleep(start - now)
