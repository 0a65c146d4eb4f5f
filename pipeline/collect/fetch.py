"""The guarded fetch, the only way in which treatywatch asks the web for anything.

robots.txt | turn on the host | look-up | guard | connect, TLS | request | answer | redirect? all of it again | body
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from types import TracebackType

from config.sections import FetchSettings
from pipeline.collect import addresses
from pipeline.collect.addresses import Address
from pipeline.collect.bodies import ACCEPT_ENCODING, Body
from pipeline.collect.exchange import Answer, Exchange
from pipeline.collect.guard import Guard, Resolve, SystemResolver
from pipeline.collect.hints import max_age_s
from pipeline.collect.hosts import Budget, Hosts
from pipeline.collect.robots import MAX_BYTES as ROBOTS_BYTES
from pipeline.collect.robots import Robots, Rules, read_rules, rules_without
from pipeline.errors import FetchError
from pipeline.records import Fetched, NotModified

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, text/html, application/xhtml+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
PERMANENT = frozenset({301, 308})
MAX_VALIDATOR = 1024  # characters
ANSWER_BYTES = 65536  # read of the answer to what was sent, so that the connection can be used again


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


class Fetcher:
    """Fetches URLs as the settings allow. An async context manager; any number of fetches may be under way.

    `resolve` answers host names instead of the system, `tls` says which certificates are trusted instead of those of
    the public authorities, `clock` tells the time.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._system = SystemResolver(settings.concurrency)
        guard = Guard(resolve or self._system, settings.allow_networks)
        self._exchange = Exchange(guard, tls, keep=settings.concurrency, clock=clock)
        self._hosts = Hosts(
            concurrency=settings.concurrency,
            host_concurrency=settings.host_concurrency,
            delay_s=settings.host_delay_s,
        )
        self._robots = Robots(ttl_s=settings.robots_ttl_s, clock=clock)
        contact = f" ({settings.contact})" if settings.contact else ""
        self._headers = {"User-Agent": settings.user_agent + contact, "Accept-Encoding": ACCEPT_ENCODING}

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exchange.aclose()
        self._system.close()

    async def fetch(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None, accept: str = ACCEPT
    ) -> Fetched | NotModified:
        """Fetch a URL; with `etag` or `last_modified` of the last time, only if it has changed since.

        Credentials in the URL go to its own origin only, and appear in nothing that is returned or raised.
        Raises FetchError.
        """
        shown = addresses.redacted(url)
        try:
            trip = self._trip(url, {"Accept": accept, **_conditions(etag, last_modified)})
            answer = await self._follow(trip)
        except FetchError as error:
            error.url = shown  # the caller knows what it asked for, not where that led
            raise
        if answer.status == 304:
            fresh_s = max_age_s(answer.headers.get("cache-control", ""))
            return NotModified(url=shown, fetched_at=self._clock(), max_age_s=fresh_s)
        return self._fetched(answer, trip, shown)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> None:
        """Send something to a URL of our own users', by the same rules of addresses, time and size as a fetch.

        A redirect is not followed: what was sent is meant for this URL only. robots.txt is not asked, since no page
        is read. Raises FetchError, with what is in the URL beside its host left out: it often is a secret.
        """
        try:
            address = addresses.parse(url)
        except FetchError as error:
            raise FetchError("this is no web address", url="", reason=error.reason, retry=False) from None
        sent = _Trip(
            start=address,
            headers={**self._headers, **headers},
            budget=Budget(self._settings.timeout_s),
            body=partial(Body, max_bytes=ANSWER_BYTES, clip=True),
        )
        try:
            await self._send(sent, content)
        except FetchError as error:
            raise _unnamed(error, address) from None

    async def _send(self, trip: _Trip, content: bytes) -> None:
        address = trip.start
        async with self._hosts.turn(address.host, 0.0):
            try:
                async with trip.budget.spending():
                    answer = await self._exchange.post(address, trip.headers_for(address), trip.body, content)
            except TimeoutError:
                raise FetchError("took too long", url=address.url, reason="timeout") from None
        if answer.status >= 300:
            raise FetchError("redirects", url=address.url, reason="too_many_redirects", status=answer.status)

    def _trip(self, url: str, headers: Mapping[str, str]) -> _Trip:
        return _Trip(
            start=addresses.parse(url),
            headers={**self._headers, **headers},
            budget=Budget(self._settings.timeout_s),
            body=partial(Body, max_bytes=self._settings.max_bytes),
            obedient=self._settings.respect_robots,
        )

    def _fetched(self, answer: Answer, trip: _Trip, shown: str) -> Fetched:
        return Fetched(
            url=shown,
            final_url=answer.address.url,
            status=answer.status,
            body=answer.body,
            content_type=answer.headers.get("content-type", ""),
            fetched_at=self._clock(),
            etag=_validator(answer.headers.get("etag")),
            last_modified=_validator(answer.headers.get("last-modified")),
            # An address with credentials stays as it was written: the new one would have lost them.
            permanent_url=answer.address.url if trip.moved and not trip.start.authorization else None,
            max_age_s=max_age_s(answer.headers.get("cache-control", "")),
        )

    async def _follow(self, trip: _Trip) -> Answer:
        """The answer at the end of the redirects."""
        address, seen = trip.start, set[str]()
        while address.url not in seen and len(seen) <= self._settings.max_redirects:
            seen.add(address.url)
            answer = await self._hop(address, trip)
            if answer.location is None:
                return answer
            trip.moved = answer.status in PERMANENT and (trip.moved or len(seen) == 1)
            address = _next(address, answer.location)
        how = "in a circle" if address.url in seen else f"more than {self._settings.max_redirects} times"
        message = f"{trip.start.url} redirects {how}; look with a browser where it should lead to"
        raise FetchError(message, url=trip.start.url, reason="too_many_redirects")

    async def _hop(self, address: Address, trip: _Trip) -> Answer:
        rules = await self._rules(address, trip) if trip.obedient else Rules()
        if not rules.allow(address.url):
            raise self._disallowed(rules, address)
        async with self._hosts.turn(address.host, rules.delay_s):
            try:
                async with trip.budget.spending():
                    answer = await self._exchange.get(address, trip.headers_for(address), trip.body)
            except TimeoutError:
                limit = f"{self._settings.timeout_s:g} s"
                message = f"{address.url} took longer than {limit}; raise fetch.timeout_s if it is just slow"
                raise FetchError(message, url=address.url, reason="timeout") from None
        if answer.status == 304 and not trip.conditional:
            message = f"{address.url} answered 304 (not modified) though it was not asked for changes"
            raise FetchError(message, url=address.url, reason="protocol", status=304)
        return answer

    async def _rules(self, address: Address, trip: _Trip) -> Rules:
        started = monotonic()
        rules = await self._robots.of(address.origin, partial(self._ask_robots, address.origin))
        trip.budget.charge(min(rules.took_s, monotonic() - started))
        return rules

    async def _ask_robots(self, origin: str) -> Rules:
        trip = _Trip(
            start=addresses.parse(f"{origin}/robots.txt"),
            headers={**self._headers, "Accept": "text/plain, */*;q=0.5"},
            budget=Budget(self._settings.timeout_s),
            body=partial(Body, max_bytes=ROBOTS_BYTES, clip=True),
        )
        try:
            rules = read_rules((await self._follow(trip)).body, self._settings.user_agent)
        except FetchError as error:
            rules = rules_without(error, origin)
        return replace(rules, took_s=trip.budget.spent_s)

    def _disallowed(self, rules: Rules, address: Address) -> FetchError:
        file = f"{address.origin}/robots.txt"
        if not rules.refusal:
            message = (
                f"{file} does not let us fetch {address.url}; ask the outlet for leave, or take the feed off the list"
            )
            return FetchError(message, url=address.url, reason="robots", retry=False)
        message = f"{file} can't be read, and until it can nothing is fetched from there: {rules.refusal}"
        left_s = max(0.0, (rules.until - self._clock()).total_seconds())
        return FetchError(message, url=address.url, reason="robots", retry_after_s=left_s)


@dataclass(slots=True, kw_only=True)
class _Trip:
    """One URL on its way through the redirects. `moved`: there were some, all of them for good."""

    start: Address
    headers: Mapping[str, str]
    budget: Budget
    body: Callable[[str], Body]
    obedient: bool = False
    moved: bool = False

    @property
    def conditional(self) -> bool:
        return "If-None-Match" in self.headers or "If-Modified-Since" in self.headers

    def headers_for(self, address: Address) -> dict[str, str]:
        headers = dict(self.headers)
        if self.start.authorization and address.origin == self.start.origin:
            headers["Authorization"] = self.start.authorization
        return headers


def _unnamed(error: FetchError, address: Address) -> FetchError:
    message = f"{address.host}: {error.reason}" + (f" ({error.status})" if error.status else "")
    return FetchError(
        message,
        url=address.origin,
        reason=error.reason,
        retry=error.retry,
        status=error.status,
        retry_after_s=error.retry_after_s,
    )


def _next(address: Address, location: str) -> Address:
    target = addresses.join(address.url, location)
    if target is None:
        message = f"{address.url} redirects to something that is no address: {addresses.redacted(location)[:200]!r}"
        raise FetchError(message, url=address.url, reason="bad_url")
    return addresses.parse(target)


def _conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    conditions = {"If-None-Match": _validator(etag), "If-Modified-Since": _validator(last_modified)}
    return {name: value for name, value in conditions.items() if value}


def _validator(value: str | None) -> str | None:
    """A validator that can be sent back as it came."""
    usable = value and len(value) <= MAX_VALIDATOR and value.isascii() and value.isprintable()
    return value if usable else None
