"""A digest as a mail to one recipient, as bytes that any server takes: lines short, headers in one line each."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from config.sections import MailSettings
from pipeline.errors import SettingsError
from pipeline.report.auth import UNSUBSCRIBE
from pipeline.report.digest.setting import CHART, text_with_way_out, with_way_out
from pipeline.report.words import Words
from storage.columns import storable
from storage.digests import Digest
from storage.outbox import Message

SUBJECT_CHARS = 200
UNFOLDED = {"list-unsubscribe", "list-unsubscribe-post", "message-id"}


class _Policy(EmailPolicy):
    """Leaves addresses in headers whole: a long one would be folded into an encoded word, which nobody undoes."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in UNFOLDED:
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


POLICY = _Policy(**{name: getattr(SMTP, name) for name in ("linesep", "max_line_length", "cte_type")})


def clean_header(value: str) -> str:
    """A value as it can stand in a header: in one line, whatever ends lines in Unicode, and without controls."""
    return " ".join(storable(" ".join(value.replace("\x7f", " ").split())).split())


def host_of(settings: MailSettings) -> str:
    """What stands behind the @ of Message-IDs: the sender's domain."""
    return parseaddr(settings.sender)[1].rpartition("@")[2] or "localhost"


def way_out(settings: MailSettings, token: str) -> str:
    """The link by which a recipient leaves the list; none where nobody could reach the web server."""
    base = settings.public_url.rstrip("/")
    return f"{base}{UNSUBSCRIBE}{token}" if base and token else ""


def mail(digest: Digest, message: Message, settings: MailSettings) -> EmailMessage:
    """The mail. Equal arguments give an equal mail, but for the boundaries of its parts.

    Raises SettingsError where mail.sender is no address.
    """
    words, link = Words(digest.language), way_out(settings, message.token)  # type: ignore[arg-type] # the table checks it
    made = EmailMessage(policy=POLICY)
    made["From"] = sender_of(settings)
    made["To"] = Address(addr_spec=message.recipient)
    made["Subject"] = clean_header(digest.subject)[:SUBJECT_CHARS]
    made["Date"] = format_datetime(message.created_at)
    made["Message-ID"] = message.message_id
    made["Auto-Submitted"] = "auto-generated"
    made["List-ID"] = f"<{digest.edition}.{host_of(settings)}>"
    for name, value in _leaving(settings, link):
        made[name] = value
    made.set_content(
        text_with_way_out(digest.plain, words, link), cte="base64" if _wide(digest) else "quoted-printable"
    )
    page = with_way_out(digest.html, words, link)
    made.add_alternative(page, subtype="html", cte="base64" if _wide(digest) else "quoted-printable")
    made["Content-Language"] = digest.language  # before, it would have gone into the first part
    if digest.chart is not None:
        (_, body) = made.iter_parts()
        body.add_related(digest.chart, "image", "png", cid=f"<{CHART.partition(':')[2]}>", filename="chart.png",
                         disposition="inline")  # fmt: skip
    return made


def as_file(digest: Digest, settings: MailSettings) -> bytes:
    """The mail as a file, to nobody in particular."""
    message = Message(
        id=0, digest_id=digest.id, recipient=sender_of(settings).addr_spec, state="pending", attempts=0,
        message_id=f"<digest.{digest.id}.file@{host_of(settings)}>", next_try_at=None, reason="",
        created_at=digest.created_at, sent_at=None,
    )  # fmt: skip
    return mail(digest, message, settings).as_bytes()


def sender_of(settings: MailSettings) -> Address:
    """Who the mails come from."""
    name, address = parseaddr(clean_header(settings.sender))
    try:
        return Address(display_name=name, addr_spec=address.encode("ascii").decode())
    except (ValueError, IndexError, UnicodeError):
        raise SettingsError(
            f"mail.sender {settings.sender!r} is no address; write it like treatywatch <watch@example.org>",
            reason="sender",
        ) from None


def _leaving(settings: MailSettings, link: str) -> list[tuple[str, str]]:
    """RFC 8058: mail readers show a button that leaves the list with one POST."""
    if link:
        return [("List-Unsubscribe", f"<{link}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
    return [("List-Unsubscribe", f"<mailto:{sender_of(settings).addr_spec}?subject=unsubscribe>")]


def _wide(digest: Digest) -> bool:
    """Whether base64 is the shorter way."""
    return len(digest.plain.encode()) > 1.3 * len(digest.plain)
