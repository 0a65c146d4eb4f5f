"""The three alarms, each provoked and cleared, through real passes over loopback outlets on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from config.settings import Settings, load
from config.sources import FeedSource
from pipeline.analyse.judge import Judgement
from pipeline.errors import ModelError
from pipeline.passes import PassReport
from pipeline.records import Article, Relevance, Run
from pipeline.run import run_once
from pipeline.tools import tools_of
from storage import articles, feeds, passes, queries, scores
from storage.database import Database
from storage.queries import Alarm, FeedHealth
from storage.schema import entries, fetches
from storage.schema import feeds as table
from tests.loopback import Loopback, answer
from tests.samples import IRRELEVANT, NOW, RELEVANT, RUN, add_article, add_feed, article, entry, score, source
from tests.test_cli import treatywatch

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
SETTINGS: Settings = load(flags=["fetch.allow_networks=['127.0.0.0/8']", "fetch.host_delay_s=0"], environ={})


class Deaf:
    """A judge for whom nothing is about the talks."""

    run: Run = RUN

    def judge(self, article: Article) -> Judgement:
        return Judgement(relevance=Relevance(relevant=False, value=0.0, reason="no_subject"))


class Broken(Deaf):
    """A judge whose model is broken."""

    def judge(self, article: Article) -> Judgement:
        raise ModelError("the model gave up")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_pass(database: Database, clock: Clock, *urls: str, judge: Any = None) -> PassReport:
    sources = [
        FeedSource(url=url, outlet=url.rsplit("/")[-1].split(".")[0], country="GB", language="en", kind="wire")
        for url in urls
    ]

    async def go() -> PassReport:
        async with tools_of(SETTINGS, judge=judge or Deaf()) as tools:
            object.__setattr__(tools, "clock", clock)
            return await run_once(tools, database, sources, SETTINGS.poll)

    return asyncio.run(go())


def rung(database: Database, now: datetime) -> list[Alarm]:
    with database.read() as connection:
        return list(queries.alarms(connection, SETTINGS.alarms, interval_s=SETTINGS.poll.min_interval_s, now=now))


def names(found: list[Alarm]) -> list[tuple[str, str]]:
    return [(alarm.kind, alarm.subject.rpartition("/")[2]) for alarm in found]


def health(database: Database) -> dict[str, FeedHealth]:
    with database.read() as connection:
        return {row.outlet: row for row in queries.feed_health(connection)}


def rss(*dates: datetime, name: str = "n") -> Callable[..., None]:
    items = "".join(
        f"<item><guid isPermaLink='false'>{name}-{at:%m%dT%H%M}</guid><title>{name} {at:%m%dT%H%M}</title>"
        f"<pubDate>{format_datetime(at)}</pubDate></item>"
        for at in dates
    )
    xml = f'<rss version="2.0"><channel><title>{name}</title>{items}</channel></rss>'
    return answer(xml.encode(), content_type="application/rss+xml")


def daily(until: datetime, n: int = 30) -> list[datetime]:
    return [until - i * DAY for i in range(n)]


@pytest.mark.parametrize(
    ("failure", "state", "reason"),
    [
        (answer(status="404 Not Found"), "failing", "http_status"),
        (answer(status="503 Busy", retry_after="3600"), "failing", "http_status"),
        (answer(status="410 Gone"), "gone", "gone"),
        (answer(b"<html><body>Log in</body></html>", content_type="text/html"), "failing", "not_a_feed"),
    ],
)
def test_F20_after_a_month_of_failures_a_feed_is_still_asked_seen_and_mended_by_the_first_success(
    database: Database, clock: Clock, failure: Any, state: str, reason: str
) -> None:
    with Loopback({"/a.xml": rss(START - HOUR), "/robots.txt": answer(status="404 Not Found")}) as server:
        url = server.url("/a.xml")
        make_pass(database, clock, url)
        server.routes["/a.xml"] = failure
        asked, checked = len(server.asked("/a.xml")), clock.now
        longest = timedelta(0)
        while clock.now < START + 31 * DAY:
            due_at = health(database)["a"].due_at
            assert due_at is not None
            clock.now = max(clock.now, due_at)
            make_pass(database, clock, url)
            longest = max(longest, clock.now - checked)
            asked, checked = asked + 1, clock.now
            assert len(server.asked("/a.xml")) == asked
        failed, alarms = health(database)["a"], rung(database, clock.now)
        server.routes["/a.xml"] = rss(clock.now, START - HOUR)
        clock.now += DAY + HOUR
        make_pass(database, clock, url)
        mended = health(database)["a"]
    assert (failed.state, failed.reason, failed.failures + 1) == (state, reason, asked)
    assert asked > 31
    assert longest <= DAY + HOUR
    assert names(alarms) == [("feed_broken", "a.xml")]
    assert alarms[0].since == failed.state_since <= START + DAY
    assert alarms[0].what_to_do
    assert (mended.state, mended.reason, mended.failures, rung(database, clock.now)) == ("ok", "", 0, [])


@pytest.mark.parametrize(
    ("header", "hours"), [("7200", 2), ("Mon, 02 Mar 2026 10:00:00 GMT", 0), ("soon", 0), ("-9", 0), ("315360000", 24)]
)
def test_F18_retry_after_is_honoured_within_the_bounds(
    database: Database, clock: Clock, header: str, hours: int
) -> None:
    with Loopback({"/a.xml": answer(status="429 Too Many Requests", retry_after=header)}) as server:
        make_pass(database, clock, server.url("/a.xml"))
    due_at = health(database)["a"].due_at
    assert due_at is not None
    least = max(timedelta(hours=hours), timedelta(seconds=SETTINGS.poll.min_interval_s))
    assert least <= due_at - clock.now + timedelta(seconds=1) <= least * 1.1 + timedelta(seconds=2)


def test_F19_a_304_clears_a_failure_and_brings_nothing_twice(database: Database, clock: Clock) -> None:
    content = rss(START - HOUR)

    def etagged(request: Any, write: Any) -> None:
        not_modified = answer(status="304 Not Modified", etag='W/"1"')
        (not_modified if request.headers.get("if-none-match") == 'W/"1"' else tagged)(request, write)

    def tagged(request: Any, write: Any) -> None:
        content(request, lambda data: write(data.replace(b"\r\n\r\n", b'\r\nETag: W/"1"\r\n\r\n', 1)))

    with Loopback({"/a.xml": etagged}) as server:
        outcomes = []
        for handler in (etagged, answer(status="500 Oops"), etagged):
            server.routes["/a.xml"] = handler
            outcomes += [one.outcome for one in make_pass(database, clock, server.url("/a.xml")).feeds]
            clock.now += DAY
    found = health(database)["a"]
    assert outcomes == ["ok", "http_status", "unchanged"]
    assert (found.state, found.failures, found.entries) == ("ok", 0, 1)


def test_F19_the_same_entries_under_ever_new_etags_are_no_news(database: Database, clock: Clock) -> None:
    with Loopback({}) as server:
        for number in range(4):
            server.routes["/a.xml"] = answer(
                f'<rss version="2.0"><channel><title>a</title><pubDate>{number}</pubDate>'
                "<item><guid>x</guid><title>same</title></item></channel></rss>".encode(),
                etag=f'"{number}"',
            )
            make_pass(database, clock, server.url("/a.xml"))
            clock.now += DAY
    assert health(database)["a"].entries == 1


def test_an_answer_without_an_entry_does_not_clear_a_failure(database: Database, clock: Clock) -> None:
    with Loopback({}) as server:
        seen = []
        for handler in (rss(START), answer(status="500 Oops"), rss(), rss(START)):
            server.routes["/a.xml"] = handler
            make_pass(database, clock, server.url("/a.xml"))
            seen.append((health(database)["a"].state, health(database)["a"].reason))
            clock.now += DAY + HOUR
    assert seen == [("ok", ""), ("failing", "http_status"), ("failing", "empty"), ("ok", "")]


def test_one_failure_is_shown_and_is_no_alarm_yet(database: Database, clock: Clock) -> None:
    with Loopback({"/a.xml": answer(status="500 Oops")}) as server:
        make_pass(database, clock, server.url("/a.xml"))
    assert (health(database)["a"].state, rung(database, clock.now)) == ("failing", [])


def test_a_feed_of_which_only_part_can_be_read_is_an_alarm_after_a_day(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        feeds.fetched(connection, 1, now=NOW, due_at=NOW + HOUR, state="degraded", reason="cut")
        passes.end(connection, passes.begin(connection, NOW), NOW + DAY, passes.Done())
    before = [one for one in names(rung(database, NOW + HOUR)) if one[0] == "feed_broken"]
    assert (before, names(rung(database, NOW + DAY))) == ([], [("feed_broken", "feed")])
    with database.write() as connection:
        feeds.fetched(connection, 1, now=NOW + DAY, due_at=NOW + DAY)
    assert rung(database, NOW + DAY) == []


def test_an_outlet_that_falls_silent_while_others_go_on_is_quiet_until_it_brings_news(
    database: Database, clock: Clock
) -> None:
    with Loopback({}) as server:
        urls = [server.url(f"/{name}.xml") for name in "abc"]
        seen = []
        for day in range(13):
            silent = 3 <= day < 10
            for name in "abc":
                until = START + 2 * DAY if silent and name == "a" else clock.now
                server.routes[f"/{name}.xml"] = rss(*daily(until.replace(hour=5, minute=0)), name=name)
            clock.now += DAY + HOUR / 60
            make_pass(database, clock, *urls)
            seen.append(health(database)["a"].state)
            if day == 9:
                alarms, quiet = rung(database, clock.now), health(database)["a"]
    assert seen == ["ok"] * 5 + ["quiet"] * 5 + ["ok"] * 3
    assert [(alarm.kind, alarm.subject) for alarm in alarms] == [("outlet_quiet", "a")]
    assert alarms[0].since == quiet.last_new_at
    assert (quiet.reason, "2 of 2 others went on" in alarms[0].why) == ("silent", True)
    assert rung(database, clock.now) == []


def test_when_all_outlets_fall_silent_at_once_none_is_quiet(database: Database, clock: Clock) -> None:
    with Loopback({f"/{name}.xml": rss(*daily(START), name=name) for name in "abc"}) as server:
        for _ in range(10):
            make_pass(database, clock, *(server.url(f"/{name}.xml") for name in "abc"))
            clock.now += DAY
    assert {feed.state for feed in health(database).values()} == {"ok"}


def test_a_section_that_falls_silent_is_told_apart_from_its_outlet(database: Database) -> None:
    with database.write() as connection:
        one, two = add_feed(connection, source(), source("https://anna:secret@a.example/sports"))
        feeds.unchanged(connection, two, now=NOW, due_at=NOW, state="quiet", reason="silent", detail="nothing new")
        passes.end(connection, passes.begin(connection, NOW), NOW, passes.Done())
        section = queries.alarms(connection, SETTINGS.alarms, interval_s=900, now=NOW)
        feeds.unchanged(connection, one, now=NOW, due_at=NOW, state="quiet", reason="silent", detail="nothing new")
        outlet = queries.alarms(connection, SETTINGS.alarms, interval_s=900, now=NOW)
    assert [alarm.subject for alarm in section] == ["Asahi: https://a.example/sports"]
    assert [(alarm.subject, "all 2 of its feeds" in alarm.why) for alarm in outlet] == [("Asahi", True)]


def test_F57_no_pass_that_comes_to_its_end_is_an_alarm_until_one_does(database: Database, clock: Clock) -> None:
    with Loopback({"/a.xml": rss(START)}) as server:
        make_pass(database, clock, server.url("/a.xml"))
        fresh = rung(database, clock.now + HOUR)
        with database.write() as connection:
            passes.begin(connection, clock.now + HOUR)
        hung = rung(database, clock.now + 3 * HOUR)
        clock.now += 4 * HOUR
        make_pass(database, clock, server.url("/a.xml"))
    assert (fresh, names(hung), rung(database, clock.now)) == ([], [("pipeline_starved", "passes")], [])
    assert "still under way, or was killed" in hung[0].why


def test_F57_passes_that_fail_again_and_again_are_an_alarm_with_the_reason(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        for hour in range(4):
            pass_id = passes.begin(connection, NOW + hour * HOUR)
            passes.end(connection, pass_id, NOW + hour * HOUR, passes.Done(feeds=1), failure="OSError: disk")
    found = rung(database, NOW + 3 * HOUR)
    assert (names(found), found[0].since) == ([("pipeline_starved", "passes")], NOW)
    assert "failed: OSError: disk" in found[0].why
    assert rung(database, NOW + HOUR) == []


def test_a_service_that_never_made_a_pass_is_an_alarm(database: Database) -> None:
    assert rung(database, NOW) == []
    with database.write() as connection:
        add_feed(connection)
    assert names(rung(database, NOW + 3 * HOUR)) == [("pipeline_starved", "passes")]


def test_F59_a_pass_made_under_a_clock_that_was_ahead_does_not_keep_the_watchdog_quiet(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        passes.end(connection, passes.begin(connection, NOW + 300 * DAY), NOW + 300 * DAY, passes.Done())
    ahead = names(rung(database, NOW))
    with database.write() as connection:
        passes.end(connection, passes.begin(connection, NOW), NOW, passes.Done())
    assert (ahead, rung(database, NOW)) == ([("pipeline_starved", "passes")], [])


def test_F59_feeds_and_entries_planned_under_a_clock_that_was_ahead_are_not_left_alone(
    database: Database, clock: Clock
) -> None:
    with Loopback({"/a.xml": rss(START)}) as server:
        url = server.url("/a.xml")
        clock.now += 365 * DAY
        make_pass(database, clock, url)
        with database.write() as connection:
            connection.execute(update(entries).values(state="announced", next_try_at=clock.now + DAY))
        clock.now = START
        report = make_pass(database, clock, url)
    with database.read() as connection:
        left = connection.scalar(select(func.count()).where(entries.c.state == "announced"))
    assert (len(report.feeds), left) == (1, 0)


def test_entries_that_wait_for_their_page_for_too_long_are_an_alarm(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        passes.end(connection, passes.begin(connection, NOW), NOW + 7 * HOUR, passes.Done())
        articles.add_entries(connection, 1, [entry("1"), entry("2", "https://a.example/2")], NOW)
        articles.retry_later(connection, 2, NOW + 6 * HOUR, "timeout")
    early, late = rung(database, NOW + 5 * HOUR), rung(database, NOW + 7 * HOUR)
    with database.write() as connection:
        articles.store(connection, 1, article(), NOW + 7 * HOUR)
    assert (early, names(late), late[0].since, late[0].why[:2]) == ([], [("pipeline_starved", "fetching")], NOW, "1 ")
    assert rung(database, NOW + 7 * HOUR) == []


def test_an_old_entry_that_was_edited_does_not_count_as_waiting_since_it_was_first_seen(database: Database) -> None:
    later = NOW + 3 * DAY
    with database.write() as connection:
        add_article(connection, article(), tone=0.1)
        articles.add_entries(connection, 1, [entry("https://a.example/1", title="Edited")], later)
        passes.end(connection, passes.begin(connection, later), later, passes.Done())
    assert rung(database, later) == []


def test_F65_everything_fetched_and_nothing_judged_is_an_alarm_until_the_model_works(
    database: Database, clock: Clock
) -> None:
    text = "Talks on a peace treaty with Japan go on, said the president of Russia on Monday. " * 12
    page = f"<html><title>Talks</title><article><h1>Talks</h1><p>{text}</p></article></html>"
    with Loopback({"/p.html": answer(page.encode(), content_type="text/html")}) as server:
        item = f"<item><title>Talks</title><link>{server.url('/p.html')}</link></item>"
        server.routes["/a.xml"] = answer(f'<rss version="2.0"><channel><title>a</title>{item}</channel></rss>'.encode())
        url = server.url("/a.xml")
        report = make_pass(database, clock, url, judge=Broken())
        early = rung(database, clock.now)
        clock.now += 7 * HOUR
        make_pass(database, clock, url, judge=Broken())
        late = rung(database, clock.now)
        make_pass(database, clock, url)
    assert (report.counts["unscored"], early) == (1, [])
    assert names(late) == [("pipeline_starved", "scoring")]
    assert rung(database, clock.now) == []


def test_a_new_run_has_time_to_judge_what_is_stored(database: Database) -> None:
    later = NOW + 30 * DAY
    with database.write() as connection:
        add_article(connection, article())
        scores.save_screening(connection, 1, 1, IRRELEVANT, NOW)
        passes.end(connection, passes.begin(connection, later), later, passes.Done())
        run_id = scores.ensure_run(connection, Run(**{**vars_of(RUN), "heads_hash": "9"}), later)
        add_article(connection, article("https://a.example/2", "Another text. On the talks."))
        scores.save_screening(connection, 2, run_id, IRRELEVANT, later)
    assert rung(database, later + HOUR) == []
    assert ("pipeline_starved", "scoring") in names(rung(database, later + 7 * HOUR))


def vars_of(run: Run) -> dict[str, str]:
    return {name: getattr(run, name) for name in Run.__dataclass_fields__}


def test_pages_that_are_fetched_for_a_week_without_a_score_are_an_alarm(database: Database) -> None:
    later = NOW + 8 * DAY
    with database.write() as connection:
        add_article(connection, article(), tone=0.1)
        passes.end(connection, passes.begin(connection, later), later, passes.Done())
        rows = [
            {"url": f"https://a.example/{n}", "what": "page", "at": NOW + n * HOUR, "outcome": "ok"} for n in range(190)
        ]
        connection.execute(fetches.insert(), rows)
    early, late = rung(database, NOW + 6 * DAY), rung(database, later)
    with database.write() as connection:
        second = article("https://a.example/2", "Talks again. Hope.")
        stored = add_article(connection, second)
        scores.save_screening(connection, stored.revision_id, 1, RELEVANT, later)
        scores.save_score(connection, stored.revision_id, 1, score(second), later)
    assert ([one for one in names(early) if one[1] == "relevance"], names(late), late[0].since) == (
        [], [("pipeline_starved", "relevance")], NOW,
    )  # fmt: skip
    assert rung(database, later) == []


def test_a_feed_that_is_not_watched_any_more_rings_no_alarm(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection)
        feeds.failed(connection, 1, reason="gone", detail="410", due_at=NOW, now=NOW)
        connection.execute(update(table).values(active=False))
        assert queries.alarms(connection, SETTINGS.alarms, interval_s=900, now=NOW + DAY) == ()


def test_passes_that_find_nothing_to_do_take_one_row(database: Database) -> None:
    with database.write() as connection:
        for n, done in enumerate([passes.Done(feeds=1), *[passes.Done()] * 5, passes.Done(judged=2), passes.Done()]):
            passes.end(connection, passes.begin(connection, NOW + n * HOUR), NOW + n * HOUR, done)
        last = passes.last(connection, "ok")
        assert (passes.counts(connection), last and last.ended_at) == ({"ok": 4}, NOW + 7 * HOUR)


def test_the_alarms_command_tells_what_is_wrong_and_exits_with_1(tmp_path: Path) -> None:
    none = treatywatch("alarms", home=tmp_path)
    assert (none.returncode, none.stdout.strip()) == (0, "No alarm.")
    from storage.database import open_database

    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    with database.write() as connection:
        add_feed(connection)
        feeds.failed(connection, 1, reason="gone", detail="410", due_at=NOW, now=NOW)
    database.close()
    told, plain = treatywatch("alarms", "--json", home=tmp_path), treatywatch("alarms", home=tmp_path)
    doctor = treatywatch("doctor", "--only", "alarms", "--json", home=tmp_path)
    assert [(row["kind"], row["since"]) for row in json.loads(told.stdout)] == [
        ("feed_broken", NOW.isoformat()),
        ("pipeline_starved", NOW.isoformat()),
    ]
    assert (told.returncode, plain.returncode, "feed_broken" in plain.stdout) == (1, 1, True)
    (finding,) = json.loads(doctor.stdout)
    assert (doctor.returncode, finding["ok"], "1 feed_broken" in finding["found"]) == (1, False, True)
