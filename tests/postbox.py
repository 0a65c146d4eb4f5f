"""A real SMTP server on loopback that takes mails, or refuses, delays and drops them as it is told."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from config.sections import MailSettings
from config.settings import load

PASSWORD = "correct horse battery staple"


@dataclass
class Postbox:
    """What arrived, and how the server is to behave.

    `refuse`: answers by recipient; `greylist`: first tries that are put off; `drop`: `rcpt`, `data` or `end`, where the
    connection breaks, as often as `drops` says.
    """

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    greylist: set[str] = field(default_factory=set)
    drop: str = ""
    drops: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    signed_in: list[str] = field(default_factory=list)

    def parsed(self) -> list[EmailMessage]:
        """The mails."""
        return [message_from_bytes(mail, policy=policy.default) for mail in self.mails]  # type: ignore[misc]

    def breaks(self, server: Any, place: str) -> bool:
        if self.drop != place or self.drops <= 0:
            return False
        self.drops -= 1
        server.transport.abort()
        return True

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.tries[address] += 1
        if self.breaks(server, "rcpt"):
            return "421 gone"
        if address in self.greylist:
            self.greylist.discard(address)
            return "451 4.7.1 greylisted, come back later"
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.breaks(server, "data"):
            return "421 gone"
        self.mails.append(envelope.original_content)
        self.to += envelope.rcpt_tos
        self.breaks(server, "end")
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (b"watch", PASSWORD.encode())
        self.signed_in += [data.login.decode()] if right else []
        return AuthResult(success=right)


class _Controller(Controller):
    def __init__(self, box: Postbox, security: str, context: ssl.SSLContext | None, **options: Any) -> None:
        self._security, self._context, self._options, self._box = security, context, options, box
        with socket.create_server(("127.0.0.1", 0)) as free:
            box.port = free.getsockname()[1]
        tls = context if security == "tls" else None
        super().__init__(box, hostname="127.0.0.1", port=box.port, ssl_context=tls)

    def factory(self) -> SMTP:
        starttls = self._context if self._security == "starttls" else None
        return SMTP(self.handler, tls_context=starttls, require_starttls=bool(starttls), **self._options)

    def _trigger_server(self) -> None:
        """The base class greets itself without TLS checks; a bare connection is enough."""
        with socket.create_connection(("127.0.0.1", self._box.port), timeout=5) as greeted:
            if self._security != "tls":
                greeted.recv(1024)


@contextmanager
def postbox(
    security: str = "none", certificate: Path | None = None, *, auth: bool = False, **options: Any
) -> Iterator[Postbox]:
    """A running server. `certificate`: a PEM file with certificate and key."""
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    box = Postbox()
    if auth:
        options |= {
            "auth_required": True,
            "authenticator": box.authenticate,
            "auth_require_tls": security == "starttls",
        }
    controller = _Controller(box, security, context, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def certificate(directory: Path) -> Path:
    """A certificate for 127.0.0.1 that it vouches for itself, with its key."""
    file = directory / "server.pem"
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    names = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    key, body = directory / "key.pem", directory / "certificate.pem"
    subprocess.run(["openssl", *made, *names, "-keyout", key, "-out", body], check=True, capture_output=True)
    file.write_text(key.read_text() + body.read_text())
    return file


def mail_settings(port: int, **changes: Any) -> MailSettings:
    """Settings for a server at this port."""
    shipped = load(environ={}).mail.model_dump()
    given = {"host": "127.0.0.1", "port": port, "security": "none", "timeout_s": 5.0}
    given |= {"sender": "Watch <watch@example.org>", "public_url": "https://watch.example.org"}
    return MailSettings.model_validate(shipped | given | changes)
