"""robots.txt: what an origin lets us fetch (RFC 9309), and how long that is remembered. Fetches nothing itself.

answer                              rules
200                                 as written, in the first 500 KiB
404, 410 and other 4xx              none: all is allowed
429, 5xx, time-out, broken          nothing is allowed until a next try 10 minutes later
host not reached, certificate bad   no rules to be had: the fetch fails for that reason
"""

from __future__ import annotations

import re
from asyncio import Lock
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from protego import Protego

from pipeline.errors import FetchError

MAX_BYTES = 500 * 1024  # RFC 9309, 2.5: parse at least that much
RETRY_S = 600.0
MAX_DELAY_S = 60.0  # with a longer Crawl-delay an outlet's articles could not be read on the day they appear
REMEMBERED = 500  # origins
NOT_REACHED = frozenset({"blocked_address", "connect", "dns", "tls"})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

AGENT_LINE = re.compile(r"\s*user(?:-|\s+)?agent(?:\s*:|\s|$)(.*)", re.IGNORECASE)
TOKEN = re.compile(r"[A-Za-z_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What robots.txt says to us.

    `refusal`: why nothing may be fetched for now, else ''; `delay_s`: its Crawl-delay, bounded; `took_s`: the seconds
    on the network that it took to get them; `until`: when they are to be asked for again.
    """

    file: Protego | None = field(default=None, repr=False)
    agent: str = ""
    refusal: str = ""
    delay_s: float = 0.0
    took_s: float = 0.0
    until: datetime = EPOCH

    def allow(self, url: str) -> bool:
        """Whether the rules let us fetch a URL."""
        return not self.refusal and (self.file is None or bool(self.file.can_fetch(url, self.agent)))


def read_rules(body: bytes, user_agent: str) -> Rules:
    """The rules in a robots.txt for a User-Agent such as "treatywatch/0.1 (...)". What is no text has none."""
    body = body[:MAX_BYTES]
    if b"\0" in body:
        return Rules()
    agent = product_token(user_agent)
    file = Protego.parse(_for_one(body.decode("utf-8-sig", "replace"), agent))
    return Rules(file=file, agent=agent, delay_s=min(file.crawl_delay(agent) or 0.0, MAX_DELAY_S))


def rules_without(failure: FetchError, origin: str) -> Rules:
    """The rules of an origin whose robots.txt could not be had. Raises the failure where it was not even reached."""
    if failure.reason in NOT_REACHED and failure.url.startswith(f"{origin}/"):
        raise failure
    if failure.status is not None and 400 <= failure.status < 500 and failure.status != 429:
        return Rules()
    return Rules(refusal=str(failure))


def product_token(user_agent: str) -> str:
    """The name that robots.txt addresses us by: "treatywatch" of "treatywatch/0.1 (media research)"."""
    found = TOKEN.match(user_agent)
    return found[0].lower() if found else user_agent.lower()


class Robots:
    """Remembers the rules of each origin, and asks for them once however many fetches wait for them."""

    def __init__(self, *, ttl_s: float, clock: Callable[[], datetime]) -> None:
        self._ttl_s = ttl_s
        self._clock = clock
        self._origins: dict[str, _Origin] = {}

    async def of(self, origin: str, ask: Callable[[], Awaitable[Rules]]) -> Rules:
        """The rules of an origin, which `ask` gets where they are not known. Raises what `ask` raises."""
        known = self._origin(origin)
        async with known.lock:
            if known.rules.until <= self._clock():
                rules = await ask()
                lasts_s = RETRY_S if rules.refusal else self._ttl_s
                known.rules = replace(rules, until=self._clock() + timedelta(seconds=lasts_s))
            return known.rules

    def _origin(self, name: str) -> _Origin:
        if name not in self._origins:
            while len(self._origins) >= REMEMBERED:
                del self._origins[next(iter(self._origins))]
            self._origins[name] = _Origin()
        return self._origins[name]


@dataclass(slots=True)
class _Origin:
    lock: Lock = field(default_factory=Lock)
    rules: Rules = field(default_factory=Rules)


def _for_one(text: str, agent: str) -> str:
    """The text with every User-agent line naming us, everybody or somebody else.

    That matches the product token as RFC 9309 (2.2.1) wants it, and keeps Protego from comparing every rule with every
    one of ten thousand agents, which takes minutes.
    """
    return "\n".join(_line_for_one(line, agent) for line in text.splitlines())


def _line_for_one(line: str, agent: str) -> str:
    found = AGENT_LINE.match(line)
    if found is None:
        return line
    named = found[1].strip()
    if named.startswith("*"):
        return "User-agent: *"
    token = TOKEN.match(named)
    return f"User-agent: {agent if token and token[0].lower() == agent else '-'}"
