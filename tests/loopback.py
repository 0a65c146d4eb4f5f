"""A loopback HTTP server that misbehaves on demand. Handlers write raw bytes, so that anything can be sent."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType


@dataclass(frozen=True)
class Request:
    """What a client asked. Header names are lower case."""

    path: str
    headers: dict[str, str]
    at: float = field(default_factory=time.monotonic)


Write = Callable[[bytes], None]
Handler = Callable[[Request, Write], None]


def answer(body: bytes = b"", *, status: str = "200 OK", **headers: str) -> Handler:
    """A handler that sends one well-formed answer. Header names are given with underscores."""

    def handle(_: Request, write: Write) -> None:
        sent = {"content_length": str(len(body)), "content_type": "text/plain", "connection": "close", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
        write("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1") + body)

    return handle


def redirect(location: str, status: str = "302 Found", body: bytes = b"") -> Handler:
    """A handler that sends a redirect."""
    return answer(body, status=status, location=location)


def raw(*pieces: bytes, pause_s: float = 0.0) -> Handler:
    """A handler that sends bytes as they are, with pauses."""

    def handle(_: Request, write: Write) -> None:
        for piece in pieces:
            write(piece)
            time.sleep(pause_s)

    return handle


@dataclass
class Loopback(AbstractContextManager["Loopback"]):
    """Serves `routes` on 127.0.0.1 and remembers the requests; unknown paths get a 404.

    `tls`: speak https. `keep_alive`: take further requests on a connection, which the handlers must then not end.
    `connections` counts the connections that were opened.
    """

    routes: dict[str, Handler]
    requests: list[Request] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    keep_alive: bool = False
    connections: int = 0

    def __post_init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.loopback = self

    def __enter__(self) -> Loopback:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def asked(self, path: str) -> list[Request]:
        """The requests for a path."""
        return [request for request in self.requests if request.path == path]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    loopback: Loopback

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: what a client makes of a broken connection is for the test to say."""


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def setup(self) -> None:
        self.server.loopback.connections += 1
        if self.server.loopback.tls is not None:
            self.request = self.server.loopback.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def handle(self) -> None:
        while self._answer() and self.server.loopback.keep_alive:
            pass

    def _answer(self) -> bool:
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) < 2:
            return False
        headers = {}
        while (header := self.rfile.readline().decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        request = Request(path=line[1], headers=headers)
        self.server.loopback.requests.append(request)
        handler = self.server.loopback.routes.get(request.path, answer(b"not found", status="404 Not Found"))
        with contextlib.suppress(OSError):  # the client has seen enough
            handler(request, self.wfile.write)
            return True
        return False
