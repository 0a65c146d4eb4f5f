"""Search by words and by meaning: what is found, what is kept for it, and how a piece of a text is shown."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from config.settings import load
from pipeline.errors import ModelError
from pipeline.records import EmbeddedArticle, Vectors
from pipeline.report.asked import WAITING, Asked, script
from pipeline.report.markup import templates
from pipeline.report.pages.articles import pieces
from storage import articles, queries, retention, scores, search
from storage import meanings as stored_meanings
from storage.backup import back_up, restore
from storage.codes import LATE
from storage.database import Database, open_database
from storage.folding import fold, folded_with_places, grams, sought
from storage.queries import Filter
from storage.schema import articles as articles_
from storage.schema import findable, meanings, runs
from tests.samples import HOUR, IRRELEVANT, NOW, RUN, add_article, article, coded, entry
from tests.web import Site, site

TEXTS = {
    "1": "平和条約交渉、北方領土の四島返還で一致せず。ＮＨＫによるとｼﾝﾎﾟを。",
    "2": "Всё о мирном ДОГОВОРЕ: Шикотан и Хабомаи. Надежда 100% есть_да 😀",
    "3": "The peace treaty talks, said the G7 on Shikotan; NEAR(the end) AND \"more\" * -a 'x'; DROP",
    "4": "Straße nach ﬁne Café. A second   line\nbreak; U.S. tariffs 条約",
}
WORDS = [
    "条約",
    "四島",
    "島",
    "ｎｈｋ",
    "シンポ",
    "договоре",
    "ВСЕ",
    "все",
    "шикотан",
    "100%",
    "есть_да",
    "😀",
    "g7",
    "peace",
]
PHRASES = [
    "peace treaty",
    "STRASSE",
    "fine café",
    "second line break",
    "u.s.",
    "%",
    "*",
    "NEAR(",
    "-a",
    "'",
    "еже",
    "約交",
]


@pytest.fixture
def found_in(database: Database) -> Database:
    with database.write() as connection:
        for number, body in TEXTS.items():
            add_article(connection, article(f"https://a.example/{number}", body, title=f"Title {number}"), tone=0.1)
    return database


def urls(database: Database, asked: str, **more: Any) -> set[str]:
    with database.read() as connection:
        return {row.url[-1] for row in queries.coverage(connection, Filter(text=asked, **more)).rows}


def scanned(asked: str, texts: dict[str, str]) -> set[str]:
    """What a look into every text finds."""
    needles = [fold(term) for term in queries.terms(asked)]
    return {
        number
        for number, body in texts.items()
        if all(needle in fold(f"Title {number}") or needle in fold(body) for needle in needles)
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("条約", "14"), ("四島", "1"), ("島", "1"), ("nhk", "1"), ("シンポ", "1"), ("договоре", "2"), ("все", "2"),
        ("ВСЁ", "2"), ("g7", "3"), ("Ｇ７", "3"), ("😀", "2"), ("strasse", "4"), ("fine", "4"), ('"second line"', "4"),
        ('"line break"', "4"), ("shikotan treaty", "3"), ("шикотан хабомаи", "2"), ("x", "3"), ("title", "1234"),
        ("нет", ""), ('"4 straße"', ""), ("a" * 1_000_000, ""), ("条約 " * 100_000, "14"),
    ],
)  # fmt: skip
def test_words_are_found_in_every_script(found_in: Database, asked: str, found: str) -> None:
    assert urls(found_in, asked) == set(found)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=8), st.lists(st.sampled_from(WORDS + PHRASES), max_size=3).map(" ".join)))
@example('"')
@example("hello AND")
@example("a\x00b")
@example("\ud800")
@example("'; DROP TABLE scores; --")
@example("\u0301")
@example("ﾟ")
def test_F49_the_index_finds_what_a_look_into_every_text_finds(found_in: Database, asked: str) -> None:
    assert urls(found_in, asked) == scanned(asked, TEXTS)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.data())
def test_every_text_with_a_term_has_the_grams_that_it_is_sought_by(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    start = data.draw(st.integers(0, len(folded)))
    term = folded[start : data.draw(st.integers(start, len(folded)))]
    assert set(sought(term).tolist()) <= set(grams(folded).tolist())


def test_common_terms_are_found_as_rare_ones_are(found_in: Database) -> None:
    with found_in.read() as connection:
        for asked in [*WORDS, *PHRASES]:
            assert _ids(connection, asked, most=0) == _ids(connection, asked)
        looked_at = [
            "folded" in str(search.holding(connection, ["条約"], articles_.c.id, most=most)[0])
            for most in (0, search.MOST_CANDIDATES)
        ]
    assert looked_at == [True, False]


def test_words_are_found_in_one_language_alone(found_in: Database) -> None:
    with found_in.write() as connection:
        changed = article("https://b.example/5", "条約 in quotation. Hope", language="ja", outlet="Other")
        add_article(connection, changed, tone=0.1)
    assert [urls(found_in, "条約", language=language) for language in ("en", "ja", "ru")] == [{"1", "4"}, {"5"}, set()]


def test_the_index_follows_the_current_text(database: Database) -> None:
    with database.write() as connection:
        add_article(connection, article(text="Shikotan first. Hope"), tone=0.1)
        articles.add_entries(connection, 1, [entry("g2", "https://a.example/1?2")], NOW)
    with database.write() as connection:
        waiting = articles.pending(connection, NOW)[0]
        articles.store(connection, waiting.id, article(text="Habomai now. Hope"), NOW)
        assert connection.scalars(select(findable.c.folded)).all() == ["talks on a treaty\nhabomai now. hope"]
        assert [_ids(connection, word) for word in ("habomai", "shikotan")] == [[1], []]
        articles.add_entries(connection, 1, [entry("g3", "https://a.example/1?3")], NOW)
        waiting = articles.pending(connection, NOW)[0]
        articles.store(connection, waiting.id, article(text="Shikotan first. Hope"), NOW)
        assert [_ids(connection, word) for word in ("habomai", "shikotan")] == [[], [1]]


def _ids(connection: Any, word: str, **options: Any) -> list[int]:
    held = search.holding(connection, [word], articles_.c.id, **options)
    return list(connection.scalars(select(articles_.c.id).where(*held).order_by(articles_.c.id)))


def test_a_text_that_is_removed_is_found_no_more_and_has_no_meaning(database: Database) -> None:
    keep = load(environ={}).retention.model_copy(update={"unused_text_days": 1})
    with database.write() as connection:
        stored = add_article(connection, article(text="Ice hockey. Goals"))
        scores.save_screening(connection, stored.revision_id, 1, IRRELEVANT, NOW)
        scores.save_vectors(connection, stored.revision_id, meant(article(text="Ice hockey. Goals"), [1.0, 0, 0]))
        assert (_ids(connection, "hockey"), len(connection.execute(select(meanings)).all())) == ([1], 1)
    retention.prune(database, keep, NOW + timedelta(days=9))
    with database.read() as connection:
        assert (_ids(connection, "hockey"), _ids(connection, "treaty")) == ([], [])
        assert (connection.execute(select(findable)).all(), connection.execute(select(meanings)).all()) == ([], [])


def test_a_restored_database_finds_what_the_saved_one_found(found_in: Database, tmp_path: Path, empty_url: str) -> None:
    file = tmp_path / "saved.zip"
    manifest = back_up(found_in, file, now=NOW)
    url = empty_url if found_in.dialect == "postgresql" else f"sqlite:///{tmp_path / 'other.db'}"
    other = open_database(url)
    restore(other, file, now=NOW)
    with other.write() as connection:
        add_article(connection, article("https://a.example/9", "条約 again. Hope"), tone=0.1)
    restore(other, file, now=NOW, replace=tmp_path)
    asked = {asked: urls(other, asked) for asked in WORDS}
    other.close()
    assert "findable" not in {table.name for table in manifest.tables}
    assert asked == {asked: urls(found_in, asked) for asked in WORDS}


# Snippets


@pytest.mark.parametrize(
    ("body", "asked", "marked"),
    [
        ("Talks on the ﬁne Straße end", "FINE strasse", ["ﬁne", "Straße"]),
        ("前置き" * 90 + "日露平和条約の交渉" + "続き" * 90, "条約", ["条約"]),
        ("Шёл разговор: Всё решено, ВСЕ согласны", "все", ["Всё", "ВСЕ"]),
        ("ｼﾝﾎﾟｼﾞｳﾑ とＮＨＫ", "シンポ nhk", ["ｼﾝﾎﾟ", "ＮＨＫ"]),
        ("a 😀 b", "😀", ["😀"]),
        ("line\n\n  break here", '"line break"', ["line\n\n  break"]),
        ("peace treaty", "peace eace treaty", ["peace", "treaty"]),
        ("nothing of it", "absent", []),
        ("", "absent", []),
    ],
)
def test_a_snippet_marks_what_was_searched_for(body: str, asked: str, marked: list[str]) -> None:
    found = queries.snippet(body, queries.terms(asked), 60)
    assert [found.text[a:b] for a, b in found.marks] == marked
    assert found.text == body[found.start : found.start + len(found.text)]
    assert (found.before, found.after) == (found.start > 0, found.start + len(found.text) < len(body))


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text(), st.integers(1, 300))
def test_a_snippet_of_anything_lies_in_the_text(body: str, asked: str, width: int) -> None:
    found = queries.snippet(body, queries.terms(asked), width)
    assert body[found.start :].startswith(found.text)
    assert all(0 <= a < b <= len(found.text) for a, b in found.marks)
    assert len(found.text) <= width


@given(st.text())
def test_places_lead_back_into_the_text(body: str) -> None:
    folded, places = folded_with_places(body)
    assert len(places) == len(folded) + 1
    assert places == sorted(places)


# Meanings


def meant(judged: Any, vector: list[float]) -> EmbeddedArticle:
    """The article, all of whose passages mean the same."""
    passages = tuple(one.passage for one in coded(judged))
    unit = np.array(vector, np.float32) / np.linalg.norm(vector)
    return EmbeddedArticle(
        article=judged, passages=passages, vectors=np.tile(unit, (len(passages), 1)).astype(np.float32), model="m"
    )


def add_meant(connection: Any, number: int, vector: Any, **changes: Any) -> articles.Stored:
    judged = article(f"https://a.example/{number}", f"Text {number}. Hope", **changes)
    stored = add_article(connection, judged, tone=0.1)
    scores.save_vectors(connection, stored.revision_id, meant(judged, list(vector)))
    return stored


@pytest.fixture
def drawn(database: Database) -> tuple[Database, Vectors]:
    """Forty articles of random meaning, half of them Japanese, which have a direction in common."""
    vectors = np.random.default_rng(7).normal(size=(40, 64)).astype(np.float32)
    vectors[20:] += 3 * vectors[:20].mean(axis=0) + 0.2 * vectors[:20]
    with database.write() as connection:
        for number, vector in enumerate(vectors, 1):
            add_meant(connection, number, vector, language="en" if number <= 20 else "ja", outlet=f"o{number % 2}")
    return database, vectors


def test_the_nearest_by_code_are_ranked_as_an_exact_look_at_all_ranks_them(drawn: tuple[Database, Vectors]) -> None:
    database, vectors = drawn
    with database.read() as connection:
        found = queries.nearest(connection, vectors[4] / np.linalg.norm(vectors[4]), 40, language="en")
        alike = queries.similar(connection, 5, 39)
    assert (found[0].article_id, found[0].similarity) == (5, pytest.approx(1, abs=0.002))
    assert [one.similarity for one in found] == sorted((one.similarity for one in found), reverse=True)
    assert [one.article_id for one in alike] == [one.article_id for one in found[1:]]
    assert {one.article_id for one in found} == set(range(1, 41))


def test_the_nearest_can_be_narrowed_down(drawn: tuple[Database, Vectors]) -> None:
    database, _ = drawn
    with database.read() as connection:
        found = queries.similar(connection, 5, 3, Filter(language="ja", outlet="o0", text="Text"))
        assert {(one.language, one.outlet) for one in found} == {("ja", "o0")}
        assert queries.similar(connection, 5, 3, Filter(outlet="none")) == ()
        assert len(found) == 3


def test_a_narrow_filter_finds_what_is_far(drawn: tuple[Database, Vectors]) -> None:
    database, vectors = drawn
    asked = {"wanted": Filter(text='"Text 33"'), "language": "en", "candidates": (1, 2)}
    with database.read() as connection:
        assert [one.article_id for one in queries.nearest(connection, vectors[4], 1, **asked)] == [33]


@pytest.mark.parametrize("article_id", [-1, 0, 999, 2**70])
def test_nothing_is_like_an_article_that_is_unknown(drawn: tuple[Database, Vectors], article_id: int) -> None:
    with drawn[0].read() as connection:
        assert queries.similar(connection, article_id, 5) == ()


def test_an_empty_store_answers(database: Database) -> None:
    with database.read() as connection:
        assert queries.similar(connection, 1) == ()
        assert queries.nearest(connection, np.ones(8, np.float32)) == ()


def test_what_is_new_is_found_at_once(drawn: tuple[Database, Vectors]) -> None:
    database, vectors = drawn
    with database.read() as connection:
        queries.similar(connection, 5)
    with database.write() as connection:
        add_meant(connection, 41, vectors[4])
        changed = article("https://a.example/7", "Text 7. Hope", outlet="o1")
        scores.save_vectors(connection, 7, meant(changed, list(vectors[4])))
    with database.read() as connection:
        found = queries.similar(connection, 5, 2)
        again = queries.similar(connection, 5, 2)
    assert {one.article_id for one in found} == {7, 41}
    assert (again, LATE > 2) == (found, True)


def test_the_meaning_outlives_the_vectors_and_follows_the_model(drawn: tuple[Database, Vectors]) -> None:
    database, _ = drawn
    keep = load(environ={}).retention.model_copy(update={"vector_days": 1})
    retention.prune(database, keep, NOW + timedelta(days=9))
    with database.write() as connection:
        before = queries.similar(connection, 5, 3)
        later = scores.ensure_run(connection, replace(RUN, model="other"), NOW + HOUR)
        connection.execute(update(runs).where(runs.c.id == later).values(turn=9))
        after = queries.similar(connection, 5, 3)
    assert (len(before), after) == (3, ())


def test_meanings_that_are_missing_are_filled_in(drawn: tuple[Database, Vectors]) -> None:
    database, _ = drawn
    with database.write() as connection:
        kept = connection.execute(
            select(meanings.c.article_id, meanings.c.vector).order_by(meanings.c.article_id)
        ).all()
        connection.execute(text("DELETE FROM meanings WHERE article_id > 3"))
        stored_meanings.fill(connection)
        found = connection.execute(
            select(meanings.c.article_id, meanings.c.vector).order_by(meanings.c.article_id)
        ).all()
    assert found == kept


def test_a_text_without_passages_means_nothing() -> None:
    assert stored_meanings.mean(np.empty((0, 3), np.float32)).tolist() == [0, 0, 0]


# Questions


def test_the_model_is_loaded_with_the_first_question_and_once() -> None:
    loaded: list[int] = []

    def load_() -> Any:
        loaded.append(1)
        return lambda text: np.full(3, len(text), np.float32)

    asked = Asked(load_)
    assert not loaded
    first, second = asked("  a  b "), asked("条約")
    asked.close()
    assert (first.vector.tolist(), first.language, second.language, len(loaded)) == ([3, 3, 3], "en", "ja", 1)


def test_a_slow_model_keeps_nobody_waiting_and_a_crowd_is_turned_away() -> None:
    go = threading.Event()

    def slow(_: str) -> Vectors:
        go.wait(30)
        return np.ones(3, np.float32)

    asked = Asked(lambda: slow, timeout_s=0.3)
    reasons: list[str] = []

    def ask(number: int) -> None:
        try:
            asked(str(number))
        except ModelError as error:
            reasons.append(error.reason)

    crowd = [threading.Thread(target=ask, args=(number,)) for number in range(WAITING + 3)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    go.set()
    assert sorted(reasons) == ["busy"] * 3 + ["slow"] * WAITING
    assert asked("after").language == "en"
    asked.close()


def test_a_model_that_fails_is_said_to_fail_and_tried_again() -> None:
    tries = iter([ModelError("no model", reason="no_model"), RuntimeError("out of memory")])

    def load_() -> Any:
        error = next(tries, None)
        if error:
            raise error
        return lambda _: np.ones(3, np.float32)

    asked = Asked(load_)
    for reason in ("no_model", "failed"):
        with pytest.raises(ModelError) as caught:
            asked("peace")
        assert caught.value.reason == reason
    assert asked("peace").vector.tolist() == [1, 1, 1]
    asked.close()


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("北方領土", "ja"),
        ("ｼﾝﾎﾟ", "ja"),
        ("мирный договор", "ru"),
        ("peace treaty", "en"),
        ("", "en"),
        ("Abe 安倍", "ja"),
    ],
)
def test_a_question_is_in_the_language_of_its_script(asked: str, language: str) -> None:
    assert script(asked) == language or not asked


@pytest.fixture
def shown(tmp_path: Path) -> Any:
    with site(tmp_path) as found:
        with found.database.write() as connection:
            for number in range(1, 6):
                add_meant(connection, number, np.eye(8)[number], language="en" if number < 4 else "ja")
        yield found


def test_the_api_finds_by_meaning(shown: Site) -> None:
    asked = Asked(lambda: lambda _: np.eye(8, dtype=np.float32)[2])
    shown.app.state.embed = asked
    found = shown.ask("/api/v1/search", params={"meaning": "peace", "n": 2}).json()
    japanese = shown.ask("/api/v1/search", params={"meaning": "peace", "language": "ja"}).json()
    asked.close()
    assert (len(found), found[0]["article_id"], found[0]["url"]) == (2, 2, "https://a.example/2")
    assert {row["article_id"] for row in japanese} == {4, 5}


def test_the_api_tells_what_is_like_an_article(shown: Site) -> None:
    found = shown.ask("/api/v1/articles/2/similar", params={"n": 4}).json()
    assert {row["article_id"] for row in found} == {1, 3, 4, 5}
    assert shown.ask("/api/v1/articles/99/similar").json() == []


def test_the_api_says_so_where_there_is_no_model(shown: Site) -> None:
    def refuse() -> Any:
        raise ModelError("embed.model 'x' can't be loaded", reason="no_model")

    app: FastAPI = shown.app
    app.state.embed = None
    without = shown.ask("/api/v1/search", params={"meaning": "peace"})
    app.state.embed = Asked(refuse)
    failing = shown.ask("/api/v1/search", params={"meaning": "peace"})
    app.state.embed.close()
    assert (without.status_code, "model" in without.json()["title"]) == (503, True)
    assert (failing.status_code, failing.json()["title"]) == (503, "embed.model 'x' can't be loaded")


@pytest.mark.parametrize(
    "params", [{}, {"meaning": ""}, {"meaning": "a" * 501}, {"meaning": "a", "n": 0}, {"meaning": "a", "n": 101}]
)
def test_F50_the_api_refuses_what_is_no_question(shown: Site, params: dict[str, Any]) -> None:
    assert shown.ask("/api/v1/search", params=params).status_code == 422


def test_the_article_list_is_asked_by_meaning_with_its_other_filters(shown: Site) -> None:
    shown.app.state.embed = asked = Asked(lambda: lambda _: np.eye(8, dtype=np.float32)[2])
    found = shown.ask("/articles", params={"like": "peace", "language": "en"}, headers={"accept-language": "en"})
    asked.close()
    assert (found.status_code, re.findall(r'class="headline" href="/articles/(\d+)"', found.text)[0]) == (200, "2")
    assert set(re.findall(r'href="/articles/(\d+)"', found.text)) == {"1", "2", "3"}
    assert "Likeness" in found.text


def test_the_article_list_says_so_where_there_is_no_model(shown: Site) -> None:
    shown.app.state.embed = None
    found = shown.ask("/articles", params={"like": "peace"}, headers={"accept-language": "ja"})
    assert (found.status_code, "モデルが必要です" in found.text) == (503, True)


def test_an_article_shows_what_is_like_it(shown: Site) -> None:
    found = shown.ask("/articles/2", headers={"accept-language": "en"}).text
    block = found.split("Similar coverage")[1]
    assert set(re.findall(r'href="/articles/(\d+)"', block)) == {"1", "3", "4", "5"}


def test_words_that_were_found_are_marked_and_the_rest_is_escaped() -> None:
    cut = queries.snippet("a <b>treaty</b> of peace", ["treaty", "peace"])
    template = templates().from_string('{% import "parts.html" as parts with context %}{{ parts.snippet(pieces) }}')
    assert template.render(pieces=pieces(cut)) == "a &lt;b&gt;<mark>treaty</mark>&lt;/b&gt; of <mark>peace</mark>"
