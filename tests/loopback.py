"""A loopback HTTP server that misbehaves on demand. Handlers write raw bytes, so that anything can be sent."""

from __future__ import annotations

import contextlib
import socketserver
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
    """Serves `routes` on 127.0.0.1 and remembers the requests; unknown paths get a 404."""

    routes: dict[str, Handler]
    requests: list[Request] = field(default_factory=list)

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
        return f"http://{host}:{self.port}{path}"

    def asked(self, path: str) -> list[Request]:
        """The requests for a path."""
        return [request for request in self.requests if request.path == path]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    loopback: Loopback


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) < 2:
            return
        headers = {}
        while (header := self.rfile.readline().decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        request = Request(path=line[1], headers=headers)
        self.server.loopback.requests.append(request)
        handler = self.server.loopback.routes.get(request.path, answer(b"not found", status="404 Not Found"))
        with contextlib.suppress(OSError):  # the client has seen enough
            handler(request, self.wfile.write)
