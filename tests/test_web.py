"""The API under strange requests: every question of it, nonsense for every parameter, and never a 500."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.report.auth import utc_now
from pipeline.report.shield import HEADERS
from storage import passes
from storage.database import open_database
from tests.samples import NOW, add_article, article
from tests.web import Site

FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
NASTY = [
    "", "0", "-1", "1e9", "1000000000", "9" * 30, "nan", "inf", "0x10", "\0", "a\0b", '"', "%", "%00", ".", "*", "-a",
    "';DROP TABLE scores;--", "../../etc/passwd", "<script>", "\ud7ff", "\U0010ffff", "ja", "JP", "２０２６", "条約",
    '"hello AND', "NEAR(", "2026-13-01", "2026-02-29", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-11-24T12:00:00.000000Z.1", "0001-01-01T00:00:00+14:00.1", "2026-11-24T12:00:00Z.99999999999999999999",
    "true", "null", "[]", "{}", "a" * 501, " ", "\r\n", "\u202e", "１",
]  # fmt: skip
BAD = {
    "limit": ["0", "-1", "1000000000", "nan", "1.5", "", "\0", "9" * 30],
    "after": ["nonsense", "\0", ".", "2026-11-24T12:00:00.1", "2026-11-24T12:00:00Z.99999999999999999999", "x" * 101],
    "since": ["soon", "2026-13-01", "2026-02-29", "\0", "1" * 400, "0001-01-01T00:00:00+14:00"],
    "until": ["9999-12-31T23:59:59-14:00", "tomorrow"],
    "language": ["xx", "\0", "JA"],
    "kind": ["wires", "\0"],
    "text": ["x" * 501],
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with an article in it, on loopback."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('web') / 'coverage.db'}")
    with database.write() as connection:
        add_article(connection, article("https://a.example/1", title="<b>対話</b>"), tone=0.4, face_value=0.9)
        passes.end(connection, passes.begin(connection, utc_now()), utc_now(), passes.Done())
    found = Site(database, requests_per_minute=10**9)
    yield found
    found.close()
    database.close()


def checked(answer: Any) -> int:
    """The status of an answer that is as every answer must be."""
    status: int = answer.status_code
    assert status < 500, answer.text
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["status"], "Traceback" in answer.text) == (status, False)
    return status


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_F50_nonsense_is_refused(served: Site, name: str, value: str) -> None:
    assert checked(served.ask(f"/api/v1/articles?{name}={quote(value)}")) == 422


@pytest.mark.parametrize("score_id", ["0", "-1", "x", "0x7", "1.5", "9" * 30, "%00", str(2**63)])
def test_F50_an_id_that_is_none_is_refused(served: Site, score_id: str) -> None:
    assert checked(served.ask(f"/api/v1/scores/{score_id}/evidence")) == 422


@pytest.mark.parametrize("text", ['"', "hello AND", "NEAR(", "*", "-a", "\0", "%", "'", "平和条約"])
def test_F49_any_words_can_be_searched(served: Site, text: str) -> None:
    assert checked(served.ask(f"/api/v1/articles?text={quote(text)}")) == 200


def test_F50_a_long_query_is_refused(served: Site) -> None:
    assert checked(served.ask("/api/v1/articles?text=" + "x" * 60_000)) == 414


def test_what_is_stored_comes_back_whole(served: Site) -> None:
    (row,) = served.ask("/api/v1/articles").json()["rows"]
    (quotation,) = served.ask(f"/api/v1/scores/{row['score_id']}/evidence").json()[:1]
    assert (row["title"], row["at"][:4], bool(quotation["text"])) == ("<b>対話</b>", str(NOW.year), True)


def test_a_database_that_fails_is_a_503_that_does_not_say_where_it_is(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    found = Site(database)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE passes")
    answer = found.ask("/ready")
    found.close()
    database.close()
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert not any(word in answer.text for word in (str(tmp_path), "passes", "sqlite"))


@dataclasses.dataclass(frozen=True)
class Question:
    """A path of the API with the names of its parameters."""

    path: str
    method: str
    names: tuple[str, ...]


def questions(served: Site) -> list[Question]:
    """All that the API's own description says can be asked."""
    described = served.app.openapi()["paths"]
    return [
        Question(
            path,
            method.upper(),
            tuple(given["name"] for given in about.get("parameters", ()) if given["in"] == "query"),
        )
        for path, methods in described.items()
        for method, about in methods.items()
    ]


def test_F50_no_request_that_the_description_allows_or_forbids_breaks_anything(served: Site) -> None:
    known = questions(served)
    assert len(known) >= 7
    values = st.one_of(
        st.sampled_from(NASTY),
        st.text(max_size=60),
        st.integers().map(str),
        st.floats().map(str),
        st.datetimes().map(str),
    )

    @FUZZ
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        question = data.draw(st.sampled_from(known))
        path = question.path.replace("{score_id}", quote(data.draw(values), safe=""))
        names = [*question.names, "unknown"]
        asked = data.draw(st.lists(st.tuples(st.sampled_from(names), values), max_size=5))
        query = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in asked)
        checked(served.ask(f"{path}?{query}", question.method))

    ask()


def test_F50_no_request_at_all_breaks_anything(served: Site) -> None:
    names = [
        "Origin",
        "Cookie",
        "Authorization",
        "Content-Type",
        "Accept",
        "X-Forwarded-For",
        "Sec-Fetch-Site",
        "Range",
    ]
    headers = st.dictionaries(st.sampled_from(names), st.binary(max_size=40).map(lambda value: value.hex() or "x"))
    cookie = st.text("abcdef0123456789.=;", max_size=100).map(lambda text: f"treatywatch={text}")
    places = [
        "/sign-in",
        "/sign-out",
        "/static/",
        "/static/%2e%2e/api.py",
        "/api/v1/",
        "/health",
        "//x",
        "/\\x",
        "/%00",
        "/%ff",
    ]

    @FUZZ
    @given(
        method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]),
        path=st.one_of(st.sampled_from(places), st.binary(max_size=30).map(lambda raw: "/" + quote_from_bytes(raw))),
        query=st.binary(max_size=40).map(quote_from_bytes),
        headers=headers,
        cookie=cookie,
        body=st.binary(max_size=200),
    )
    def ask(method: str, path: str, query: str, headers: dict[str, str], cookie: str, body: bytes) -> None:
        sent = {**headers, "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        answer = served.ask(f"http://127.0.0.1{path}?next={query}", method, headers=sent, content=body)
        if not (path == "/sign-in" and answer.headers["content-type"].startswith("text/html")):
            assert answer.status_code < 500 if method == "HEAD" else checked(answer) < 500

    ask()
