"""The API: every filter against SQL of another hand, pages while rows come in, tags, errors, who may."""

from __future__ import annotations

import base64
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from pipeline.report.api.describing import PLACE
from pipeline.report.api.examples import EXAMPLES
from storage import digests
from storage.database import open_database
from tests.samples import NOW, add_article, article
from tests.stores import CODES, FACTS, OUTLETS, WORDS, fill
from tests.web import Site, bearer

N = 90
PATHS = [
    "/api/v1/articles", "/api/v1/articles/1", "/api/v1/articles/1/scores", "/api/v1/articles/1/evidence",
    "/api/v1/scores/1/evidence", "/api/v1/trends", "/api/v1/outlets", "/api/v1/codes", "/api/v1/omissions",
    "/api/v1/voices", "/api/v1/changes", "/api/v1/facets", "/api/v1/runs", "/api/v1/export/articles",
    "/api/v1/articles.atom",
]  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api") / "coverage.db"


@pytest.fixture(scope="module")
def served(file: Path) -> Iterator[Site]:
    """A site over many articles, on loopback."""
    database = open_database(f"sqlite:///{file}")
    with database.write() as connection:
        fill(connection, N, seed=7)
    found = Site(database, requests_per_minute=10**9)
    yield found
    found.close()
    database.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Site]:
    """A site of a test's own."""
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    found = Site(database, requests_per_minute=10**9)
    yield found
    found.close()
    database.close()


def ids(site: Site, query: dict[str, Any], *, page: int = 17) -> list[int]:
    """The articles that the API lists, page by page."""
    found: list[int] = []
    after: str | None = None
    while True:
        asked = query | {"limit": page} | ({"after": after} if after else {})
        answer = site.ask(f"/api/v1/articles?{urlencode(asked)}")
        assert answer.status_code == 200, answer.text
        found += [row["article_id"] for row in answer.json()["rows"]]
        after = answer.json()["next"]
        if after is None:
            return found


CLAUSES = {
    "outlet": "a.outlet = :outlet",
    "country": "a.country = :country",
    "kind": "a.kind = :kind",
    "language": "r.language = :language",
    "code": "s.id IN (SELECT score_id FROM coding_codes WHERE code = :code)",
    "omitted": "s.omitted LIKE '%\"' || :omitted || '\"%'",
    "since": "coalesce(a.published_at, a.first_seen_at) >= :since",
    "until": "coalesce(a.published_at, a.first_seen_at) < :until",
    "tone_min": "s.tone >= :tone_min",
    "tone_max": "s.tone <= :tone_max",
    "text": "(r.title LIKE '%' || :text || '%' OR r.text LIKE '%' || :text || '%')",
}
ORDERS = {
    "newest": "coalesce(a.published_at, a.first_seen_at) DESC, a.id DESC",
    "oldest": "coalesce(a.published_at, a.first_seen_at), a.id",
    "credulous": "s.tone DESC, a.id DESC",
    "vigilant": "s.tone, a.id",
}


def expected(file: Path, query: dict[str, Any], sort: str) -> list[int]:
    """The same, asked of the tables themselves."""
    where = " AND ".join(CLAUSES[name] for name in query) or "1"
    asked = f"""SELECT a.id FROM articles a JOIN revisions r ON r.article_id = a.id AND r.number = a.revision
                JOIN scores s ON s.revision_id = r.id WHERE {where} ORDER BY {ORDERS[sort]}"""
    values = {
        name: f"{value}T00:00:00.000000Z" if name in ("since", "until") else value for name, value in query.items()
    }
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute(asked, values)]


def drawn(draw: random.Random) -> dict[str, Any]:
    """A question of up to three filters."""
    some = {
        "outlet": draw.choice([*OUTLETS, "Nobody"]),
        "country": draw.choice(["JP", "RU", "GB"]),
        "kind": draw.choice(["wire", "national", "state"]),
        "language": draw.choice(["en", "ja", "ru"]),
        "code": draw.choice(CODES),
        "omitted": draw.choice(FACTS),
        "since": (NOW - timedelta(days=draw.randrange(90))).date().isoformat(),
        "until": (NOW - timedelta(days=draw.randrange(60))).date().isoformat(),
        "tone_min": round(draw.uniform(-1, 0.5), 3),
        "tone_max": round(draw.uniform(-0.5, 1), 3),
        "text": draw.choice([word for words in WORDS.values() for word in words]),
    }
    return {name: some[name] for name in draw.sample(sorted(some), draw.randrange(0, 4))}


@pytest.mark.parametrize("name", CLAUSES)
def test_each_filter_finds_what_sql_finds(served: Site, file: Path, name: str) -> None:
    draw, seen = random.Random(name), 0
    for _ in range(60):
        query = drawn(draw)
        if name in query:
            only = {name: query[name]}
            found = ids(served, only)
            seen += 0 < len(found) < N
            assert found == expected(file, only, "newest"), only
        if seen == 3:
            return
    raise AssertionError(f"{name} was never asked for in a way that tells anything")


def test_filters_and_orders_go_together(served: Site, file: Path) -> None:
    draw = random.Random(11)
    for _ in range(40):
        query, sort = drawn(draw), draw.choice(sorted(ORDERS))
        assert ids(served, query | {"sort": sort}) == expected(file, query, sort), (query, sort)


def test_a_field_that_is_left_empty_asks_for_nothing(served: Site) -> None:
    empty = "&".join(f"{name}=" for name in [*CLAUSES, "run_id", "after"])
    answer = served.ask(f"/api/v1/articles?{empty}&limit=1000")
    assert len(answer.json()["rows"]) == N


def test_figures_go_by_the_same_filters(served: Site, file: Path) -> None:
    for query in ({"language": "ja"}, {"code": "china_card", "tone_min": 0}, {"text": "treaty"}):
        n = len(expected(file, query, "newest"))
        asked = urlencode(query | {"min_n": 5})
        by = {
            name: served.ask(f"/api/v1/{name}?{asked}").json() for name in ("trends", "outlets", "codes", "omissions")
        }
        assert sum(point["n"] for point in by["trends"]) == n
        assert sum(row["articles"] for row in by["outlets"]) == n
        assert {row["articles"] for row in (*by["codes"], *by["omissions"])} == {n}


def test_a_mean_over_few_articles_is_not_told(served: Site) -> None:
    rows = served.ask("/api/v1/trends?period=day&group=outlet&min_n=5").json()
    assert any(row["n"] < 5 for row in rows)
    assert all((row["tone"] is None) == (row["n"] < 5) for row in rows)
    assert served.ask("/api/v1/trends?min_n=4").status_code == 422


def test_pages_are_whole_while_articles_come_in(own: Site) -> None:
    with own.database.write() as connection:
        fill(connection, 40, seed=3)
    batch = count(1)
    for sort in ORDERS:
        before = ids(own, {"sort": sort})
        seen: list[int] = []
        after = None
        while True:
            asked = {"sort": sort, "limit": 7} | ({"after": after} if after else {})
            answer = own.ask(f"/api/v1/articles?{urlencode(asked)}").json()
            seen += [row["article_id"] for row in answer["rows"]]
            after = answer["next"]
            with own.database.write() as connection:
                fill(connection, 3, seed=next(batch), first=1000 * next(batch))
            if after is None:
                break
        assert len(seen) == len(set(seen))
        assert [one for one in seen if one in set(before)] == before


def test_one_article_is_told_without_its_text(served: Site) -> None:
    found = served.ask("/api/v1/articles/3").json()
    assert found["score"]["article_id"] == 3
    assert {sentence["part"] for sentence in found["evidence"]} == {"title", "text"}
    assert ("text" in found, len(found["scores"]), len(found["revisions"])) == (False, 1, 1)
    assert served.ask("/api/v1/articles/3/evidence").json() == found["evidence"]
    assert served.ask(f"/api/v1/scores/{found['score']['score_id']}/evidence").json() == found["evidence"]
    assert served.ask("/api/v1/articles/3/scores").json() == found["scores"]


@pytest.mark.parametrize("path", ["/api/v1/articles/99999", "/api/v1/scores/99999/evidence", "/api/v1/explain?url=x"])
def test_what_is_not_there_is_a_404(served: Site, path: str) -> None:
    answer = served.ask(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_explain_tells_of_an_article_by_any_spelling_and_keeps_passwords(own: Site) -> None:
    from tests.samples import source

    with own.database.write() as connection:
        add_article(connection, article(), tone=0.1, feed=source("https://anna:secret@a.example/feed"))
    answer = own.ask("/api/v1/explain?url=" + quote("https://A.example:443/1?utm_source=rss", safe=""))
    assert answer.status_code == 200, answer.text
    assert (len(answer.json()["scores"]), "secret" in answer.text) == (1, False)


def test_facets_are_the_values_that_filters_can_take(served: Site) -> None:
    found = served.ask("/api/v1/facets").json()
    for name, parameter in (("outlets", "outlet"), ("kinds", "kind"), ("languages", "language")):
        for facet in found[name]:
            assert len(ids(served, {parameter: facet["value"]}, page=1000)) == facet["articles"]


@pytest.mark.parametrize("path", PATHS)
def test_what_has_not_changed_is_not_sent_again(served: Site, path: str) -> None:
    first = served.ask(path)
    assert (first.status_code, first.headers["cache-control"]) == (200, "private, no-cache")
    assert first.headers["vary"] == "Authorization, Cookie"
    tag = first.headers["etag"]
    again = served.ask(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert served.ask(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_tag_ends_with_what_it_stands_for(own: Site) -> None:
    with own.database.write() as connection:
        add_article(connection, article("https://a.example/1"), tone=0.1)
    tags = {own.ask("/api/v1/articles").headers["etag"], own.ask("/api/v1/articles?limit=5").headers["etag"]}
    with own.database.write() as connection:
        add_article(connection, article("https://a.example/2", "Other talks. Go on"), tone=0.1)
    tags.add(own.ask("/api/v1/articles").headers["etag"])
    assert len(tags) == 3


def test_a_tag_of_a_wrong_question_hides_no_error(served: Site) -> None:
    tag = served.ask("/api/v1/articles").headers["etag"]
    assert served.ask("/api/v1/articles?limit=0", headers={"If-None-Match": tag}).status_code == 422


def test_a_digest_is_told_as_it_was_sent(own: Site) -> None:
    made = {
        "edition": "daily", "day": "2026-11-24", "language": "en", "covers_from": NOW, "covers_to": NOW, "quiet": False,
        "run_id": None, "subject": "Two articles", "html": "<p>Two</p>", "plain": "Two", "figures": {},
        "chart": None, "created_at": NOW,
    }  # fmt: skip
    with own.database.write() as connection:
        fill(connection, 2, seed=1)
        contents = [digests.Item(story=1, article_id=2, score_id=2), digests.Item(story=2, article_id=1, score_id=1)]
        digests.keep(connection, made, contents)
        digests.keep(connection, made | {"day": "2026-11-25", "subject": "None"}, [])
    listed = own.ask("/api/v1/digests?edition=daily").json()
    assert [one["subject"] for one in listed] == ["None", "Two articles"]
    assert [one["id"] for one in own.ask(f"/api/v1/digests?before={listed[0]['id']}").json()] == [listed[1]["id"]]
    told = own.ask(f"/api/v1/digests/{listed[1]['id']}").json()
    assert (told["plain"], [item["article_id"] for item in told["items"]]) == ("Two", [2, 1])
    assert own.ask("/api/v1/digests/999").status_code == 404
    assert own.ask("/api/v1/digests?edition=weekly").json() == []


def test_a_fault_names_where_it_lies(served: Site) -> None:
    answer = served.ask("/api/v1/articles?since=1700000000&tone_min=nan&kind=wires&sort=best")
    assert {fault["where"] for fault in answer.json()["faults"]} == {
        f"query.{name}" for name in ("since", "tone_min", "kind", "sort")
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("since", "0001-01-01T00:00:00+14:00"), ("until", "9999-12-31T23:59:59-14:00"), ("run_id", str(2**63)),
     ("tone_max", "1e400"), ("omitted", "x" * 201), ("after", "newest~2026-01-01~1")],
)  # fmt: skip
def test_F50_what_no_database_holds_is_refused(served: Site, name: str, value: str) -> None:
    assert served.ask(f"/api/v1/articles?{name}={quote(value)}").status_code == 422


@pytest.mark.parametrize("text", ['"', "hello AND", "NEAR(", "*", "-a", "\0", "%", "'", "平和条約", "ДОГОВОР"])
@pytest.mark.parametrize("path", ["/api/v1/trends", "/api/v1/export/daily", "/api/v1/articles.atom"])
def test_F49_any_words_can_be_searched_everywhere(served: Site, path: str, text: str) -> None:
    assert served.ask(f"{path}?text={quote(text)}").status_code == 200


def test_a_password_is_a_token_and_opens_nothing_that_changes(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    site = Site(database, require_token=True)
    token = site.token("anna", "admin")

    def basic(password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()}

    assert site.ask("/api/v1/articles.atom", headers=basic(token)).status_code == 200
    assert site.ask("/api/v1/me", headers=basic(token)).json()["role"] == "admin"
    refused = site.ask("/api/v1/articles.atom", headers=basic("wrong"))
    assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
    assert site.ask("/api/v1/articles.atom", headers={"Authorization": "Basic %%%"}).status_code == 401
    assert site.ask("/api/v1/me").headers["www-authenticate"] == "Bearer"
    assert site.ask("/api/v1/me", "POST", headers=basic(token)).status_code == 401
    assert site.ask("/api/v1/me", "POST", headers=bearer(token)).status_code == 405
    site.close()
    database.close()


def test_a_token_in_the_address_opens_nothing(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    site = Site(database, require_token=True)
    token = site.token("anna", "admin")
    assert site.ask(f"/api/v1/articles.atom?token={token}").status_code == 401
    site.close()
    database.close()


def test_the_description_is_whole(served: Site) -> None:
    described = served.ask(PLACE).json()
    schemas = described["components"]["schemas"]
    mute = [
        (name, field)
        for name in ("Coverage", "CodedSentence")
        for field, about in schemas[name]["properties"].items()
        if not about.get("description")
    ]
    assert mute == []
    assert set(EXAMPLES) <= set(schemas) | {"Problem"}
    silent = [
        parameter["name"]
        for path in described["paths"].values()
        for about in path.values()
        for parameter in about.get("parameters", ())
        if parameter["in"] == "query" and not parameter.get("description")
    ]
    assert silent == []
    assert all(about["tags"] for path in described["paths"].values() for about in path.values())


def test_the_examples_are_of_the_form_that_is_described(served: Site) -> None:
    import jsonschema

    described = json.loads(json.dumps(served.app.openapi()))
    for name, example in EXAMPLES.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.Draft202012Validator(schema).validate(example)
