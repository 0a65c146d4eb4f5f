"""Who asks, and what they may: access tokens, sessions, and the gate that everything but the open paths lies behind.

read   looks at everything        code   also codes articles        admin   also changes how things run
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import BoundedSemaphore, Lock
from typing import Any, get_args
from urllib.parse import quote

import structlog
from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.errors import StorageError
from pipeline.records import Role
from pipeline.report.problems import too_many
from pipeline.report.rates import Rates
from pipeline.report.sessions import Sessions, cookie_name
from pipeline.report.shield import SAFE, STATIC, client
from storage import tokens
from storage.database import Database
from storage.tokens import Sealed, Token

log = structlog.get_logger()
RANK: dict[Role, int] = {role: rank for rank, role in enumerate(get_args(Role))}
HEALTH, SIGN_IN, SIGN_OUT = "/health", "/sign-in", "/sign-out"
UNSUBSCRIBE = "/unsubscribe/"  # before a token that says who it is
FEEDS = ".atom"
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
KNOWN_S, MOST_KNOWN = 60.0, 1000  # how long and how many right tokens are remembered without hashing them again
MOST_WAITING = 8  # tokens waiting to be hashed: more would take the threads that answer everybody else
NOTE_S = 60.0  # how often the time of a token's last use is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether they may do what needs this role."""
        return RANK[self.role] >= RANK[role]


LOCAL = Caller(name="this machine", role="admin")


def needs(role: Role) -> Any:
    """A dependency of routes that give the caller, if they have this role."""

    def check(request: Request) -> Caller:
        caller: Caller = request.state.caller
        if not caller.may(role):
            raise HTTPException(403, f"this needs a token with the role {role}; yours has {caller.role}")
        return caller

    return Depends(check)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Door:
    """Finds the holder of a token. Safe to share between threads."""

    def __init__(self, database: Database, failures: Rates, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self._database, self._failures = database, failures
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._noted: dict[int, float] = {}
        self._hashing = Lock()  # one at a time: each takes 16 MiB
        self._waiting = BoundedSemaphore(MOST_WAITING)

    def opened(self, presented: str, client: str) -> Token | None:
        """The live token that was presented, or None. Refuses a client that has failed too often."""
        with self._database.read() as connection:
            sealed = tokens.find(connection, presented)
        digest = hmac.digest(self._key, presented.encode("utf-8", "surrogatepass"), "sha256")
        right = self._known.get(digest, 0.0) > time.monotonic() or self._compare(sealed, presented, client, digest)
        return self._live(sealed.token) if sealed and right else None

    def holder(self, prefix: str) -> Token | None:
        """The live token with this prefix, for a session that was signed."""
        with self._database.read() as connection:
            token = tokens.by_prefix(connection, prefix)
        return self._live(token) if token else None

    def note(self, token: Token) -> None:
        """Write when a token was used, now and then."""
        now = time.monotonic()
        if now - self._noted.get(token.id, -NOTE_S) < NOTE_S:
            return
        self._noted[token.id] = now
        try:
            with self._database.write() as connection:
                tokens.used(connection, token.id, self.clock())
        except StorageError as error:
            log.warning("last use not noted", token=token.name, reason=error.reason)

    def _live(self, token: Token) -> Token | None:
        return token if token.state(self.clock()) == "live" else None

    def _compare(self, sealed: Sealed | None, presented: str, client: str, digest: bytes) -> bool:
        if wait_s := self._failures.take(client):
            raise too_many(wait_s)
        if not self._waiting.acquire(blocking=False):
            self._failures.give_back(client)
            raise too_many(1)
        try:
            with self._hashing:
                right = tokens.matches(sealed, presented)
        finally:
            self._waiting.release()
        self._conclude(right, client, digest)
        return right

    def _conclude(self, right: bool, client: str, digest: bytes) -> None:
        if not right:
            log.warning("sign-in failed", client=client)
            return
        self._failures.give_back(client)
        with self._hashing:
            self._known[digest] = time.monotonic() + KNOWN_S
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)


class Gate:
    """Lets a request through with its caller in `request.state.caller`, or refuses it.

    `local`: whoever reaches this process needs no token, unless they come through a proxy.
    """

    def __init__(self, app: ASGIApp, door: Door, sessions: Sessions, local: bool) -> None:
        self._app, self._door, self._sessions, self._local = app, door, sessions, local
        self._notes: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and not _is_open(scope["path"]):
            request = Request(scope)
            caller = await self._caller(request)
            if caller is None and scope["path"] != SIGN_IN:
                await self._turn_away(request)(scope, receive, send)
                return
            _refuse_changes(request, caller)
            request.state.caller = caller
        await self._app(scope, receive, send)

    async def _caller(self, request: Request) -> Caller | None:
        token = await self._token(request)
        if token:
            self._note(token)
            return Caller(name=token.name, role=token.role)
        bare = not any(name in request.headers for name in ("authorization", *FORWARDED))
        return LOCAL if self._local and bare else None

    async def _token(self, request: Request) -> Token | None:
        presented = _presented(request)
        if presented is not None:
            return await run_in_threadpool(self._door.opened, presented, client(request.scope))
        cookie = request.cookies.get(cookie_name(request.scope["scheme"]), "")
        prefix = self._sessions.read(cookie, self._door.clock())
        return await run_in_threadpool(self._door.holder, prefix) if prefix else None

    def _note(self, token: Token) -> None:
        """Beside the request: another process may hold the database for a while."""
        noting = asyncio.ensure_future(run_in_threadpool(self._door.note, token))
        self._notes.add(noting)
        noting.add_done_callback(self._notes.discard)

    def _turn_away(self, request: Request) -> RedirectResponse:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            query = request.scope["query_string"].decode("latin-1")
            place = request.scope["path"] + (f"?{query}" if query else "")
            return RedirectResponse(f"{SIGN_IN}?next={quote(place, safe='')}", 303)
        # A browser asks for a password where it is told of Basic; feed readers send one only then.
        challenge = 'Basic realm="treatywatch", charset="UTF-8"' if request.url.path.endswith(FEEDS) else "Bearer"
        raise HTTPException(
            401, "this needs an access token: `Authorization: Bearer TOKEN`", {"WWW-Authenticate": challenge}
        )


def _presented(request: Request) -> str | None:
    """The token that a request bears, or that a feed reader sends as the password of HTTP Basic (RFC 7617).

    Browsers send passwords by themselves, as they do cookies; so one opens nothing that could be changed.
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic" or request.method not in SAFE:
        return None
    try:
        return b64decode(credentials.strip(), validate=True).decode("utf-8").partition(":")[2]
    except ValueError:
        return ""


def _is_open(path: str) -> bool:
    return path == HEALTH or path.startswith((STATIC, UNSUBSCRIBE))


def _refuse_changes(request: Request, caller: Caller | None) -> None:
    """A reader changes nothing, whatever a route forgets to ask."""
    changes = request.method not in SAFE and request.scope["path"] not in (SIGN_IN, SIGN_OUT)
    if changes and not (caller and caller.may("code")):
        raise HTTPException(403, "this needs a token with the role code")
