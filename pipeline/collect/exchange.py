"""One request and its answer. The only user of httpx.

httpx's transport is driven without its client, which would keep cookies, take proxies and passwords from the
environment and read the body of every redirect. Whatever a server does becomes an `Answer` or a FetchError. Redirects
are not followed here, and how long an exchange may take is for the caller to say.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote_from_bytes

import httpcore
import httpx

from pipeline.collect.addresses import Address
from pipeline.collect.bodies import Body, BodyError
from pipeline.collect.guard import Guard, GuardError
from pipeline.collect.hosts import retry_after_s
from pipeline.errors import FetchError

REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Refusals that may be over at the next try, as are all 5xx: an article that has not reached every server yet, a guard
# against robots that thinks we came too often, time-outs.
PASSING = frozenset({403, 404, 408, 425, 429})
KEEP_ALIVE_S = 3.0  # below the 5 s after which Apache and Node.js hang up, perhaps just when the next request is sent
PRINTABLE = bytes(range(0x20, 0x7F)).decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A server's answer: a whole body (2xx), a `location` to ask instead, or 304. `headers` are keyed in lower case."""

    address: Address
    status: int
    headers: Mapping[str, str]
    location: str | None = None
    body: bytes = b""


class Exchange:
    """Sends requests over connections that the guard opens.

    `tls`: which certificates are trusted; `keep`: how many idle connections are kept.
    """

    def __init__(self, guard: Guard, tls: ssl.SSLContext | None, *, keep: int, clock: Callable[[], datetime]) -> None:
        self._transport = GuardedTransport(guard, tls or httpx.create_ssl_context(), keep)
        self._clock = clock

    async def get(self, address: Address, headers: Mapping[str, str], body: Callable[[str], Body]) -> Answer:
        """Ask for an address. `body` makes what takes the body, given its Content-Encoding. Raises FetchError."""
        return await self._ask("GET", address, headers, body, None)

    async def post(
        self, address: Address, headers: Mapping[str, str], body: Callable[[str], Body], content: bytes
    ) -> Answer:
        """Send `content` to an address, with the same care. Raises FetchError."""
        return await self._ask("POST", address, headers, body, content)

    async def _ask(
        self,
        method: str,
        address: Address,
        headers: Mapping[str, str],
        body: Callable[[str], Body],
        content: bytes | None,
    ) -> Answer:
        with _typed(address):
            request = httpx.Request(method, address.url, headers=headers, content=content)
            response = await self._transport.handle_async_request(request)
            try:
                return await self._answer(response, address, body)
            finally:
                await response.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _answer(self, response: httpx.Response, address: Address, body: Callable[[str], Body]) -> Answer:
        status, headers = response.status_code, dict(response.headers.items())
        if status in REDIRECTS:
            return Answer(address=address, status=status, headers=headers, location=_location(response, address))
        if status == 304:
            return Answer(address=address, status=status, headers=headers)
        if not response.is_success or status == 206:
            raise self._refused(response, address)
        whole = await _read(response, body(response.headers.get("Content-Encoding", "")))
        return Answer(address=address, status=status, headers=headers, body=whole)

    def _refused(self, response: httpx.Response, address: Address) -> FetchError:
        status = response.status_code
        message = f"{address.url} answered {status} {response.reason_phrase}".rstrip()
        if status < 400:
            return FetchError(f"{message}, unasked", url=address.url, reason="protocol", status=status)
        return FetchError(
            f"{message}: it is gone for good" if status == 410 else message,
            url=address.url,
            reason="gone" if status == 410 else "http_status",
            retry=status >= 500 or status in PASSING,
            status=status,
            retry_after_s=retry_after_s(response.headers.get("Retry-After", ""), self._clock()),
        )


class GuardedTransport(httpx.AsyncBaseTransport):
    """httpx's transport over a pool whose every connection is opened by the guard. `keep`: idle connections kept."""

    def __init__(self, guard: Guard, tls: ssl.SSLContext, keep: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=None,
            max_keepalive_connections=keep,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=guard,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises httpcore's errors and the guard's."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore.Request(request.method, url, headers=request.headers.raw, content=request.content)
        answer = await self._pool.handle_async_request(asked)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._answer.aiter_stream())

    async def aclose(self) -> None:
        await self._answer.aclose()


async def _read(response: httpx.Response, body: Body) -> bytes:
    length = response.headers.get("Content-Length", "")
    if length.isdecimal():
        body.expect(int(length))
    try:
        async for piece in response.aiter_raw():
            if not body.add(piece):
                break
    except (httpcore.RemoteProtocolError, httpcore.ReadError) as error:
        raise BodyError(f"the body broke off ({error})", reason="incomplete") from None
    return body.whole()


def _location(response: httpx.Response, address: Address) -> str:
    """The Location header. Bytes that are not ASCII are escaped as they are, which browsers do too."""
    for name, value in response.headers.raw:
        if name.lower() == b"location":
            return quote_from_bytes(value, safe=PRINTABLE)
    message = f"{address.url} answered {response.status_code} but not where to go instead"
    raise FetchError(message, url=address.url, reason="protocol", status=response.status_code)


@contextmanager
def _typed(address: Address) -> Iterator[None]:
    """Whatever can go wrong between two hosts, as a FetchError."""
    try:
        yield
    except (GuardError, BodyError) as error:
        final = error.reason in ("blocked_address", "too_large")
        raise FetchError(f"{address.url}: {error}", url=address.url, reason=error.reason, retry=not final) from None
    except httpcore.TimeoutException as error:
        raise _broken(address, "timeout", error) from None
    except ssl.SSLError as error:
        raise _broken(address, "tls", error) from None
    except (httpcore.NetworkError, OSError) as error:
        raise _broken(address, "connect", error) from None
    except httpcore.ProtocolError as error:
        raise _broken(address, "protocol", error) from None
    except (httpx.InvalidURL, ValueError) as error:
        message = f"{address.url} can't be asked for ({error})"
        raise FetchError(message, url=address.url, reason="bad_url", retry=False) from None


WORDS = {
    "timeout": "took too long to answer",
    "connect": "could not be reached",
    "tls": "broke off the encrypted connection",
    "protocol": "does not speak HTTP as it should",
}


def _broken(address: Address, reason: str, error: Exception) -> FetchError:
    return FetchError(f"{address.url} {WORDS[reason]} ({error})", url=address.url, reason=reason)
