"""Hands mails to an SMTP server, and tells what became of each: nothing here retries, and nothing remembers."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from config.sections import MailSettings
from pipeline.errors import TreatywatchError

Fate = Literal["sent", "later", "refused", "unknown", "taken"]
_UNREACHED = (OSError, smtplib.SMTPException)


class MailError(TreatywatchError):
    """The mail server can't be used: reasons `connect tls auth refused`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a mail. later: it is worth another try. unknown: the server may have it. taken: no longer ours."""

    fate: Fate
    reason: str = ""


class Courier:
    """A session with the server, for one mail after another. Open it with `with`. Raises MailError there.

    To be used in one thread at a time; blocks for `timeout_s` at most where the server is silent.
    """

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Courier:
        self.connect()
        return self

    def connect(self) -> None:
        """Begin the session, again where the connection is gone. Raises MailError."""
        if self._server is None:
            self._server = _session(self._settings)

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            with suppress(*_UNREACHED):
                self._server.quit()
            self._server.close()

    @property
    def said(self) -> str:
        """What the server is, for people."""
        security = {"none": "no TLS", "starttls": "STARTTLS", "tls": "TLS"}[self._settings.security]
        signed_in = ", signed in" if self._settings.user else ""
        return f"{self._settings.host}:{self._settings.port} answers ({security}{signed_in})"

    def hand(self, sender: str, recipient: str, body: bytes, handing: Callable[[], bool]) -> Outcome:
        """Hand one mail over.

        `handing` is asked when its text is about to go: False keeps it back. Where the connection breaks after that,
        and before the server has answered, nobody knows whether it took the mail.
        """
        gone = False
        try:
            for code, answer in self._envelope(sender, recipient):
                if code >= 400:
                    self._open().rset()
                    return _refusal(code, answer)
            if not handing():
                self._open().rset()
                return Outcome(fate="taken")
            code, answer = self._open().docmd("DATA")
            gone = code == 354
            return self._text(body) if gone else _refusal(code, answer)
        except _UNREACHED as error:
            self.lose()
            return Outcome(fate="unknown" if gone else "later", reason=_said(error))

    def lose(self) -> None:
        """Give the connection up."""
        if self._server is not None:
            self._server.close()
        self._server = None

    def _envelope(self, sender: str, recipient: str) -> Iterator[tuple[int, bytes]]:
        yield self._open().mail(sender)
        yield self._open().rcpt(recipient)

    def _text(self, body: bytes) -> Outcome:
        server = self._open()
        quoted = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in body.split(b"\r\n"))
        server.send(quoted.removesuffix(b"\r\n") + b"\r\n.\r\n")
        code, answer = server.getreply()
        return Outcome(fate="sent") if code == 250 else _refusal(code, answer)

    def _open(self) -> smtplib.SMTP:
        if self._server is None:
            raise smtplib.SMTPServerDisconnected("the connection is gone")
        return self._server


def _session(settings: MailSettings) -> smtplib.SMTP:
    reason = "connect"
    server: smtplib.SMTP | None = None
    try:
        server = _connected(settings)
        reason = "tls"
        if settings.security == "starttls":
            server.starttls(context=_context(settings))
        reason = "refused"
        server.ehlo_or_helo_if_needed()
        reason = "auth"
        if settings.user:
            server.login(settings.user, settings.password.get_secret_value())
    except (*_UNREACHED, ValueError) as error:
        if server is not None:
            server.close()
        reason = "tls" if isinstance(error, ssl.SSLError) else reason
        raise MailError(
            f"{settings.host}:{settings.port}: {_said(error, settings)}; {ADVICE[reason]}", reason=reason
        ) from None
    return server


ADVICE = {
    "connect": "check mail.host and mail.port, and whether this machine may reach them",
    "tls": "check mail.security and the server's certificate; mail.ca_file names one of your own",
    "auth": "check mail.user and mail.password",
    "refused": "ask whoever runs the server",
}


def _connected(settings: MailSettings) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=_context(settings))
    return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)


def _context(settings: MailSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.ca_file:
        context.load_verify_locations(settings.ca_file)
    return context


def _refusal(code: int, answer: bytes) -> Outcome:
    said = f"{code} {_plain(answer.decode('utf-8', 'replace'))}"
    return Outcome(fate="later" if code < 500 else "refused", reason=said)


def _said(error: Exception, settings: MailSettings | None = None) -> str:
    """What went wrong in one line; a server may repeat the password that it was given."""
    if isinstance(error, smtplib.SMTPResponseException):
        code, answer = error.smtp_code, error.smtp_error
        said = f"{code} {_plain(answer.decode('utf-8', 'replace') if isinstance(answer, bytes) else str(answer))}"
    else:
        said = _plain(str(error)) or type(error).__name__
    secret = settings.password.get_secret_value() if settings else ""
    return said.replace(secret, "***") if secret else said


def _plain(text: str) -> str:
    return " ".join(text.split())[:300]
