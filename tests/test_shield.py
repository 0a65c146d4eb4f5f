"""The outermost layer: hosts, origins, limits, rates, labels, and errors that tell nothing they should not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from pipeline.report.rates import MOST_CLIENTS, Rates, client_of
from pipeline.report.shield import HEADERS, is_loopback
from tests.web import Site, bearer, site

ANSWERS = {
    "/health": 200, "/none": 404, "/api/v1/articles?limit=0": 422, "/sign-in": 200, "/static/treatywatch.css": 200,
    "/static/%2e%2e/api.py": 404, "/static/none": 404, "/broken": 500,
}  # fmt: skip


def changed() -> dict[str, str]:
    """What a route that changes something answers."""
    return {}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    """A site on loopback with routes that take a body, and one that breaks."""
    with site(tmp_path) as found:

        @found.app.post("/taken")
        async def taken(request: Request) -> dict[str, int]:
            return {"length": len(await request.body())}

        @found.app.get("/broken")
        def broken() -> None:
            raise RuntimeError("secret detail of /srv/treatywatch")

        yield found


@pytest.mark.parametrize(("path", "status"), ANSWERS.items())
def test_F46_every_answer_bears_the_security_headers(here: Site, path: str, status: int) -> None:
    answer = here.ask(path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_F46_the_policy_lets_pages_load_and_run_nothing_from_elsewhere() -> None:
    policy = HEADERS["content-security-policy"]
    wanted = "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    assert wanted in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("path", "method", "options", "status"),
    [
        ("/none", "GET", {}, 404),
        ("/health", "DELETE", {}, 405),
        ("/api/v1/articles?limit=x", "GET", {}, 422),
        ("/broken", "GET", {}, 500),
        ("/api/v1/articles/7/evidence", "GET", {}, 404),
        ("/health", "GET", {"headers": {"Host": "evil.example"}}, 400),
        ("/taken", "POST", {"content": b"x" * 70_000}, 413),
        ("/health?" + "x" * 10_000, "GET", {}, 414),
        ("/health", "GET", {"headers": {"X-Long": "x" * 20_000}}, 431),
    ],
)
def test_every_error_is_a_problem_without_a_trace(
    here: Site, path: str, method: str, options: dict[str, Any], status: int
) -> None:
    answer = here.ask(path, method, **options)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], bool(answer.json()["title"])) == (status, True)
    assert not any(word in answer.text for word in ("Traceback", "secret detail", "File ", "RuntimeError", "xxxx"))


def test_a_405_says_what_is_allowed(here: Site) -> None:
    assert here.ask("/health", "DELETE").headers["allow"] == "GET"


def test_a_fault_names_its_place_and_not_what_was_sent(here: Site) -> None:
    answer = here.ask("/api/v1/articles?limit=tw_000000000000_password&language=<script>")
    assert [fault["where"] for fault in answer.json()["faults"]] == ["query.language", "query.limit"]
    assert not any(word in answer.text for word in ("password", "<script"))


@pytest.mark.parametrize(
    ("host", "hosts", "served"),
    [
        ("127.0.0.1:8080", [], True), ("localhost", [], True), ("LOCALHOST:80", [], True), ("[::1]:8080", [], True),
        ("192.0.2.4:8080", [], True), ("[2001:db8::1]", [], True), ("evil.example", [], False), ("", [], False),
        ("127.0.0.1.evil.example", [], False), ("localhost:evil", [], False), ("evil@localhost", [], False),
        ("watch.example.org", ["watch.example.org"], True), ("watch.example.org:8443", ["watch.example.org"], True),
        ("192.0.2.4", ["watch.example.org"], False), ("evil-watch.example.org", ["watch.example.org"], False),
        ("127.0.0.1:8080", ["watch.example.org"], True), ("localhost, evil.example", [], False),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(tmp_path: Path, host: str, hosts: list[str], served: bool) -> None:
    with site(tmp_path, hosts=hosts) as found:
        assert found.ask("/health", headers={"Host": host}).status_code == (200 if served else 400)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1"}, 200),
        ({"Origin": "https://127.0.0.1"}, 200),
        ({"Origin": "http://watch.example.org"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:81"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example"}, 403),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "file://127.0.0.1"}, 403),
        ({"Cookie": "a=b"}, 403),
        ({"Cookie": "a=b", "Origin": "http://127.0.0.1"}, 200),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_F50_what_changes_something_must_come_from_us(
    tmp_path: Path, headers: dict[str, str], status: int, method: str
) -> None:
    with site(tmp_path, hosts=["watch.example.org"]) as found:
        found.app.add_api_route("/changed", changed, methods=[method])
        assert found.ask("/changed", method, headers=headers).status_code == status


def test_by_https_a_plain_page_changes_nothing(tmp_path: Path) -> None:
    with site(tmp_path, base="https://127.0.0.1") as found:
        answers = [
            found.ask("/sign-out", "POST", headers={"Origin": f"{scheme}://127.0.0.1"}).status_code
            for scheme in ("http", "https")
        ]
    assert answers == [403, 303]


def test_a_body_is_counted_whatever_its_length_was_said_to_be(here: Site) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    answers = [
        here.ask("/taken", "POST", content=pieces()).status_code,
        here.ask("/taken", "POST", content=pieces(), headers={"Content-Length": "5"}).status_code,
        here.ask("/taken", "POST", content=b"x" * 65536).status_code,
        here.ask("/taken", "POST", content=b"", headers={"Content-Length": "9" * 30}).status_code,
        here.ask("/taken", "POST", content=b"", headers={"Content-Length": "-1"}).status_code,
    ]
    assert answers == [413, 413, 200, 413, 400]


def test_an_answer_that_breaks_off_is_not_made_to_look_whole(here: Site) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError("broken off")

    here.app.add_api_route("/half", lambda: StreamingResponse(pieces()))
    with pytest.raises(RuntimeError, match="broken off"):
        here.ask("/half")


def test_a_client_that_asks_too_much_waits_and_others_do_not(tmp_path: Path) -> None:
    with site(tmp_path, requests_per_minute=3) as found:
        mine = [found.ask("/health") for _ in range(5)]
        found.client = "192.0.2.7"
        other = found.ask("/health").status_code
    assert [answer.status_code for answer in mine] == [200, 200, 200, 429, 429]
    assert (0 < int(mine[-1].headers["retry-after"]) <= 20, other) == (True, 200)


def test_a_bucket_fills_again_up_to_its_size() -> None:
    now = [0.0]
    rates = Rates(2, 10, clock=lambda: now[0])
    first = [rates.take("a") for _ in range(3)]
    now[0] = 5.0
    second = [rates.take("a") for _ in range(2)]
    now[0] = 1000.0
    rates.give_back("a")
    third = [rates.take("a") for _ in range(3)]
    assert (first, second, third) == ([0.0, 0.0, 5.0], [0.0, 5.0], [0.0, 0.0, 5.0])


def test_a_flood_of_clients_takes_bounded_memory() -> None:
    rates = Rates(1, 60, clock=lambda: 0.0)
    for number in range(MOST_CLIENTS + 500):
        rates.take(str(number))
    assert len(rates._left) == MOST_CLIENTS
    assert (rates.take(str(MOST_CLIENTS + 499)) > 0, rates.take("0")) == (True, 0.0)


def test_addresses_of_one_network_of_version_6_are_one_client() -> None:
    assert client_of("2001:db8:1:2:3:4:5:6") == client_of("2001:db8:1:2::1") != client_of("2001:db8:1:3::1")
    assert [client_of(address) for address in ("192.0.2.1", "unix", "")] == ["192.0.2.1", "unix", ""]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("127.1", False), ("localhost.example", False), ("192.168.0.1", False), ("::ffff:127.0.0.1", False), ("", False)],
)  # fmt: skip
def test_what_is_not_surely_loopback_is_not(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_web_socket_is_turned_away(here: Site) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/health", "headers": [], "query_string": b""}
    here.run(here.app(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_token_does_not_lift_the_limits(tmp_path: Path) -> None:
    with site(tmp_path, host="0.0.0.0", requests_per_minute=1) as found:
        headers = bearer(found.token("anna", "admin"))
        assert [found.ask("/api/v1/me", headers=headers).status_code for _ in range(2)] == [200, 429]
