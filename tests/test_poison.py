"""Bodies that kill workers, through whole passes: one strike is tried again, two set the page aside.

Real loopback outlets, fetches, workers and databases; the model is left out, so that articles wait for their score.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from html import escape

import pytest
from sqlalchemy import select

from config.settings import Settings, load
from config.sources import FeedSource
from pipeline.analyse.judge import Judgement
from pipeline.collect.workers import Workers
from pipeline.errors import ExtractError, ModelError, ParseError
from pipeline.passes import PassReport, Tools
from pipeline.records import Article, Entry, Feed, Fetched, ParsedFeed
from pipeline.run import run_once
from pipeline.tools import tools_of
from storage import articles, queries
from storage.database import Database
from storage.schema import articles as articles_table
from storage.schema import entries, feeds, revisions
from tests import hostile
from tests.loopback import Handler, Loopback, answer
from tests.samples import RUN, Clock

SENTENCE = "Japan and Russia held talks on a peace treaty, and officials said that they would go on. "
SOUND = f"<p>{SENTENCE * 4}</p>"
GREEDY = "<p>" + "x" * 5_000_000  # takes more than the memory limit below
SEGFAULT = "<p>segfault</p>"
Change = Callable[[Tools, Workers], Tools]


def settings(*flags: str) -> Settings:
    always = ["fetch.allow_networks=['127.0.0.0/8']", "fetch.host_delay_s=0", "workers.memory_mb=64"]
    return load(flags=[*always, *flags], environ={})


def page(inner: str) -> Handler:
    return answer(f"<html><body>{inner}</body></html>".encode(), content_type="text/html; charset=utf-8")


def feed(*paths: str, summary: str = "The talks go on, says the feed.", title: str = "Talks") -> Handler:
    items = "".join(
        f"<item><title>{title} {path}</title><link>{path}</link><description>{escape(summary)}</description></item>"
        for path in paths
    )
    return answer(f'<rss version="2.0"><channel><title>Outlet</title>{items}</channel></rss>'.encode())


def source(url: str) -> FeedSource:
    return FeedSource(url=url, outlet="Outlet", country="GB", language="en", kind="wire")


class Absent:
    """A judge without a model: articles are kept, and wait for their score."""

    run = RUN

    def judge(self, article: Article) -> Judgement:
        raise ModelError("there is no model here")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def unchanged(tools: Tools, _: Workers) -> Tools:
    return tools


def deadly(tools: Tools, workers: Workers) -> Tools:
    """Tools whose workers die, of a segmentation fault, of bodies that say so."""

    async def parse(fetched: Fetched) -> ParsedFeed:
        return await workers.run(ParseError, fetched.url, hostile.deadly_feed, fetched, max_entries=10)

    async def extract(fetched: Fetched, entry: Entry, feed: Feed) -> Article:
        read = partial(hostile.deadly_page, settings=load(environ={}).extract)
        return await workers.run(ExtractError, fetched.url, read, fetched, entry, feed)

    return replace(tools, parse=parse, extract=extract)


def make_pass(
    database: Database, clock: Clock, *urls: str, change: Change = unchanged, flags: tuple[str, ...] = ()
) -> PassReport:
    """A pass, two days after the one before."""

    async def go() -> PassReport:
        chosen = settings(*flags)
        async with tools_of(chosen, judge=Absent()) as tools, Workers(chosen.workers) as workers:  # type: ignore[arg-type]
            ready = change(replace(tools, clock=clock), workers)
            return await run_once(ready, database, map(source, urls), chosen.poll)

    clock.now += timedelta(days=2)
    return asyncio.run(go())


def waiting(database: Database) -> list[tuple[str | None, str, int]]:
    """Link, reason and attempts of the entries that wait for their page."""
    found = select(entries.c.link, entries.c.reason, entries.c.attempts).where(entries.c.state == "announced")
    with database.read() as connection:
        return [(link.rsplit("/", 1)[1], reason, n) for link, reason, n in connection.execute(found)]


def texts(database: Database) -> dict[str, tuple[str, bool]]:
    """The current text of every article, and whether it is partial."""
    joined = articles_table.join(revisions, articles_table.c.id == revisions.c.article_id)
    current = select(articles_table.c.url, revisions.c.text, revisions.c.partial).select_from(joined)
    with database.read() as connection:
        rows = connection.execute(current.where(revisions.c.number == articles_table.c.revision)).all()
    return {url.rsplit("/", 1)[1]: (text, partial) for url, text, partial in rows}


@pytest.mark.parametrize(
    ("killer", "change", "reason"),
    [(GREEDY, unchanged, "extract_memory"), (SEGFAULT, deadly, "extract_crash")],
    ids=["memory", "segfault"],
)
def test_F41_F43_a_page_that_kills_twice_is_set_aside_and_its_summary_kept(
    database: Database, clock: Clock, killer: str, change: Change, reason: str
) -> None:
    routes = {"/f.xml": feed("/bad.html", "/good.html"), "/bad.html": page(killer), "/good.html": page(SOUND)}
    with Loopback(routes) as server:
        url, bad = server.url("/f.xml"), server.url("/bad.html")
        first = make_pass(database, clock, url, change=change)
        assert first.counts["retried later"] == 1
        assert waiting(database) == [("bad.html", reason, 1)]
        assert texts(database) == {"good.html": ((SENTENCE * 4).strip(), False)}
        second = make_pass(database, clock, url, change=change)
        third = make_pass(database, clock, url, change=change)
        assert len(server.asked("/bad.html")) == 2
    assert (second.drops, third.drops, waiting(database)) == ({("page", "poison"): 1}, {}, [])
    assert texts(database)["bad.html"] == ("The talks go on, says the feed.", True)
    with database.read() as connection:
        found = queries.explain(connection, bad)
        funnel = queries.funnel(connection)
    assert found is not None
    assert [(drop["stage"], drop["reason"]) for drop in found.drops] == [("page", "poison")]
    assert bad in found.drops[0]["detail"]
    assert [fetch["outcome"] for fetch in found.fetches if fetch["what"] == "page"] == [reason, reason]
    assert (funnel.dropped, funnel.partial, funnel.set_aside) == ({("page", "poison"): 1}, 1, 0)


def test_F43_a_page_set_aside_is_not_fetched_again_when_the_feed_edits_its_entry(
    database: Database, clock: Clock
) -> None:
    with Loopback({"/f.xml": feed("/bad.html"), "/bad.html": page(GREEDY)}) as server:
        for _ in range(2):
            make_pass(database, clock, server.url("/f.xml"))
        server.routes["/f.xml"] = feed("/bad.html", summary="The talks have ended, says the feed.")
        edited = make_pass(database, clock, server.url("/f.xml"))
        assert len(server.asked("/bad.html")) == 2
    assert edited.counts["page poison"] == 1
    assert texts(database) == {"bad.html": ("The talks have ended, says the feed.", True)}


def test_F43_a_page_that_killed_once_and_can_then_be_read_is_an_article(database: Database, clock: Clock) -> None:
    with Loopback({"/f.xml": feed("/a.html"), "/a.html": page(SEGFAULT)}) as server:
        make_pass(database, clock, server.url("/f.xml"), change=deadly)
        server.routes["/a.html"] = page(SOUND)
        report = make_pass(database, clock, server.url("/f.xml"), change=deadly)
    assert (texts(database)["a.html"][1], report.drops) == (False, {})


def test_F41_a_page_that_times_out_where_one_attempt_is_all_leaves_the_summary_at_once(
    database: Database, clock: Clock
) -> None:
    slow = page("<article>" + "<p>ab c.</p>" * 50_000)
    with Loopback({"/f.xml": feed("/slow.html"), "/slow.html": slow}) as server:
        flags = ("poll.max_attempts=1", "workers.timeout_s=0.2")
        report = make_pass(database, clock, server.url("/f.xml"), flags=flags)
        with database.read() as connection:
            found = queries.explain(connection, server.url("/slow.html"))
    assert found is not None
    assert [fetch["outcome"] for fetch in found.fetches if fetch["what"] == "page"] == ["extract_timeout"]
    assert (report.drops, waiting(database)) == ({("page", "poison"): 1}, [])
    assert texts(database)["slow.html"] == ("The talks go on, says the feed.", True)


def test_F43_a_feed_that_kills_twice_in_a_row_is_asked_once_a_day_until_it_can_be_read(
    database: Database, clock: Clock
) -> None:
    with Loopback({"/bad.xml": feed("/segfault.html"), "/good.xml": feed("/a.html"), "/a.html": page(SOUND)}) as server:
        bad, good = server.url("/bad.xml"), server.url("/good.xml")
        seen = []
        for _ in range(3):
            report = make_pass(database, clock, bad, good, change=deadly)
            assert {outcome.url: outcome.failed for outcome in report.feeds} == {bad: True, good: False}
            with database.read() as connection:
                state = next(row for row in queries.feed_health(connection) if row.url == bad)
            assert state.due_at is not None
            seen.append((state.state, state.reason, state.due_at - clock.now > timedelta(hours=23)))
        assert seen == [("failing", "parse_crash", False), ("failing", "poison", True), ("failing", "poison", True)]
        assert "SIGSEGV" in state.detail
        server.routes["/bad.xml"] = feed("/a.html")
        make_pass(database, clock, bad, good, change=deadly)
    with database.read() as connection:
        row = connection.execute(select(feeds.c.state, feeds.c.reason).where(feeds.c.url == bad)).one()
    assert tuple(row) == ("ok", "")


def test_F43_strikes_count_for_the_page_whichever_feed_announces_it(database: Database, clock: Clock) -> None:
    routes = {"/one.xml": feed("/bad.html"), "/two.xml": feed("/bad.html"), "/bad.html": page(GREEDY)}
    with Loopback(routes) as server:
        make_pass(database, clock, server.url("/one.xml"), server.url("/two.xml"))
        assert len(server.asked("/bad.html")) == 2
        with database.read() as connection:
            left = articles.pending(connection, clock.now + timedelta(days=9))
    assert (left, list(texts(database))) == ([], ["bad.html"])
