"""The one way out: every URL that treatywatch fetches goes through `Fetcher.fetch`.

It does not parse, and it does not decide when to try again; it says what came, or exactly why nothing did.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from urllib.parse import urljoin

import ada_url
import httpcore
import httpx

from config.settings import FetchSettings
from pipeline.collect import bodies
from pipeline.collect.addresses import MAX_LENGTH, SCHEMES, host_of, redacted, resolve
from pipeline.collect.guard import BlockedAddressError, Guard, LookupFailedError, Resolve
from pipeline.collect.hosts import HostLimits
from pipeline.collect.robots import MAX_BYTES, Rules, rules_of
from pipeline.errors import FetchError
from pipeline.records import Fetched, NotModified

REDIRECTS = (301, 302, 303, 307, 308)
PERMANENT = (301, 308)
ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/html;q=0.9, */*;q=0.5"
ROBOTS_RETRY_S = 600.0
Headers = dict[str, str]


class Fetcher:
    """Fetches URLs within limits of time, size, address and courtesy. An async context manager.

    `resolve` answers host names instead of the system; `clock` gives the time, aware and in UTC.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        resolve: Resolve | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._agent = f"{settings.user_agent} ({settings.contact})" if settings.contact else settings.user_agent
        self._client = httpx.AsyncClient(
            transport=_Transport(Guard(settings.allow_networks, resolve), settings.concurrency),
            trust_env=False,
            follow_redirects=False,
            timeout=settings.timeout_s,
        )
        self._hosts = HostLimits(
            at_once=settings.concurrency, per_host=settings.host_concurrency, delay_s=settings.host_delay_s
        )
        self._robots: dict[str, Rules] = {}
        self._robots_locks: dict[str, asyncio.Lock] = {}

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def fetch(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None, accept: str = ACCEPT
    ) -> Fetched | NotModified:
        """Fetch a URL, following redirects, within `timeout_s` once its host's turn has come.

        With validators the answer may be NotModified. Raises FetchError.
        """
        start = _checked(url, url)
        rules = await self._rules_for(start)
        if not rules.allows(start, self._agent):
            raise FetchError(f"{redacted(url)}: robots.txt asks us not to", url=redacted(url), reason="robots", retry=False)
        headers = {"Accept": accept} | _conditions(etag, last_modified)
        async with self._hosts.slot(host_of(start), rules.delay_s(self._agent)):
            return await self._within_deadline(start, headers, self._settings.max_bytes)

    async def _within_deadline(self, url: str, headers: Headers, cap: int) -> Fetched | NotModified:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await self._follow(url, headers, cap)
        except TimeoutError:
            message = f"{redacted(url)}: not done within {self._settings.timeout_s:g} s"
            raise FetchError(message, url=redacted(url), reason="timeout") from None

    async def _follow(self, url: str, headers: Headers, cap: int) -> Fetched | NotModified:
        at, permanent = url, True
        for _ in range(self._settings.max_redirects + 1):
            answer = await self._ask(at, headers, cap, asked=url)
            if isinstance(answer, Fetched | NotModified):
                moved = permanent and at != url
                return _with_home(answer, asked=url, permanent_url=at if moved else None)
            status, location = answer
            permanent = permanent and status in PERMANENT
            at = _hop(at, location, asked=url)
        message = f"{redacted(url)}: more than {self._settings.max_redirects} redirects"
        raise FetchError(message, url=redacted(url), reason="too_many_redirects")

    async def _ask(
        self, url: str, headers: Headers, cap: int, *, asked: str
    ) -> Fetched | NotModified | tuple[int, str]:
        """One request: the answer, or status and Location of a redirect, whose body is never read."""
        target, login = _without_login(url)
        sent = {"User-Agent": self._agent, "Accept-Encoding": bodies.ACCEPTED} | headers
        try:
            request = self._client.build_request("GET", target, headers=sent)
            response = await self._client.send(request, stream=True, auth=login)
            try:
                if response.status_code in REDIRECTS:
                    return response.status_code, response.headers.get("location", "")
                return await self._read(response, asked, url, cap, conditional=len(headers) > 1)
            finally:
                await response.aclose()
        except bodies.BodyError as error:
            raise FetchError(f"{redacted(asked)}: {error}", url=redacted(asked), reason=error.reason) from None
        except FAILURES as error:
            raise _as_fetch_error(error, asked) from None

    async def _read(
        self, response: httpx.Response, asked: str, url: str, cap: int, *, conditional: bool
    ) -> Fetched | NotModified:
        status, headers = response.status_code, response.headers
        if status == 304 and conditional:
            return NotModified(url=asked, fetched_at=self._clock())
        if not 200 <= status < 300:
            raise self._refused(status, headers, asked)
        body = await bodies.read(response.aiter_raw(), headers.get("content-encoding", ""), cap)
        return Fetched(
            url=asked,
            final_url=redacted(url),
            status=status,
            body=body,
            content_type=headers.get("content-type", ""),
            fetched_at=self._clock(),
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
        )

    def _refused(self, status: int, headers: httpx.Headers, asked: str) -> FetchError:
        url = redacted(asked)
        if status == 410:
            return FetchError(f"{url}: gone for good (410)", url=url, reason="gone", retry=False, status=status)
        if status == 304:
            return FetchError(f"{url}: 304 to an unconditional request", url=url, reason="protocol", status=status)
        return FetchError(
            f"{url}: HTTP status {status}",
            url=url,
            reason="http_status",
            retry=status in (403, 408, 425, 429) or status >= 500,
            status=status,
            retry_after_s=_retry_after(headers.get("retry-after"), self._clock()),
        )

    async def _rules_for(self, url: str) -> Rules:
        if not self._settings.respect_robots:
            return Rules(rules=None, allow_all=True, until_s=0)
        origin = _origin(url)
        async with self._robots_locks.setdefault(origin, asyncio.Lock()):
            known = self._robots.get(origin)
            if known is None or known.until_s <= asyncio.get_running_loop().time():
                known = self._robots[origin] = await self._ask_robots(origin)
            return known

    async def _ask_robots(self, origin: str) -> Rules:
        """A robots.txt that isn't there allows everything; one that can't be had for now allows nothing for a while."""
        now = asyncio.get_running_loop().time()
        try:
            async with self._hosts.slot(host_of(origin)):
                answer = await self._within_deadline(f"{origin}/robots.txt", {"Accept": "text/plain"}, 10 * MAX_BYTES)
        except FetchError as error:
            if error.reason in ("blocked_address", "dns"):
                raise
            missing = error.status is not None and 400 <= error.status < 500 and error.status != 429
            if missing or error.reason in ("bad_encoding", "too_large"):
                return Rules(rules=None, allow_all=True, until_s=now + self._settings.robots_ttl_s)
            return Rules(rules=None, allow_all=False, until_s=now + ROBOTS_RETRY_S)
        body = answer.body if isinstance(answer, Fetched) else b""
        return rules_of(body, now + self._settings.robots_ttl_s)


class _Transport(httpx.AsyncBaseTransport):
    """httpx on a connection pool whose every connection the guard opens."""

    def __init__(self, guard: Guard, connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=2 * connections,
            max_keepalive_connections=connections,
            network_backend=guard,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        async for piece in self._response.aiter_stream():
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


FAILURES = (
    BlockedAddressError,
    LookupFailedError,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    ssl.SSLError,
    UnicodeError,
    OSError,
)


def _as_fetch_error(error: BaseException, asked: str) -> FetchError:
    reason, retry = "protocol", True
    match error:
        case BlockedAddressError():
            reason, retry = "blocked_address", False
        case LookupFailedError():
            reason = "dns"
        case _ if "certificate" in str(error).lower() or isinstance(error, ssl.SSLError) or "SSL" in str(error):
            reason = "tls"
        case httpcore.TimeoutException() | httpx.TimeoutException() | TimeoutError():
            reason = "timeout"
        case httpcore.ConnectError() | httpx.ConnectError() | OSError():
            reason = "connect"
        case httpcore.RemoteProtocolError() if "incomplete" in str(error) or "peer closed" in str(error):
            reason = "incomplete"
        case httpx.InvalidURL() | UnicodeError():
            reason, retry = "bad_url", False
    return FetchError(
        f"{redacted(asked)}: {str(error) or type(error).__name__}", url=redacted(asked), reason=reason, retry=retry
    )


def _checked(url: str, asked: str) -> str:
    """The URL in normal form. Raises FetchError for anything but a web address of sane length."""
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        parsed = None
    if parsed is None or len(url) > MAX_LENGTH:
        raise FetchError(f"{redacted(asked)[:200]}: not a URL", url=redacted(asked), reason="bad_url", retry=False)
    if parsed.protocol not in SCHEMES:
        message = f"{redacted(asked)}: only http and https are fetched, not {parsed.protocol}"
        raise FetchError(message, url=redacted(asked), reason="bad_scheme", retry=False)
    parsed.hash = ""
    return str(parsed.href)


def _hop(at: str, location: str, *, asked: str) -> str:
    """Where a redirect leads; user name and password of the former URL do not go along."""
    if not location:
        raise FetchError(f"{redacted(asked)}: a redirect to nowhere", url=redacted(asked), reason="protocol")
    target = resolve(at, location)
    return _checked(target or urljoin(at, location), asked)


def _without_login(url: str) -> tuple[str, tuple[str, str] | None]:
    parsed = ada_url.URL(url)
    user, password = parsed.username, parsed.password
    parsed.username, parsed.password = "", ""
    return str(parsed.href), (user, password) if user or password else None


def _with_home(answer: Fetched | NotModified, *, asked: str, permanent_url: str | None) -> Fetched | NotModified:
    from dataclasses import replace

    if isinstance(answer, Fetched):
        return replace(answer, url=asked, permanent_url=permanent_url and redacted(permanent_url))
    return answer


def _origin(url: str) -> str:
    return str(ada_url.URL(url).origin)


def _conditions(etag: str | None, last_modified: str | None) -> Headers:
    given = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: value for name, value in given.items() if value and value.isascii() and value.isprintable()}


def _retry_after(raw: str | None, now: datetime) -> float | None:
    """Seconds until a server wants to be asked again, as it says, or None where it says nothing of use."""
    if not raw:
        return None
    if raw.strip().isdecimal():
        return float(raw.strip()[:12])
    try:
        date = parsedate_to_datetime(raw)
    except (ValueError, TypeError, OverflowError):
        return None
    seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return seconds if seconds > 0 else None
