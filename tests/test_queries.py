"""What readers ask: coverage, evidence, explanations, outlets, the funnel and feed health."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql
from sqlalchemy import update

from pipeline.errors import StorageError
from pipeline.records import Dropped
from storage import articles, feeds, queries, scores
from storage.database import Database
from storage.queries import Filter
from storage.queries.intervals import student_t
from storage.schema import lineage_members, lineages, revisions
from tests.samples import HOUR, IRRELEVANT, NOW, RUN, add_article, add_feed, article, coded, entry, score, source

TASS = source("https://t.example/feed", outlet="TASS", country="RU", language="ru", kind="state")
ASAHI = {"title": "平和条約交渉", "text": "対話の窓は開いたままだ. 島は戻る", "language": "ja"}
RUSSIAN = {
    "title": "Мирный ДОГОВОР",
    "text": "Договор близок. Надежда 100% есть_да",
    "language": "ru",
    "outlet": "TASS",
}


@pytest.fixture
def covered(database: Database) -> Database:
    """Three scored articles of two outlets, an irrelevant one, and one that is not judged."""
    with database.write() as connection:
        add_article(connection, article("https://a.example/1", **ASAHI), tone=0.8, face_value=0.9)
        add_article(
            connection,
            article("https://t.example/2", published_at=NOW - 2 * HOUR, **RUSSIAN),
            tone=-0.4,
            feed=TASS,
            deadlock_stated=0.6,
        )
        add_article(
            connection, article("https://a.example/3", published_at=None), tone=0.1, china_card=0.5, face_value=0.4
        )
        other = add_article(connection, article("https://a.example/4", "Ice hockey. Goals"))
        scores.save_screening(connection, other.revision_id, 1, IRRELEVANT, NOW)
        dropped = Dropped(url="https://a.example/4", stage="screen", reason="off_topic")
        articles.drop(connection, dropped, revision_id=other.revision_id, run_id=1, now=NOW)
        add_article(connection, article("https://a.example/5", "Not judged yet. Wait"))
    return database


def urls(database: Database, **wanted: Any) -> list[str]:
    with database.read() as connection:
        return [row.url[-1] for row in queries.coverage(connection, Filter(**wanted)).rows]


def test_coverage_gives_the_newest_first_with_all_that_a_reader_needs(covered: Database) -> None:
    with covered.read() as connection:
        page = queries.coverage(connection)
    newest, second, _ = page.rows
    assert ([row.url[-1] for row in page.rows], page.next) == (["3", "1", "2"], None)
    assert (newest.at, newest.published_at, newest.codes) == (NOW, None, {"china_card": 0.5, "face_value": 0.4})
    assert (second.outlet, second.country, second.kind, second.language, second.title) == (
        "Asahi",
        "JP",
        "national",
        "ja",
        "平和条約交渉",
    )
    assert (second.tone, second.tone_low, second.tone_high, second.omitted, second.run, second.scored_at) == (
        0.8,
        0.5,
        1.0,
        ("clause_2020", "motives"),
        scores.stamp_of(RUN),
        NOW,
    )
    assert (second.credulity, second.unusual) == (0.25, ("short",))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"outlet": "TASS"}, "2"),
        ({"country": "JP"}, "31"),
        ({"kind": "state"}, "2"),
        ({"language": "ja"}, "1"),
        ({"code": "face_value"}, "31"),
        ({"code": "face_value", "outlet": "TASS"}, ""),
        ({"code": "no_such_code"}, ""),
        ({"since": NOW - HOUR}, "31"),
        ({"until": NOW - HOUR}, "2"),
        ({"since": NOW - HOUR, "until": NOW}, "1"),
        ({"tone_min": 0.1}, "31"),
        ({"tone_max": 0.1}, "32"),
        ({"tone_min": 0.0, "tone_max": 0.5}, "3"),
        ({"run_id": 99}, ""),
        ({"text": "平和条約"}, "1"),
        ({"text": "対話"}, "1"),
        ({"text": "договор"}, "2"),
        ({"text": "НАДЕЖДА мирный"}, "2"),
        ({"text": "HOPE　treaty"}, "3"),
        ({"text": '"hope is in the air"'}, "3"),
        ({"text": '"air in the hope"'}, ""),
        ({"text": "100%"}, "2"),
        ({"text": "есть_да"}, "2"),
        ({"text": "е_ть"}, ""),
        ({"text": "%"}, "2"),
        ({"text": "  "}, "312"),
    ],
)
def test_coverage_can_be_narrowed_down(covered: Database, wanted: dict[str, Any], found: str) -> None:
    assert urls(covered, **wanted) == list(found)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
@example('"')
@example("hello AND")
@example("NEAR(")
@example("*")
@example("-a")
@example("a\x00b")
@example("\ud800")
@example("%_\\")
@example("'; DROP TABLE scores; --")
def test_F49_no_search_raises(covered: Database, asked: str) -> None:
    assert set(urls(covered, text=asked)) <= {"1", "2", "3"}


@pytest.mark.parametrize(
    "asked", ["a" * 1_000_000, "a b c " * 200_000, " ".join(map(str, range(100_000))), '"' * 100_001]
)
def test_F50_a_search_of_a_megabyte_is_answered(covered: Database, asked: str) -> None:
    assert set(urls(covered, text=asked)) <= {"1", "2", "3"}


def test_pages_follow_one_another_without_gap_or_repetition(database: Database) -> None:
    with database.write() as connection:
        for number in range(7):
            at = NOW - (number // 3) * HOUR  # dates tie
            kept = article(f"https://a.example/{number}", f"Text {number}. End", published_at=at)
            add_article(connection, kept, tone=0.1)
    seen: list[int] = []
    after = None
    with database.read() as connection:
        while True:
            page = queries.coverage(connection, limit=2, after=after)
            seen += [row.score_id for row in page.rows]
            after = page.next
            if after is None:
                break
    assert seen == [3, 2, 1, 6, 5, 4, 7]


@pytest.mark.parametrize("limit", [-5, 0, 10**30])
def test_F50_any_limit_is_brought_within_bounds(covered: Database, limit: int) -> None:
    with covered.read() as connection:
        assert len(queries.coverage(connection, limit=limit).rows) == (3 if limit > 0 else 1)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        ".",
        "2024-05-01T00:00:00.000000Z.x",
        "2024-05-01T00:00:00.5",
        f"2024-05-01T00:00:00Z.{2**63}",
        "\x00",
        "9" * 10_000,
    ],
)
def test_F50_a_cursor_that_no_page_gave_is_refused(covered: Database, cursor: str) -> None:
    with pytest.raises(StorageError) as caught, covered.read() as connection:
        queries.coverage(connection, after=cursor)
    assert caught.value.reason == "bad_cursor"


@pytest.mark.parametrize("number", [-1, 0, 2**63, 10**30])
def test_F50_an_id_that_no_row_can_have_finds_nothing(covered: Database, number: int) -> None:
    with covered.read() as connection:
        found = queries.evidence(connection, number), queries.coverage(connection, Filter(run_id=number)).rows
    assert found == ((), ())


def test_coverage_of_an_empty_database_is_empty(database: Database) -> None:
    with database.read() as connection:
        found = (
            queries.coverage(connection).rows,
            queries.by_outlet(connection),
            queries.extremes(connection, 3),
            queries.evidence(connection, 1),
            queries.feed_health(connection),
            queries.funnel(connection).announced,
            queries.explain(connection, "https://nowhere.example/"),
        )
    assert found == ((), (), ((), ()), (), (), 0, None)


def test_a_revised_article_counts_once_with_its_current_text(covered: Database) -> None:
    edited = article("https://a.example/1", "No hope. None at all")
    with covered.write() as connection:
        stored = articles.store(connection, 1, edited, NOW)
        scores.save_score(connection, stored.revision_id, 1, score(edited, -0.9), NOW)
        found = [row.tone for row in queries.coverage(connection, Filter(outlet="Asahi")).rows]
    assert found == [0.1, -0.9]


def test_each_run_has_its_own_coverage(covered: Database) -> None:
    with covered.write() as connection:
        other = scores.ensure_run(connection, replace(RUN, version="2"), NOW)
        scores.save_score(connection, 1, other, score(scores.load(connection, 1), -1.0), NOW)
        tones = [
            [row.tone for row in queries.coverage(connection, Filter(run_id=run_id)).rows] for run_id in (1, other)
        ]
    assert tones == [[0.1, 0.8, -0.4], [-1.0]]


def test_evidence_quotes_the_sentences_that_bear_a_code_or_give_a_fact(covered: Database) -> None:
    with covered.read() as connection:
        found = queries.evidence(connection, 1)
    assert [(one.text, one.part, one.start, one.end, one.codes, one.family, one.voice) for one in found] == [
        ("平和条約交渉", "title", 0, 6, {}, "neutral", "quoted_bare"),
        ("対話の窓は開いたままだ", "text", 0, 11, {"face_value": 0.9}, "optimistic", "quoted_bare"),
        ("島は戻る", "text", 13, 17, {"face_value": 0.9}, "optimistic", "quoted_bare"),
    ]
    assert {one.facts for one in found} == {("islands",)}


def test_evidence_that_is_not_in_the_text_any_more_is_not_shown(covered: Database) -> None:
    with covered.write() as connection:
        changed = update(revisions).where(revisions.c.id == 1)
        connection.execute(changed.values(text="対話の窓は開いたままだ. 島は返る"))
        assert [one.text for one in queries.evidence(connection, 1)] == ["平和条約交渉", "対話の窓は開いたままだ"]


def test_the_evidence_view_quotes_the_coded_sentences(covered: Database) -> None:
    with covered.read() as connection:
        rows = connection.execute(
            sql("SELECT score_id, quotation FROM v_evidence ORDER BY score_id, position, code")
        ).all()
        quoted = {
            (score_id, one.text)
            for score_id in (1, 2, 3)
            for one in queries.evidence(connection, score_id)
            if one.codes
        }
    assert {tuple(row) for row in rows} == quoted


def test_the_daily_view_gives_means_by_day_in_utc(covered: Database) -> None:
    with covered.write() as connection:
        late = article("https://a.example/6", "Late. News", published_at=NOW.replace(hour=23, minute=59))
        add_article(connection, late, tone=0.3)
        rows = connection.execute(
            sql("SELECT day, outlet, language, articles, tone, credulity FROM v_daily_tone ORDER BY outlet, language")
        ).all()
    assert [(*row[:4], round(row[4], 4), round(row[5], 4)) for row in rows] == [
        ("2024-05-01", "Asahi", "en", 2, 0.2, 0.25),
        ("2024-05-01", "Asahi", "ja", 1, 0.8, 0.25),
        ("2024-05-01", "TASS", "ru", 1, -0.4, 0.25),
    ]


def test_the_articles_view_shows_judged_and_unjudged_articles(covered: Database) -> None:
    with covered.read() as connection:
        rows = connection.execute(sql("SELECT url, relevant, tone FROM v_articles ORDER BY url")).all()
    assert [(url[-1], relevant if relevant is None else bool(relevant), tone) for url, relevant, tone in rows] == [
        ("1", True, 0.8),
        ("3", True, 0.1),
        ("4", False, None),
        ("5", None, None),
        ("2", True, -0.4),
    ]


def test_extremes_are_the_most_credulous_and_the_most_vigilant(covered: Database) -> None:
    with covered.read() as connection:
        credulous, vigilant = queries.extremes(connection, 2)
        none = queries.extremes(connection, 0)
    assert ([row.tone for row in credulous], [row.tone for row in vigilant], none) == (
        [0.8, 0.1],
        [-0.4, 0.1],
        ((), ()),
    )


def test_outlets_are_ranked_only_with_enough_articles(database: Database) -> None:
    tones = [0.1, 0.2, 0.3, 0.4, 0.5]
    with database.write() as connection:
        for number, tone in enumerate(tones):
            add_article(connection, article(f"https://a.example/{number}", f"Text {number}. End"), tone=tone)
        add_article(connection, article("https://t.example/1", outlet="TASS"), tone=0.9, feed=TASS)
        asahi, tass = queries.by_outlet(connection, min_n=5)
        suppressed = queries.by_outlet(connection, min_n=6)
    assert asahi.interval is not None
    assert (asahi.outlet, asahi.country, asahi.articles, round(asahi.tone or 0, 6)) == ("Asahi", "JP", 5, 0.3)
    # t(0.95, 4) = 2.131847, standard deviation 0.158114: half width 0.150743
    assert [round(bound, 2) for bound in asahi.interval] == [0.15, 0.45]
    assert tass == queries.OutletTone(
        outlet="TASS", country="RU", articles=1, tone=None, interval=None, outlook=None, scrutiny=None, credulity=None
    )
    assert (asahi.outlook, asahi.scrutiny, asahi.credulity) == (
        pytest.approx(0.7),
        pytest.approx(0.2),
        pytest.approx(0.25),
    )
    assert [(row.outlet, row.tone) for row in suppressed] == [("Asahi", None), ("TASS", None)]


def test_outlets_all_of_one_tone_have_an_interval_of_no_width(database: Database) -> None:
    with database.write() as connection:
        for number in range(6):
            add_article(connection, article(f"https://a.example/{number}", f"Text {number}. End"), tone=0.1)
        (asahi,) = queries.by_outlet(connection, min_n=2)
    assert [round(bound, 6) for bound in asahi.interval or ()] == [0.1, 0.1]


@pytest.mark.parametrize(
    ("share", "freedom", "wanted"),
    [(0.95, 4, 2.1318), (0.95, 9, 1.8331), (0.95, 29, 1.6991), (0.975, 4, 2.7764), (0.975, 9, 2.2622), (0.5, 7, 0.0)],
)
def test_quantiles_of_students_t_are_those_of_the_tables(share: float, freedom: int, wanted: float) -> None:
    assert student_t(share, freedom) == pytest.approx(wanted, abs=0.005)


def test_the_funnel_counts_each_thing_once_however_often_it_was_done(covered: Database) -> None:
    def once() -> None:
        with covered.write() as connection:
            articles.add_entries(
                connection, 1, [entry("w", "https://a.example/w"), entry("d", "https://a.example/d")], NOW
            )
            dropped = Dropped(url="https://a.example/d", stage="extract", reason="no_text")
            articles.drop(connection, dropped, entry_id=7, now=NOW)
            for minute in (0, 0, 1):
                at = NOW + timedelta(minutes=minute)
                feeds.log_fetch(connection, url="https://a.example/1", what="page", at=at, duration_ms=1, outcome="ok")

    once()
    with covered.read() as connection:
        first = queries.funnel(connection)
    once()
    with covered.read() as connection:
        again, before = queries.funnel(connection), queries.funnel(connection, until=NOW)
    assert (
        first
        == again
        == queries.Funnel(
            announced=7,
            waiting=1,
            done=5,
            set_aside=1,
            fetched=1,
            articles=5,
            partial=0,
            relevant=3,
            scored=3,
            dropped={("extract", "no_text"): 1, ("screen", "off_topic"): 1},
        )
    )
    assert (before.announced, before.articles, before.dropped) == (0, 0, {})


def test_the_funnel_counts_what_a_run_judged(covered: Database) -> None:
    with covered.read() as connection:
        nothing = queries.funnel(connection, run_id=99)
    assert (nothing.articles, nothing.relevant, nothing.scored) == (5, 0, 0)


def test_explain_tells_everything_about_an_article(covered: Database) -> None:
    with covered.write() as connection:
        feeds.log_fetch(
            connection, url="https://a.example/1", what="page", at=NOW, duration_ms=5, outcome="ok", feed_id=1
        )
        connection.execute(lineages.insert(), {"id": 1, "created_at": NOW})
        for article_id in (1, 2):
            row = {"article_id": article_id, "lineage_id": 1, "similarity": 0.9, "joined_at": NOW}
            connection.execute(lineage_members.insert(), row)
        found = queries.explain(connection, "https://a.example/1")
    assert found is not None
    assert found.article is not None
    assert (found.article["outlet"], found.urls) == ("Asahi", ("https://a.example/1",))
    assert [row["url"] for row in found.feeds] == ["https://a.example/feed"]
    assert [(row["state"], row["title"]) for row in found.entries] == [("done", "Talks go on")]
    assert [row["outcome"] for row in found.fetches] == ["ok"]
    assert [(row["number"], "text" in row) for row in found.revisions] == [(1, False)]
    assert [(row["relevant"], row["terms"]) for row in found.screenings] == [(True, ["平和条約"])]
    assert [(row["tone"], row["number"], row["stamp"]) for row in found.scores] == [(0.8, 1, scores.stamp_of(RUN))]
    assert [row["url"][-1] for row in found.lineage] == ["1", "2"]


def test_explain_tells_why_an_article_is_out(covered: Database) -> None:
    with covered.read() as connection:
        found = queries.explain(connection, "https://a.example/4")
    assert found is not None
    assert [(row["stage"], row["reason"]) for row in found.drops] == [("screen", "off_topic")]
    assert ([row["relevant"] for row in found.screenings], found.scores) == ([False], ())


def test_explain_finds_an_article_by_the_link_that_a_feed_gave(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        link = "https://a.example/1?utm_source=rss"
        articles.add_entries(connection, 1, [entry(link=link)], NOW, canonical=lambda url: url.split("?")[0])
        feeds.log_fetch(connection, url=link, what="page", at=NOW, duration_ms=1, outcome="ok")
        articles.store(connection, 1, article("https://a.example/story"), NOW)
        asked = [queries.explain(connection, url) for url in (link, "https://a.example/1", "https://a.example/story")]
    assert [one and (one.article or {}).get("url") for one in asked] == ["https://a.example/story"] * 3
    assert [len(one.fetches) if one else None for one in asked] == [1, 1, 1]


def test_explain_knows_entries_that_never_became_an_article(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        articles.add_entries(connection, 1, [entry()], NOW)
        articles.retry_later(connection, 1, NOW + HOUR, "timeout")
        found = queries.explain(connection, "https://a.example/1")
    assert found is not None
    assert (found.article, [(row["state"], row["attempts"], row["reason"]) for row in found.entries]) == (
        None,
        [("announced", 1, "timeout")],
    )


def test_explain_knows_feeds_by_their_present_and_former_urls(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        feeds.moved(connection, 1, "https://new.example/feed", NOW)
        new = queries.explain(connection, "https://new.example/feed")
        old = queries.explain(connection, "https://a.example/feed")
    assert (new and new.feeds[0]["outlet"], old and old.moves[0]["new_url"]) == ("Asahi", "https://new.example/feed")


@pytest.mark.parametrize("url", ["", "\x00", "'", "x" * 1_000_000, "%", "\ud800"])
def test_F50_explain_answers_any_url(covered: Database, url: str) -> None:
    with covered.read() as connection:
        assert queries.explain(connection, url) is None


def test_feed_health_shows_state_and_counts(covered: Database) -> None:
    with covered.write() as connection:
        feeds.failed(connection, 1, reason="timeout", detail="30 s", due_at=NOW + HOUR, now=NOW)
        articles.add_entries(connection, 1, [entry("w", "https://a.example/w")], NOW)
        asahi, tass = queries.feed_health(connection)
        view = connection.execute(sql("SELECT url, entries, waiting, state FROM v_feed_health ORDER BY feed_id")).all()
    assert (asahi.url, asahi.state, asahi.reason, asahi.failures, asahi.entries, asahi.waiting) == (
        "https://a.example/feed",
        "failing",
        "timeout",
        1,
        5,
        1,
    )
    assert (tass.outlet, tass.state, tass.entries, tass.waiting, tass.active) == ("TASS", "ok", 1, 0, True)
    assert [tuple(row) for row in view] == [(asahi.url, 5, 1, "failing"), (tass.url, 1, 0, "ok")]


def test_neutral_sentences_without_facts_are_no_evidence(database: Database) -> None:
    kept = article()
    with database.write() as connection:
        stored = add_article(connection, kept)
        neutral = tuple(replace(one, codes={}, family="neutral", facts=()) for one in coded(kept))
        score_id = scores.save_score(connection, stored.revision_id, 1, replace(score(kept), coded=neutral), NOW)
        assert queries.evidence(connection, score_id) == ()


def test_explain_tells_of_one_page_only(database: Database) -> None:
    with database.write() as connection:
        (feed_id,) = add_feed(connection)
        for number in (1, 2):
            link = f"https://a.example/{number}"
            articles.add_entries(connection, feed_id, [entry(guid=link, link=link)], NOW)
    with database.read() as connection:
        found = queries.explain(connection, "https://a.example/1")
        unknown = queries.explain(connection, "https://a.example/3")
    assert found is not None
    assert ([row["link"] for row in found.entries], unknown) == (["https://a.example/1"], None)
