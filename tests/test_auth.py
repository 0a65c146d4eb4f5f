"""Who gets in: tokens, roles, sessions, and the gate before everything but the open paths."""

from __future__ import annotations

import stat
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import FastAPI, HTTPException
from httpx import Response

from pipeline.report.auth import Caller, Door, needs
from pipeline.report.rates import Rates
from pipeline.report.sessions import Sessions, session_key
from storage import tokens
from tests.web import KEY, Site, bearer, site

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OTHERS = {"host": "0.0.0.0"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://127.0.0.1"}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Site]:
    """A site that others can reach."""
    with site(tmp_path, **OTHERS) as found:
        yield found


def with_changes(app: FastAPI) -> None:
    """Routes that change something, as a dashboard will have them."""

    @app.post("/forgotten")
    def forgotten() -> dict[str, str]:
        return {}

    @app.post("/coded")
    def coded(caller: Annotated[Caller, needs("code")]) -> dict[str, str]:
        return {"by": caller.name}

    @app.post("/run")
    def run(caller: Annotated[Caller, needs("admin")]) -> dict[str, str]:
        return {"by": caller.name}


def sign_in(on: Site, token: str, place: str = "", **headers: str) -> Response:
    return on.ask("/sign-in", "POST", data={"token": token, "next": place}, headers={**FORM, **headers})


def cookie_of(answer: Response) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def test_only_health_and_the_sign_in_page_answer_strangers(guarded: Site) -> None:
    paths = (
        "/health",
        "/sign-in",
        "/static/treatywatch.css",
        "/ready",
        "/openapi.json",
        "/api/v1/articles",
        "/none",
        "/health/",
    )
    assert [guarded.ask(path).status_code for path in paths] == [200, 200, 200, 401, 401, 401, 401, 401]


def test_a_token_opens_what_its_role_allows(guarded: Site) -> None:
    with_changes(guarded.app)
    shown = {role: guarded.token(role, role) for role in ("read", "code", "admin")}
    found = {
        role: [guarded.ask("/api/v1/me", headers=bearer(token)).status_code]
        + [guarded.ask(path, "POST", headers=bearer(token)).status_code for path in ("/forgotten", "/coded", "/run")]
        for role, token in shown.items()
    }
    assert found == {"read": [200, 403, 403, 403], "code": [200, 200, 200, 403], "admin": [200, 200, 200, 200]}
    assert guarded.ask("/api/v1/me", headers=bearer(shown["code"])).json() == {"name": "code", "role": "code"}


@pytest.mark.parametrize("presented", ["", "x", "tw_", "tw_000000000000_" + "A" * 43, "Bearer", "\xff" * 9, "a b c"])
def test_nonsense_opens_nothing(guarded: Site, presented: str) -> None:
    headers = [(b"authorization", b"Bearer " + presented.encode("latin-1"))]
    answer = guarded.ask("/api/v1/me", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_revoked_token_is_refused_at_once_although_it_was_remembered(guarded: Site) -> None:
    token = guarded.token("anna")
    before = guarded.ask("/api/v1/me", headers=bearer(token)).status_code
    with guarded.database.write() as connection:
        tokens.revoke(connection, "anna", datetime.now(UTC))
    assert (before, guarded.ask("/api/v1/me", headers=bearer(token)).status_code) == (200, 401)


def test_an_expired_token_is_refused(guarded: Site) -> None:
    token = guarded.token("anna", life=timedelta(seconds=-1))
    assert guarded.ask("/api/v1/me", headers=bearer(token)).status_code == 401


def test_a_right_token_is_hashed_once_and_then_remembered(guarded: Site) -> None:
    token = guarded.token("anna")

    def seconds() -> float:
        start = time.perf_counter()
        guarded.ask("/api/v1/me", headers=bearer(token))
        return time.perf_counter() - start

    first = seconds()
    assert min(seconds() for _ in range(5)) < first / 2


def test_F50_an_unknown_prefix_takes_as_long_as_a_wrong_secret(tmp_path: Path) -> None:
    with site(tmp_path, **OTHERS) as found:
        token = found.token("anna")
        door = Door(found.database, Rates(1000, 3600))
        shown = {"wrong": token[:-4] + "0000", "unknown": "tw_000000000000_" + "0" * 43, "malformed": "nonsense"}
        taken = dict.fromkeys(shown, 60.0)
        for _ in range(5):
            for kind, presented in shown.items():
                start = time.perf_counter()
                assert door.opened(presented, "c") is None
                taken[kind] = min(taken[kind], time.perf_counter() - start)
    assert max(taken.values()) < 2 * min(taken.values())


def test_failed_sign_ins_are_limited_for_each_client_and_right_ones_are_not(tmp_path: Path) -> None:
    with site(tmp_path, **OTHERS, failed_sign_ins_per_hour=3) as found:
        token = found.token("anna")
        right = [found.ask("/api/v1/me", headers=bearer(token)).status_code for _ in range(6)]
        wrong = [found.ask("/api/v1/me", headers=bearer("tw_nonsense")) for _ in range(5)]
        page = sign_in(found, "tw_nonsense").status_code
        remembered = found.ask("/api/v1/me", headers=bearer(token)).status_code
        found.client = "192.0.2.7"
        elsewhere = found.ask("/api/v1/me", headers=bearer("tw_nonsense")).status_code
    assert (right, [answer.status_code for answer in wrong]) == ([200] * 6, [401, 401, 401, 429, 429])
    assert int(wrong[-1].headers["retry-after"]) > 1000
    assert (page, remembered, elsewhere) == (429, 200, 401)


def test_this_machine_needs_no_token_unless_a_setting_or_a_proxy_asks_for_it(tmp_path: Path) -> None:
    with site(tmp_path) as here:
        me = here.ask("/api/v1/me").json()
        proxied = here.ask("/api/v1/me", headers={"X-Forwarded-For": "198.51.100.4"}).status_code
        wrong = here.ask("/api/v1/me", headers=bearer("tw_nonsense")).status_code
    with site(tmp_path, require_token=True) as strict:
        asked = strict.ask("/api/v1/me").status_code
    assert (me, proxied, wrong, asked) == ({"name": "this machine", "role": "admin"}, 401, 401, 401)


def test_signing_in_gives_a_session_that_scripts_and_other_sites_can_not_use(guarded: Site) -> None:
    answer = sign_in(guarded, guarded.token("anna"), "/api/v1/me")
    cookie = answer.headers["set-cookie"].lower()
    assert (answer.status_code, answer.headers["location"]) == (303, "/api/v1/me")
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/", "max-age=43200"))
    assert ("secure" in cookie, "domain" in cookie) == (False, False)
    assert guarded.ask("/api/v1/me", headers={"Cookie": cookie_of(answer)}).json()["name"] == "anna"


def test_by_https_the_session_is_for_https_and_this_host_alone(tmp_path: Path) -> None:
    with site(tmp_path, base="https://watch.example.org", host="0.0.0.0", hosts=["watch.example.org"]) as found:
        answer = sign_in(found, found.token("anna"), Origin="https://watch.example.org")
        plain = cookie_of(answer).replace("__Host-", "")
        statuses = [
            found.ask("/api/v1/me", headers={"Cookie": cookie}).status_code for cookie in (cookie_of(answer), plain)
        ]
    assert answer.headers["set-cookie"].startswith("__Host-treatywatch=")
    assert ("Secure" in answer.headers["set-cookie"], statuses) == (True, [200, 401])


def test_a_session_ends_with_its_token(guarded: Site) -> None:
    cookie = {"Cookie": cookie_of(sign_in(guarded, guarded.token("anna")))}
    before = guarded.ask("/api/v1/me", headers=cookie).status_code
    with guarded.database.write() as connection:
        tokens.revoke(connection, "anna", datetime.now(UTC))
    assert (before, guarded.ask("/api/v1/me", headers=cookie).status_code) == (200, 401)


def test_signing_out_takes_the_cookie_back(guarded: Site) -> None:
    cookie = cookie_of(sign_in(guarded, guarded.token("anna")))
    answer = guarded.ask("/sign-out", "POST", headers={"Cookie": cookie, "Origin": "http://127.0.0.1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert 'treatywatch=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_a_session_can_be_neither_forged_nor_prolonged(guarded: Site) -> None:
    name, _, value = cookie_of(sign_in(guarded, guarded.token("anna"))).partition("=")
    prefix, end, signature = value.split(".")
    other = Sessions(b"o" * 32, timedelta(hours=1)).sealed(prefix, datetime.now(UTC))
    forged = [
        f"{prefix}.{int(end) + 1}.{signature}", f"{'0' * 12}.{end}.{signature}", f"{prefix}.{end}.{'0' * 64}",
        other, f"{prefix}.{end}.", "", value + "0", value.upper(), f"{prefix}.{'9' * 400}.{signature}",
    ]  # fmt: skip
    answers = [guarded.ask("/api/v1/me", headers={"Cookie": f"{name}={value}"}).status_code for value in forged]
    assert answers == [401] * len(forged)


def test_a_session_lasts_as_long_as_the_setting_says() -> None:
    sessions = Sessions(KEY, timedelta(hours=1))
    cookie = sessions.sealed("0123456789ab", NOW)
    ends = [sessions.read(cookie, NOW + timedelta(minutes=minutes)) for minutes in (59, 60)]
    assert ends == ["0123456789ab", None]


def test_a_browser_is_sent_to_the_sign_in_page_and_back(guarded: Site) -> None:
    answer = guarded.ask("/api/v1/articles?limit=5", headers={"Accept": "text/html"})
    page = guarded.ask(answer.headers["location"], headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fapi%2Fv1%2Farticles%3Flimit%3D5")
    assert 'value="/api/v1/articles?limit=5"' in page.text


@pytest.mark.parametrize(
    "place",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\r\nX: y", "", "/é",
     "/\t/evil.example"],
)  # fmt: skip
def test_signing_in_never_leads_to_another_site(guarded: Site, place: str) -> None:
    answer = sign_in(guarded, guarded.token("anna"), place)
    assert (answer.status_code, answer.headers["location"], "x" in answer.headers) == (303, "/sign-in", False)


def test_a_failed_sign_in_says_so_and_gives_no_session(guarded: Site) -> None:
    answer = sign_in(guarded, "tw_nonsense", '/"><script>alert(1)</script>')
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert "does not open anything" in answer.text
    assert "<script" not in answer.text
    assert "tw_nonsense" not in answer.text


def test_the_sign_in_page_says_who_is_signed_in(guarded: Site) -> None:
    cookie = {"Cookie": cookie_of(sign_in(guarded, guarded.token("<b>anna</b>")))}
    assert "<strong>&lt;b&gt;anna&lt;/b&gt;</strong> (read)" in guarded.ask("/sign-in", headers=cookie).text


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("application/json", b"{}", 415), ("application/x-www-form-urlencoded", b"\xff\xfe", 400),
     ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(99)), 400),
     ("application/x-www-form-urlencoded", b"", 401), ("", b"token=x", 415)],
)  # fmt: skip
def test_a_form_that_is_none_is_refused(guarded: Site, kind: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": kind, "Origin": "http://127.0.0.1"}
    assert guarded.ask("/sign-in", "POST", content=body, headers=headers).status_code == status


def test_the_last_use_of_a_token_is_noted_while_it_is_used(tmp_path: Path) -> None:
    with site(tmp_path, **OTHERS) as found:
        found.ask("/api/v1/me", headers=bearer(found.token("anna")))
        until = time.monotonic() + 10
        used = None
        while used is None and time.monotonic() < until:
            found.ask("/health")
            with found.database.read() as connection:
                used = tokens.listed(connection)[0].last_used_at
    assert used is not None


def test_the_key_of_sessions_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    keys = {session_key("", tmp_path / "data") for _ in range(3)}
    (file,) = (tmp_path / "data").iterdir()
    assert (len(keys), len(keys.pop()), stat.S_IMODE(file.stat().st_mode)) == (1, 64, 0o600)
    assert session_key("given", tmp_path / "none") == b"given"


def test_a_crowd_that_presents_wrong_tokens_leaves_room_for_others(tmp_path: Path) -> None:
    def knock(number: int) -> str:
        try:
            return str(door.opened("tw_000000000000_" + "0" * 43, str(number)))
        except HTTPException as refusal:
            return str(refusal.status_code)

    with site(tmp_path, **OTHERS) as found, ThreadPoolExecutor(40) as crowd:
        door = Door(found.database, Rates(100, 3600))
        answers = Counter(crowd.map(knock, range(40)))
    assert answers.keys() == {"None", "429"}
    assert answers["429"] > answers["None"] >= 8


def test_a_database_that_fails_while_somebody_knocks_is_a_503(guarded: Site) -> None:
    with guarded.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE tokens")
    answer = guarded.ask("/api/v1/me", headers=bearer("tw_000000000000_" + "0" * 43))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
