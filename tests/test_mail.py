"""A digest as a mail, read back as mail readers read it, and the server that it is handed to."""

from __future__ import annotations

import re
import ssl
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from config.settings import load
from pipeline.doctor import examine
from pipeline.errors import SettingsError
from pipeline.mail.courier import Courier, MailError
from pipeline.report.digest.mail import clean_header, mail, sender_of
from pipeline.report.digest.setting import UNSUBSCRIBE
from storage.digests import Digest
from storage.outbox import Message
from tests.postbox import PASSWORD, certificate, mail_settings, postbox
from tests.samples import NOW

LINE_ENDS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\t"]


def digest(**changes: Any) -> Digest:
    made = Digest(
        id=7, edition="daily", day="2024-05-01", language="en", covers_from=NOW - timedelta(days=1), covers_to=NOW,
        quiet=False, run_id=1, subject="Coverage is balanced", created_at=NOW, html=f'<p>Talks <img src="cid:chart"></p>{UNSUBSCRIBE}',  # noqa: E501
        plain="Talks\n", figures={}, chart=b"\x89PNG\r\n",
    )  # fmt: skip
    return replace(made, **changes)


def message(**changes: Any) -> Message:
    made = Message(
        id=1, digest_id=7, recipient="a.reader@example.net", message_id="<digest.7.0123456789abcdef@example.org>",
        state="sending", attempts=1, next_try_at=None, reason="", created_at=NOW, sent_at=None, token="t" * 24,
    )  # fmt: skip
    return replace(made, **changes)


def read_back(*arguments: Any) -> tuple[bytes, EmailMessage]:
    raw = mail(*arguments).as_bytes()
    return raw, message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]


def said(made: EmailMessage, kind: str = "plain") -> str:
    """A part's text with plain ends of lines."""
    body = made.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_a_mail_has_text_page_and_picture_and_says_that_a_machine_wrote_it() -> None:
    raw, made = read_back(digest(), message(), mail_settings(25))
    kinds = [part.get_content_type() for part in made.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    assert list(made.walk())[-1]["Content-ID"] == "<chart>"
    wanted = {
        "From": "Watch <watch@example.org>", "To": "a.reader@example.net", "Subject": "Coverage is balanced",
        "Message-ID": "<digest.7.0123456789abcdef@example.org>", "Auto-Submitted": "auto-generated",
        "Content-Language": "en",
    }  # fmt: skip
    assert {name: made[name] for name in wanted} == wanted
    assert made["Date"].datetime == NOW.replace(microsecond=0)
    assert (made["Bcc"], made["Cc"]) == (None, None)
    assert raw.count(b"\n") == raw.count(b"\r\n")


def test_the_way_out_stands_in_header_text_and_page_in_one_piece() -> None:
    base = "https://watch.a-very-long-name-of-an-institute.example.org/behind/a/proxy"
    raw, made = read_back(digest(), message(), mail_settings(25, public_url=base))
    link = f"{base}/unsubscribe/{'t' * 24}"
    assert f"List-Unsubscribe: <{link}>\r\n".encode() in raw
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    text, page = said(made), said(made, "html")
    assert (link in text, f'href="{link}"' in page, UNSUBSCRIBE in page) == (True, True, False)


def test_without_a_public_address_readers_leave_by_writing_to_the_sender() -> None:
    raw, _ = read_back(digest(), message(), mail_settings(25, public_url=""))
    assert b"List-Unsubscribe: <mailto:watch@example.org?subject=unsubscribe>\r\n" in raw
    assert b"One-Click" not in raw


@pytest.mark.parametrize("end", LINE_ENDS)
def test_F61_a_headline_that_ends_lines_stays_one_header(end: str) -> None:
    subject = f"Putin{end}Bcc: all@example.com{end}{end}<b>now</b>"
    _, made = read_back(digest(subject=subject), message(), mail_settings(25))
    assert made["Subject"] == "Putin Bcc: all@example.com <b>now</b>"
    assert (made["Bcc"], made["To"]) == (None, "a.reader@example.net")


@pytest.mark.parametrize(
    "strange", ["\x00a\x1bb\x7fc", "\ud800", "\ufffe", "=?utf-8?q?x?=", "", " " * 500, "条約" * 500]
)
def test_F61_no_headline_keeps_a_mail_from_going_out(strange: str) -> None:
    raw, made = read_back(digest(subject=strange), message(), mail_settings(25))
    assert len(made["Subject"]) <= 200
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert clean_header(clean_header(strange)) == clean_header(strange)


def test_F62_a_word_of_a_megabyte_and_letters_of_all_directions_travel_in_short_lines() -> None:
    wild = "x" * 2**20 + " \u202eمعاهدة\u2069 🇯🇵👩‍👩‍👧 平和条約 мир\n.\n..\nFrom here"
    made = digest(html=f"<p>{wild}</p>{UNSUBSCRIBE}", plain=wild)
    raw, back = read_back(made, message(), mail_settings(25))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert said(back).startswith(wild)
    assert wild in said(back, "html")


def test_dots_at_the_start_of_lines_arrive_as_they_were() -> None:
    text = ".\n..hidden\n" + "x" * 75 + ".\n"
    with postbox() as box:
        settings = mail_settings(box.port, public_url="")
        with Courier(settings) as courier:
            body = mail(digest(plain=text, chart=None), message(), settings).as_bytes()
            assert courier.hand("w@example.org", "a@example.net", body, lambda: True).fate == "sent"
    assert said(box.parsed()[0]) == text


@pytest.mark.parametrize("sender", ["", "nobody", "a@b@c", "x <y>", "ä@example.org"])
def test_a_sender_that_is_none_is_refused_with_advice(sender: str) -> None:
    with pytest.raises(SettingsError, match=r"mail\.sender"):
        sender_of(mail_settings(25, sender=sender))


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mails_go_over_tls_after_signing_in(security: str, pem: Path) -> None:
    with postbox(security, pem, auth=security == "starttls") as box:
        signing = {"user": "watch", "password": PASSWORD} if security == "starttls" else {}
        settings = mail_settings(box.port, security=security, ca_file=str(pem), **signing)
        with Courier(settings) as courier:
            outcome = courier.hand("w@example.org", "a@example.net", b"Subject: x\r\n\r\nx\r\n", lambda: True)
    assert (outcome.fate, box.to, box.signed_in) == ("sent", ["a@example.net"], ["watch"] if signing else [])


@pytest.mark.parametrize(
    ("security", "changes", "reason"),
    [
        ("starttls", {"ca_file": ""}, "tls"),
        ("tls", {"ca_file": ""}, "tls"),
        ("none", {"security": "starttls"}, "tls"),
        ("none", {"security": "tls"}, "tls"),
        ("tls", {"security": "none", "timeout_s": 0.5}, "connect"),
        ("starttls", {"user": "watch", "password": "wrong-but-secret"}, "auth"),
        ("none", {"host": "no.such.host.invalid"}, "connect"),
    ],
)
def test_F60_a_server_that_can_not_be_used_is_told_with_advice(
    security: str, changes: dict[str, Any], reason: str, pem: Path
) -> None:
    with postbox(security, None if security == "none" else pem, auth=reason == "auth") as box:
        given = {"security": security, "ca_file": str(pem)} | changes
        with pytest.raises(MailError) as caught, Courier(mail_settings(box.port, **given)):
            pass
    assert caught.value.reason == reason
    assert "mail." in str(caught.value)


def test_F60_a_refused_connection_is_told() -> None:
    with postbox() as box:
        pass
    with pytest.raises(MailError) as caught, Courier(mail_settings(box.port)):
        pass
    assert caught.value.reason == "connect"


def test_F66_the_password_is_in_no_error_and_no_setting_shown(pem: Path) -> None:
    with postbox("starttls", pem, auth=True) as box:
        settings = mail_settings(
            box.port, security="starttls", ca_file=str(pem), user="watch", password="wrong-but-secret"
        )
        with pytest.raises(MailError) as caught, Courier(settings):
            pass
    assert not any(
        "wrong-but-secret" in text for text in (str(caught.value), repr(settings), settings.model_dump_json())
    )


def found_by_doctor(*flags: str) -> dict[str, Any]:
    return examine(load(environ={}, flags=flags), ("mail",))[0].as_dict()


def test_doctor_says_whether_mails_could_be_sent() -> None:
    assert found_by_doctor() == {
        "check": "mail", "ok": True, "found": "no mail.host: no mails are sent", "advice": "",
    }  # fmt: skip
    with postbox() as box:
        place = ("mail.host=127.0.0.1", f"mail.port={box.port}", "mail.security=none")
        well, badly = found_by_doctor(*place), found_by_doctor(*place[:2], "mail.security=starttls")
    assert (well["ok"], "nothing was sent" in well["found"], "public_url" in well["advice"]) == (True, True, True)
    assert (badly["ok"], "mail.security" in badly["found"]) == (False, True)
    assert box.mails == []


def test_the_certificate_is_checked_against_the_name_too(pem: Path) -> None:
    assert ssl.create_default_context().check_hostname
    with postbox("tls", pem) as box, pytest.raises(MailError) as caught:
        Courier(mail_settings(box.port, host="127.0.0.2", security="tls", ca_file=str(pem))).connect()
    assert caught.value.reason in ("connect", "tls")


def test_only_short_and_plain_lines_are_in_a_mail_of_any_kind() -> None:
    raw, _ = read_back(
        digest(language="ja", plain="条約\n" * 3000, html="<p>" + "条約" * 3000 + "</p>"), message(), mail_settings(25)
    )
    assert max(map(len, raw.split(b"\r\n"))) <= 100
    assert re.fullmatch(rb"[\x20-\x7e\r\n\t]*", raw)
