"""What readers ask of scored coverage, against the same worked out in plain Python, and against hand-worked figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random
from statistics import fmean
from typing import Any, get_args

import pytest
from sqlalchemy import Connection, select

from config.sections import RetentionSettings
from config.sources import FeedSource
from pipeline.errors import StorageError
from pipeline.records import Article
from storage import articles, queries, scores, standing
from storage.database import Database
from storage.queries import Coverage, Filter, Group, Period, Sort
from storage.queries.intervals import wilson
from storage.retention import prune
from storage.schema import runs, tone_sums, word_sums
from storage.schema import standing as standing_
from tests.samples import NOW, RELEVANT, RUN, add_article, article, coded, score, source

OTHER = replace(RUN, version="9")
OUTLETS = (("Asahi", "JP", "national", "ja"), ("TASS", "RU", "state", "ru"), ("Kyodo", "JP", "wire", "en"))
CODES = ("face_value", "china_card", "expectation_boost")
FACTS = ("motives", "clause_2020", "sceptic")
Key = tuple[str, str]


@dataclass(frozen=True)
class Kept:
    """One scored article as the test made it."""

    made: Article
    feed: FeedSource
    figures: Any
    number: int


def feed(outlet: str, country: str, kind: str, language: str) -> FeedSource:
    given = {"outlet": outlet, "country": country, "kind": kind, "language": language}
    return source(f"https://{outlet.lower()}.example/feed", **given)


def made(draw: Random, number: int) -> Kept:
    """An article of one of three outlets and 75 days, with figures at random."""
    outlet = feed(*draw.choice(OUTLETS))
    at = datetime(2024, 3, 20, tzinfo=UTC) + timedelta(days=draw.randrange(75), minutes=draw.randrange(1440))
    kept = article(
        f"https://a.example/{number}", f"Text {number}. End. Last", outlet=outlet.outlet, language=outlet.language,
        published_at=at,
    )  # fmt: skip
    return Kept(kept, outlet, figures(draw, kept), number)


def figures(draw: Random, kept: Article) -> Any:
    codes = {code: round(draw.uniform(0.3, 1), 3) for code in CODES if draw.random() < 0.4}
    voices = ("own", "quoted_bare", "quoted_distanced")
    sentences = tuple(
        replace(one, voice=draw.choice(voices), codes=codes if one.codes else {}) for one in coded(kept, face_value=0.5)
    )
    omitted = tuple(fact for fact in FACTS if draw.random() < 0.6)
    given = {"outlook": draw.random(), "scrutiny": draw.random(), "credulity": draw.random()}
    return replace(score(kept, round(draw.uniform(-1, 1), 3)), omitted=omitted, coded=sentences, **given)


def keep(connection: Connection, kept: Kept) -> None:
    stored = add_article(connection, kept.made, feed=kept.feed)
    save(connection, stored.revision_id, 1, kept.figures)


def save(connection: Connection, revision_id: int, run_id: int, given: Any) -> None:
    scores.save_screening(connection, revision_id, run_id, RELEVANT, NOW)
    scores.save_score(connection, revision_id, run_id, given, NOW)


@pytest.fixture
def many(database: Database) -> tuple[Database, list[Kept]]:
    """Sixty articles."""
    draw = Random(3)
    every = [made(draw, number) for number in range(60)]
    with database.write() as connection:
        for kept in every:
            keep(connection, kept)
    return database, every


APRIL, MAY = datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
FILTERS = (
    Filter(),
    Filter(outlet="TASS"),
    Filter(country="JP", since=APRIL, until=MAY),
    Filter(since=APRIL + timedelta(9), until=MAY + timedelta(12)),
    Filter(since=APRIL + timedelta(9), until=APRIL + timedelta(20)),
    Filter(since=APRIL + timedelta(9, hours=7)),
    Filter(kind="wire", until=MAY + timedelta(3)),
    Filter(language="ja", since=MAY - timedelta(3)),
    Filter(code="face_value"),
    Filter(omitted="motives", country="JP"),
    Filter(tone_min=-0.5, tone_max=0.5),
    Filter(text="End"),
    Filter(code="no_such_code"),
    Filter(omitted="no_such_fact"),
)


def passes(wanted: Filter, kept: Kept) -> bool:
    at, given = kept.made.published_at, kept.figures
    assert at is not None
    named = all(getattr(wanted, name) in (None, value_of(kept, name)) for name in get_args(Group))
    time = (wanted.since or at) <= at and (wanted.until is None or at < wanted.until)
    tone = (wanted.tone_min is None or given.tone >= wanted.tone_min) and (
        wanted.tone_max is None or given.tone <= wanted.tone_max
    )
    code = wanted.code is None or any(wanted.code in one.codes for one in given.coded)
    fact = wanted.omitted is None or wanted.omitted in given.omitted
    return named and time and tone and code and fact


def value_of(kept: Kept, name: Group) -> str:
    return str(getattr(kept.feed, name))


def start(kept: Kept, period: str) -> str:
    day = kept.made.published_at.date()  # type: ignore[union-attr]
    first = {"day": day, "week": day - timedelta(day.weekday()), "month": day.replace(day=1)}[period]
    return first.isoformat()


def grouped(every: list[Kept], key: Any) -> dict[Key, list[Kept]]:
    found: dict[Key, list[Kept]] = defaultdict(list)
    for kept in every:
        found[key(kept)].append(kept)
    return dict(sorted(found.items()))


def test_trends_are_the_means_of_each_period_and_group(many: tuple[Database, list[Kept]]) -> None:
    database, every = many
    with database.read() as connection:
        for wanted, period, group in product(FILTERS, get_args(Period), (None, *get_args(Group))):
            found = queries.trend(connection, wanted, period=period, group=group, min_n=5)
            mine = [kept for kept in every if passes(wanted, kept)]
            own = grouped(mine, lambda one: (start(one, period), value_of(one, group) if group else ""))  # noqa: B023
            assert [(one.period, one.group, one.n) for one in found] == [(*key, len(own[key])) for key in own]
            for one, kept in zip(found, own.values(), strict=True):
                told = (one.tone, one.outlook, one.scrutiny, one.credulity)
                assert told == (means(kept) if len(kept) >= 5 else (None,) * 4), (wanted, period, group)
                assert (one.interval is None) == (len(kept) < 5)


def means(kept: list[Kept]) -> tuple[Any, ...]:
    names = ("tone", "outlook", "scrutiny", "credulity")
    return tuple(pytest.approx(fmean(getattr(one.figures, name) for one in kept)) for name in names)


def test_shares_count_codes_facts_and_voices(many: tuple[Database, list[Kept]]) -> None:
    database, every = many
    with database.read() as connection:
        for wanted, group in product(FILTERS, (None, *get_args(Group))):
            mine = [kept for kept in every if passes(wanted, kept)]
            sizes = Counter(value_of(one, group) if group else "" for one in mine)
            codes = counted(mine, group, lambda one: {code for sentence in one.coded for code in sentence.codes})
            shares = queries.code_shares(connection, wanted, group=group)
            gaps = queries.omissions(connection, wanted, group=group)
            said = queries.voice_shares(connection, wanted, group=group)
            assert {(one.group, one.code): one.bearing for one in shares if one.bearing} == codes, (wanted, group)
            assert all(one.articles == sizes[one.group] for one in shares)
            assert len(shares) == len(sizes) * len({code for _, code in codes})
            facts = counted(mine, group, lambda one: one.omitted)
            assert {(one.group, one.fact): one.omitting for one in gaps if one.omitting} == facts, (wanted, group)
            voices = counted(mine, group, lambda one: [(p.family, p.voice) for p in one.coded])
            assert {(one.group, (one.family, one.voice)): one.passages for one in said} == voices, (wanted, group)


def test_shares_have_wilsons_interval_from_enough_articles_on(many: tuple[Database, list[Kept]]) -> None:
    with many[0].read() as connection:
        shares = queries.code_shares(connection, Filter(since=APRIL, until=MAY), group="outlet", min_n=9)
    for one in shares:
        told = (one.bearing / one.articles, wilson(one.bearing, one.articles, 0.9))
        assert (one.share, one.interval) == (told if one.articles >= 9 else (None, None))
    # Newcombe (1998), table I: 81 of 263 at 95 %
    assert wilson(81, 263, 0.95) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))


def counted(every: list[Kept], group: Group | None, words: Any) -> dict[Any, int]:
    return Counter(
        (value_of(one, group) if group else "", word) for one in every for word in words(one.figures)
    )  # fmt: skip


def test_shares_of_voices_add_up_to_one_in_each_family(many: tuple[Database, list[Kept]]) -> None:
    with many[0].read() as connection:
        found = queries.voice_shares(connection, group="outlet", min_n=5)
    total: dict[Key, float] = defaultdict(float)
    for one in found:
        total[one.group, one.family] += one.share or 0
    assert list(total.values()) == [pytest.approx(1)] * len(total)


def test_lists_give_every_article_once_in_order(many: tuple[Database, list[Kept]]) -> None:
    database, every = many
    with database.read() as connection:
        for wanted, sort in product(FILTERS, get_args(Sort)):
            mine = sorted((kept for kept in every if passes(wanted, kept)), key=lambda one: order(one, sort))
            found = pages(connection, wanted, sort)
            counts = queries.count(connection, wanted), queries.count(connection, wanted, most=3)
            assert [row.url for row in found] == [kept.made.url for kept in mine], (wanted, sort)
            assert counts == (len(mine), min(len(mine), 3))


def order(kept: Kept, sort: Sort) -> tuple[float, int]:
    sign = -1 if sort in ("newest", "credulous") else 1
    at = kept.made.published_at
    assert at is not None
    key = at.timestamp() if sort in ("newest", "oldest") else kept.figures.tone
    return sign * key, sign * kept.number


def pages(connection: Connection, wanted: Filter, sort: Sort, limit: int = 7) -> list[Coverage]:
    found: list[Coverage] = []
    after = None
    while True:
        page = queries.coverage(connection, wanted, sort=sort, limit=limit, after=after)
        found += page.rows
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("sort", get_args(Sort))
def test_pages_lose_and_double_nothing_while_articles_come_in(many: tuple[Database, list[Kept]], sort: Sort) -> None:
    database, every = many
    draw, seen = Random(8), []
    after, number = None, 1000
    while True:
        with database.write() as connection:
            page = queries.coverage(connection, sort=sort, limit=9, after=after)
            for _ in range(3):
                number += 1
                keep(connection, made(draw, number))
        seen += [row.url for row in page.rows]
        after = page.next
        if after is None or len(seen) > 500:
            break
    assert len(seen) == len(set(seen))
    assert {kept.made.url for kept in every} <= set(seen)


def test_a_cursor_of_another_order_is_refused(many: tuple[Database, list[Kept]]) -> None:
    with many[0].read() as connection:
        after = queries.coverage(connection, limit=1).next
        with pytest.raises(StorageError) as caught:
            queries.coverage(connection, sort="oldest", after=after)
    assert caught.value.reason == "bad_cursor"


def test_the_mean_at_constant_mix_weighs_the_months_of_all_alike(database: Database) -> None:
    # April: A 0.2 x8, B 0.0 x2; May: A 0.6 x2, B 0.4 x8. So each month has half of all articles:
    # A (0.2 + 0.6) / 2 = 0.4 against a plain 0.28, B (0.0 + 0.4) / 2 = 0.2 against a plain 0.32.
    plan = (("Asahi", 4, 0.2, 8), ("Asahi", 5, 0.6, 2), ("TASS", 4, 0.0, 2), ("TASS", 5, 0.4, 8))
    with database.write() as connection:
        for outlet, month, tone, n in plan:
            for number in range(n):
                url = f"https://a.example/{outlet}/{month}/{number}"
                at = datetime(2024, month, 3, tzinfo=UTC)
                kept = article(url, f"{url}. End", outlet=outlet, published_at=at)
                add_article(connection, kept, tone=tone, feed=feed(outlet, "JP", "wire", "en"))
        asahi, tass = sorted(queries.by_group(connection, group="outlet"), key=lambda one: one.group)
    assert (asahi.tone, asahi.mixed_tone) == (pytest.approx(0.28), pytest.approx(0.4))
    assert (tass.tone, tass.mixed_tone) == (pytest.approx(0.32), pytest.approx(0.2))
    assert (asahi.mixed_interval, tass.country) == ((pytest.approx(0.4), pytest.approx(0.4)), "JP")


def test_changes_tell_what_is_new_and_who_moved(database: Database) -> None:
    day = date(2024, 5, 20)
    with database.write() as connection:
        for outlet, shift in (("Asahi", 0.5), ("TASS", 0.0), ("Kyodo", -0.2)):
            for number in range(10 if outlet != "Kyodo" else 3):
                at = datetime(2024, 5, 19 if number % 2 else 12, 23, 59, tzinfo=UTC)
                kept = article(
                    f"https://a.example/{outlet}{number}", f"{outlet} {number}. End", outlet=outlet, published_at=at
                )
                tone = 0.01 * number + (shift if number % 2 else 0)
                stored = add_article(connection, kept, feed=feed(outlet, "JP", "wire", "en"))
                seen = datetime(2024, 5, 20 if outlet == "TASS" else 19, tzinfo=UTC)
                scores.save_score(connection, stored.revision_id, 1, score(kept, tone), seen)
        found = queries.changes(connection, day=day, min_n=5)
        nothing = queries.changes(connection, day=date.max), queries.changes(connection, day=date.min)
    assert (found.new, found.before, found.outlets_new) == (10, 13, ("TASS",))
    assert [(one.outlet, one.n_before, one.n_after) for one in found.movers] == [("Asahi", 5, 5), ("TASS", 5, 5)]
    assert found.movers[0].difference == pytest.approx(0.51)
    assert found.movers[0].interval[0] < 0.51 < found.movers[0].interval[1]
    assert [one.new for one in nothing] == [0, 0]


def test_facets_and_runs_count_what_stands(many: tuple[Database, list[Kept]]) -> None:
    database, every = many
    with database.read() as connection:
        found, (run,) = queries.facets(connection), queries.runs(connection)
    for name, values in (("outlet", found.outlets), ("country", found.countries), ("kind", found.kinds)):
        assert dict(values) == Counter(value_of(kept, name) for kept in every)  # type: ignore[arg-type]
    assert (run.scored, run.current) == (60, True)


def test_an_article_is_shown_with_its_texts_scores_and_sentences(database: Database) -> None:
    kept = article("https://a.example/1", "First wording. End")
    edited = article("https://a.example/1", "Second wording. End")
    with database.write() as connection:
        add_article(connection, kept, tone=0.5)
        add_article(connection, article("https://b.example/1", edited.text, outlet="TASS"))
        stored = articles.store(connection, 1, edited, NOW)
        save(connection, stored.revision_id, 1, score(edited, -0.5))
        view = queries.article_view(connection, 1)
        none = [queries.article_view(connection, number) for number in (0, 99, 2**70)]
    assert view is not None
    assert (view.text, view.revision, view.score and view.score.tone) == ("Second wording. End", 2, -0.5)
    assert [one.text for one in view.passages] == ["Talks on a treaty", "Second wording", "End"]
    assert [(one.revision, one.tone) for one in view.scores] == [(1, 0.5), (2, -0.5)]
    assert ([one.number for one in view.revisions], view.relevance and view.relevance.reason) == ([1, 2], "talks")
    assert (view.same_text, none) == ((("https://b.example/1", "TASS"),), [None] * 3)


def stands(connection: Connection) -> list[list[tuple[Any, ...]]]:
    return [
        sorted(
            tuple(round(value, 9) if isinstance(value, float) else value for value in row)
            for row in connection.execute(select(table))
        )
        for table in (standing_, tone_sums, word_sums)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_sums_kept_step_by_step_are_those_made_anew(database: Database, seed: int) -> None:
    draw = Random(seed)
    known: list[Kept] = []
    with database.write() as connection:
        run_ids = [scores.ensure_run(connection, run, NOW) for run in (RUN, OTHER)]
        for step in range(40):
            if not known or draw.random() < 0.5:
                known.append(made(draw, step))
                keep(connection, known[-1])
            elif draw.random() < 0.6:  # an edit, perhaps one taken back, perhaps judged by both runs
                kept = draw.choice(known)
                edit = article(
                    kept.made.url, f"Edit {draw.randrange(3)}. End. Last", outlet=kept.made.outlet,
                    language=kept.made.language, published_at=kept.made.published_at,
                )  # fmt: skip
                stored = articles.store(connection, 1, edit, NOW)
                for run_id in draw.sample(run_ids, draw.randrange(3)):
                    save(connection, stored.revision_id, run_id, figures(draw, edit))
            else:
                waiting = articles.unscored(connection, run_ids[1], 3)
                for one in waiting:
                    save(connection, one.revision_id, run_ids[1], figures(draw, one.article))
        before = stands(connection)
        standing.rebuild(connection)
        assert stands(connection) == before
    assert all(before)


def test_a_run_becomes_current_when_it_has_judged_what_the_former_judged(database: Database) -> None:
    draw = Random(1)
    with database.write() as connection:
        for number in range(5):
            keep(connection, made(draw, number))
        other = scores.ensure_run(connection, OTHER, NOW)
        current = []
        for one in articles.unscored(connection, other):
            save(connection, one.revision_id, other, figures(draw, one.article))
            current.append([run.id for run in queries.runs(connection) if run.current])
        again = scores.ensure_run(connection, RUN, NOW)
        back = [run.id for run in queries.runs(connection) if run.current]
    assert current == [[1], [1], [1], [1], [other]]
    assert back == [again]  # it has all of them, too


def test_a_text_that_the_model_fails_on_keeps_a_run_back_for_one_pass_only(database: Database) -> None:
    draw = Random(1)
    with database.write() as connection:
        for number in range(5):
            keep(connection, made(draw, number))
        other = scores.ensure_run(connection, OTHER, NOW)
        for one in articles.unscored(connection, other)[:4]:
            save(connection, one.revision_id, other, figures(draw, one.article))
        before = connection.scalar(select(runs.c.turn).where(runs.c.id == other))
        scores.ensure_run(connection, OTHER, NOW)
        after = connection.scalar(select(runs.c.turn).where(runs.c.id == other))
    assert (before, after) == (None, 2)


def test_two_writers_and_a_prune_leave_the_sums_right(database: Database) -> None:
    plans = [[made(Random(half), 100 * half + number) for number in range(12)] for half in (1, 2)]
    with database.write() as connection:
        for outlet in OUTLETS:
            add_article(connection, article(f"https://a.example/{outlet[0]}", f"{outlet[0]}. End"), feed=feed(*outlet))

    def work(plan: list[Kept]) -> None:
        for kept in plan:
            with database.write() as connection:
                keep(connection, kept)
            edit = replace(kept.made, text=f"{kept.made.text}. Edited", content_hash=f"edited {kept.number}")
            with database.write() as connection:
                stored = articles.store(connection, 1, edit, NOW + timedelta(1))
                save(connection, stored.revision_id, 1, figures(Random(kept.number), edit))

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(work, plan) for plan in plans]:
            done.result()
    keep_no = RetentionSettings(fetch_log_days=1, unused_text_days=1, former_text_days=1, vector_days=1)
    prune(database, keep_no, NOW + timedelta(900))
    with database.write() as connection:
        before = stands(connection)
        standing.rebuild(connection)
        assert stands(connection) == before
        assert queries.count(connection) == 24
