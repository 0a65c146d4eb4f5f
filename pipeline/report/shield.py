"""The outermost layer of the web server: refuses what no honest client sends, and lets nothing leave unlabelled.

too many requests          429     method that changes something, from elsewhere   403
Host that is not ours      400     anything unforeseen                             500, and the log has it
body, query, headers long  413, 414, 431
"""

from __future__ import annotations

from ipaddress import ip_address

import structlog
from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.sections import WebSettings
from pipeline.errors import StorageError
from pipeline.report.problems import TITLE, not_stored, problem, refused, too_many
from pipeline.report.rates import Rates, client_of

log = structlog.get_logger()
SAFE = {"GET", "HEAD", "OPTIONS"}
LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
POLICY = (
    "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
# `no-referrer` would make browsers send `Origin: null` with our own forms: https://fetch.spec.whatwg.org/#origin-header
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
OWN = "content-security-policy"  # an answer that has a policy of its own keeps it
STATIC = "/static/"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Shield:
    """Wraps the application, its error pages included."""

    def __init__(self, app: ASGIApp, web: WebSettings) -> None:
        self._app, self._web = app, web
        self._rates = Rates(web.requests_per_minute, 60)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = _Labelled(send, "no-cache" if scope["path"].startswith(STATIC) else "no-store")
        try:
            self._check(scope, Headers(scope=scope))
            await self._app(scope, _Bounded(receive, self._web.max_body_bytes), sending)
        except AnyHTTPException as refusal:
            await refused(refusal)(scope, receive, sending)
        except StorageError as error:
            await not_stored(error)(scope, receive, sending)
        except Exception as error:  # whatever it is, the next request is answered
            log.exception("request failed", method=scope["method"], path=scope["path"], error=type(error).__name__)
            if sending.started:
                raise
            await problem(500, TITLE)(scope, receive, sending)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if wait_s := self._rates.take(client(scope)):
            raise too_many(wait_s)
        if not self._is_ours(headers.get("host", "")):
            raise HTTPException(400, "this host name is not served here; web.hosts names those that are")
        self._measure(scope, headers)
        if scope["method"] not in SAFE and not self._comes_from_us(scope["scheme"], headers):
            raise HTTPException(403, "this request comes from another site")

    def _measure(self, scope: Scope, headers: Headers) -> None:
        if len(scope["query_string"]) + len(scope.get("raw_path") or b"") > self._web.max_query_bytes:
            raise HTTPException(414, f"an address has at most {self._web.max_query_bytes} bytes")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._web.max_header_bytes:
            raise HTTPException(431, f"headers have at most {self._web.max_header_bytes} bytes")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            raise HTTPException(400, "Content-Length is no number")
        if int(length[:20]) > self._web.max_body_bytes:
            raise _too_long(self._web.max_body_bytes)

    def _is_ours(self, host: str) -> bool:
        """Names can be pointed at this machine by anybody (DNS rebinding), addresses can't."""
        name = _name(host)
        if name in LOOPBACK or name in self._web.hosts or name == self._web.host.lower():
            return True
        return not self._web.hosts and _is_address(name)

    def _comes_from_us(self, scheme: str, headers: Headers) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if site is not None and site not in ("same-origin", "none"):
            return False
        if origin is None:
            return site is not None or "cookie" not in headers
        secure, _, host = origin.lower().partition("://")
        ours = host == headers["host"].lower() or _name(host) in self._web.hosts
        return secure in ({"https"} if scheme == "https" else {"http", "https"}) and ours


class _Bounded:
    """Receives a body up to a length, whatever was said of it."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most, self._length = receive, most, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._length += len(message.get("body", b""))
        if self._length > self._most:
            raise _too_long(self._most)
        return message


class _Labelled:
    """Sends what leaves with the security headers; remembers whether it has begun."""

    def __init__(self, send: Send, cached: str) -> None:
        self._send, self._cached, self.started = send, cached, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            policy = headers.get(OWN, POLICY)
            headers.update(HEADERS)
            headers[OWN] = policy
            headers.setdefault("cache-control", self._cached)
        await self._send(message)


def client(scope: Scope) -> str:
    """Who asks, for counting."""
    return client_of(scope["client"][0]) if scope.get("client") else ""


def _name(host: str) -> str:
    """A Host header without its port, in lower case; empty where it is none."""
    name, colon, port = host.lower().rpartition(":")
    if not colon or (host.startswith("[") and host.endswith("]")):
        return host.lower()
    return name if port.isascii() and port.isdigit() else ""


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        return False


def _too_long(most: int) -> HTTPException:
    return HTTPException(413, f"a body has at most {most} bytes")
