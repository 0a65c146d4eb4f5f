"""Counts what clients do, so that one of them can't take everything."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock

MOST_CLIENTS = 10_000


def client_of(address: str) -> str:
    """The client behind an address: an IPv6 client has a whole /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(parsed) >> 64 << 64)) if parsed.version == 6 else address


class Rates:
    """A token bucket for each client: `amount` at once, and as many again in every `period_s`.

    Remembers the MOST_CLIENTS that came last. Safe to share between threads.
    """

    def __init__(self, amount: int, period_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._amount, self._per_s, self._clock = float(amount), amount / period_s, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, client: str) -> float:
        """Take one; 0, or the seconds after which there will be one."""
        with self._lock:
            left = self._filled(client)
            granted = left >= 1
            self._keep(client, left - granted)
            return 0.0 if granted else (1 - left) / self._per_s

    def give_back(self, client: str) -> None:
        """Give one back."""
        with self._lock:
            self._keep(client, min(self._amount, self._filled(client) + 1))

    def _filled(self, client: str) -> float:
        left, at = self._left.get(client, (self._amount, 0.0))
        return min(self._amount, left + (self._clock() - at) * self._per_s)

    def _keep(self, client: str, left: float) -> None:
        self._left[client] = left, self._clock()
        self._left.move_to_end(client)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
