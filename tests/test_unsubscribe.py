"""Leaving a mailing list by link, and the page on which an admin keeps the lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.report.digest.mail import way_out
from storage import digests, outbox, recipients
from storage.database import open_database
from tests.postbox import mail_settings
from tests.samples import NOW, everything
from tests.web import Site, bearer

CHROME = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}
ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server that asks everybody for a token, and a list with two readers who got a digest."""
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    with database.write() as connection:
        given = {"language": "en", "zone": "UTC", "send_at": "07:00", "weekdays": range(7), "empty_days": False}
        recipients.schedule(connection, "daily", given, NOW)
        for name in ("anna", "boris"):
            recipients.add(connection, "daily", f"{name}@example.net", NOW)
        covers = {"covers_from": NOW, "covers_to": NOW, "quiet": False, "figures": {}, "created_at": NOW}
        digest_id = digests.keep(connection, {"edition": "daily", "day": "2024-05-01", "language": "en"} | covers, [])
        assert digest_id
        outbox.post(connection, digest_id, recipients.on_list(connection), "example.org", NOW)
    found = Site(database, require_token=True)
    yield found
    found.close()
    database.close()


def link(site: Site, name: str = "anna") -> str:
    """The path that a reader's mail names."""
    with site.database.read() as connection:
        token = next(one.token for one in outbox.messages(connection, limit=9) if one.recipient.startswith(name))
    url = way_out(mail_settings(25), token)
    return url.removeprefix("https://watch.example.org")


def live(site: Site) -> list[str]:
    with site.database.read() as connection:
        return [one.address.partition("@")[0] for one in recipients.on_list(connection, left_too=False)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_F63_opening_the_link_changes_nothing(site: Site, method: str) -> None:
    before = everything(site.database)
    for _ in range(3):
        assert site.ask(link(site), method).status_code in (200, 405)
    assert everything(site.database) == before


def test_F63_the_page_has_a_button_in_the_readers_language(site: Site) -> None:
    page = site.ask(link(site), headers={"Accept-Language": "ja,en;q=0.5"}).text
    assert ('<html lang="ja">' in page, '<form method="post">' in page, "配信を停止する" in page) == (True, True, True)
    assert "anna" not in page


@pytest.mark.parametrize("headers", [ONE_CLICK, CHROME | FORM])
def test_F63_one_click_or_two_lead_off_the_list(site: Site, headers: dict[str, str]) -> None:
    path = link(site)
    answers = [
        site.ask(path, "POST", content="List-Unsubscribe=One-Click", headers=headers).status_code for _ in range(2)
    ]
    assert (answers, live(site)) == ([200, 200], ["boris"])
    with site.database.read() as connection:
        assert {one.recipient[:4]: one.state for one in outbox.messages(connection, limit=9)} == {
            "anna": "failed", "bori": "pending",
        }  # fmt: skip


@pytest.mark.parametrize("token", ["x" * 24, "0", "%00", "%E2%80%AE", "a%2Fb", "x" * 99])
def test_F63_a_token_that_is_none_gets_the_same_answers(site: Site, token: str) -> None:
    known = link(site)
    for method in ("GET", "POST"):
        strange = site.ask(f"/unsubscribe/{token}", method)
        if strange.status_code not in (303, 401, 404):  # an address that is not ours
            assert (strange.status_code, strange.text) == (200, site.ask(known, method).text)
        assert "@" not in strange.text
    assert live(site) in (["anna", "boris"], ["boris"])


def test_F63_an_old_link_still_leads_off_the_list(site: Site) -> None:
    path = link(site)
    with site.database.write() as connection:
        message = outbox.claim(connection, NOW, NOW - NOW.replace(hour=0))
        assert message
        outbox.sent(connection, message.id, NOW)
    site.ask(path, "POST", content="", headers=ONE_CLICK)
    assert live(site) == ["boris"]


def test_another_site_can_not_make_a_signed_in_reader_leave(site: Site) -> None:
    headers = {"Cookie": "treatywatch=x", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert site.ask(link(site), "POST", content="", headers=headers).status_code == 403
    assert live(site) == ["anna", "boris"]


def test_only_an_admin_keeps_the_lists(site: Site) -> None:
    reader, admin = site.token("r"), site.token("a", "admin")
    assert site.ask("/recipients").status_code == 401
    assert site.ask("/recipients", headers=bearer(reader)).status_code == 403
    assert site.ask("/recipients/add", "POST", headers=bearer(reader), data={"list": "daily"}).status_code == 403
    page = site.ask("/recipients", headers=bearer(admin))
    assert (page.status_code, "anna@example.net" in page.text) == (200, True)


def test_the_page_puts_addresses_on_a_list_and_takes_them_off(site: Site) -> None:
    admin = bearer(site.token("a", "admin"))

    def send(what: str, address: str, name: str = "daily") -> str:
        answer = site.ask(f"/recipients/{what}", "POST", headers=admin, data={"list": name, "address": address})
        assert answer.status_code == 303
        return str(answer.headers["location"])

    assert send("add", "chieko@example.net") == "/recipients"
    assert send("remove", "anna@example.net") == "/recipients"
    assert live(site) == ["boris", "chieko"]
    fault = send("add", "<script>alert(1)</script>")
    page = site.ask(fault, headers=admin).text
    assert ("That is no mail address" in page, "<script>alert" in page) == (True, False)
    assert "There is no such list" in site.ask(send("add", "d@example.net", "nightly"), headers=admin).text
    assert 'role="alert"' not in site.ask("/recipients?fault=<b>x", headers=admin).text
