"""The whole flow, on real parts: loopback outlets, the real fetch, model and databases."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest
from sqlalchemy import func, select

from config.settings import Settings, load
from config.sources import FeedSource
from pipeline.analyse.judge import Judge, Judgement
from pipeline.demo.outlets import SampleArticle, sample_outlets
from pipeline.errors import ModelError
from pipeline.passes import PassReport, Tools
from pipeline.records import Article, Entry, Feed, Fetched, Run
from pipeline.run import rejudge, run_once
from pipeline.tools import tools_of
from storage import queries
from storage.database import Database, open_database
from storage.schema import entries
from tests.crowd import Crowd
from tests.loopback import Handler, Loopback, answer, redirect
from tests.rows import rows_of, settled
from tests.samples import Clock

pytestmark = pytest.mark.model
SAMPLES = {(outlet.slug, a.slug): a for outlet in sample_outlets() for a in outlet.articles}
HOPEFUL = SAMPLES["meridian-wire", "putin-agencies-japan"]
WARY = SAMPLES["asa-nippo", "shasetsu-tairo"]
RUSSIAN = SAMPLES["agentstvo-vektor", "putin-japonia-peregovory"]
QUAKE = SAMPLES["meridian-wire", "kuril-quake-62"]
GAS = SAMPLES["meridian-wire", "arctic-gas-mitsui"]


def settings() -> Settings:
    flags = ["fetch.allow_networks=['127.0.0.0/8']", "fetch.host_delay_s=0", "fetch.timeout_s=5"]
    return load(flags=flags, environ={})


def page(article: SampleArticle, *, title: str | None = None, text: str | None = None) -> Handler:
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in (text or article.text).strip().split("\n\n"))
    headline = escape(title or article.title)
    html = f"<html><title>{headline}</title><article><h1>{headline}</h1>{paragraphs}</article></html>"
    return answer(html.encode(), content_type="text/html; charset=utf-8")


def feed(*items: tuple[str, SampleArticle], title: str | None = None) -> Handler:
    listed = "".join(
        f"<item><title>{escape(title or article.title)}</title><link>{path}</link>"
        f"<description>{escape(article.summary)}</description></item>"
        for path, article in items
    )
    xml = f'<rss version="2.0"><channel><title>Outlet</title>{listed}</channel></rss>'
    return answer(xml.encode(), content_type="application/rss+xml; charset=utf-8")


def source(url: str, *, outlet: str = "Outlet", language: str = "en") -> FeedSource:
    return FeedSource(url=url, outlet=outlet, country="GB", language=language, kind="wire")  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_pass(
    database: Database,
    judge: Judge,
    clock: Clock,
    *sources: FeedSource,
    change: Callable[[Tools], Tools] = lambda tools: tools,
    only: str | None = None,
) -> PassReport:
    async def go() -> PassReport:
        async with tools_of(settings(), judge=judge) as tools:
            ready = change(replace(tools, clock=clock))
            return await run_once(ready, database, sources, settings().poll, only=only)

    return asyncio.run(go())


def covered(database: Database) -> dict[str, queries.Coverage]:
    with database.read() as connection:
        return {row.url.rsplit("/", 1)[1]: row for row in queries.coverage(connection, limit=100).rows}


def test_a_feed_goes_in_and_a_score_with_located_evidence_comes_out(
    database: Database, judge: Judge, clock: Clock
) -> None:
    routes = {
        "/en.xml": feed(("/en.html", HOPEFUL)),
        "/ja.xml": feed(("/ja.html", WARY)),
        "/ru.xml": feed(("/ru.html", RUSSIAN)),
        "/en.html": page(HOPEFUL),
        "/ja.html": page(WARY),
        "/ru.html": page(RUSSIAN),
    }
    with Loopback(routes) as server:
        sources = [
            source(server.url(f"/{code}.xml"), outlet=f"Outlet {code}", language=code) for code in ("en", "ja", "ru")
        ]
        report = make_pass(database, judge, clock, *sources)
    rows = covered(database)
    assert not report.failed
    assert {name: row.language for name, row in rows.items()} == {"en.html": "en", "ja.html": "ja", "ru.html": "ru"}
    assert rows["en.html"].tone > 0.25
    assert rows["ja.html"].tone < -0.25
    assert rows["ru.html"].tone > 0.25
    with database.read() as connection:
        evidence = {name: queries.evidence(connection, row.score_id) for name, row in rows.items()}
    assert all(evidence.values())
    assert all(q.text in WARY.text or q.text == WARY.title for q in evidence["ja.html"])


def test_a_second_pass_fetches_no_page_and_changes_no_row(database: Database, judge: Judge, clock: Clock) -> None:
    routes = {
        "/f.xml": feed(("/a.html", HOPEFUL), ("/b.html", QUAKE)),
        "/a.html": page(HOPEFUL),
        "/b.html": page(QUAKE),
    }
    with Loopback(routes) as server:
        make_pass(database, judge, clock, source(server.url("/f.xml")))
        before = rows_of(database)
        clock.later(days=1)
        report = make_pass(database, judge, clock, source(server.url("/f.xml")))
        assert (len(server.asked("/a.html")), len(server.asked("/b.html"))) == (1, 1)
    assert [outcome.outcome for outcome in report.feeds] == ["unchanged"]
    assert rows_of(database) == before


def test_a_feed_that_is_not_due_is_left_alone_unless_it_is_named(
    database: Database, judge: Judge, clock: Clock
) -> None:
    with Loopback({"/f.xml": feed()}) as server:
        url = server.url("/f.xml")
        counts = [len(make_pass(database, judge, clock, source(url), only=only).feeds) for only in (None, None, url)]
    assert counts == [1, 0, 1]


def test_the_same_article_from_two_feeds_is_one_article(database: Database, judge: Judge, clock: Clock) -> None:
    routes = {
        "/one.xml": feed(("/a.html?utm_source=rss", HOPEFUL)),
        "/two.xml": feed(("/a.html", HOPEFUL)),
        "/a.html": page(HOPEFUL),
        "/a.html?utm_source=rss": page(HOPEFUL),
    }
    with Loopback(routes) as server:
        make_pass(database, judge, clock, source(server.url("/one.xml")), source(server.url("/two.xml")))
    assert {
        name: len(rows) for name, rows in rows_of(database).items() if name in ("entries", "articles", "scores")
    } == {
        "entries": 2,
        "articles": 1,
        "scores": 1,
    }


def test_an_edited_article_is_a_revision_and_the_latest_counts(database: Database, judge: Judge, clock: Clock) -> None:
    routes = {"/f.xml": feed(("/a.html", HOPEFUL)), "/a.html": page(HOPEFUL)}
    with Loopback(routes) as server:
        make_pass(database, judge, clock, source(server.url("/f.xml")))
        first = covered(database)["a.html"]
        sober = SAMPLES["meridian-wire", "suga-four-islands-diet"]
        server.routes |= {"/f.xml": feed(("/a.html", HOPEFUL), title="Corrected"), "/a.html": page(sober)}
        clock.later(days=1)
        make_pass(database, judge, clock, source(server.url("/f.xml")))
    second = covered(database)["a.html"]
    assert first.article_id == second.article_id
    assert second.tone < first.tone
    assert [row[1] for row in rows_of(database)["revisions"]] == [1, 2]


def test_a_broken_feed_is_reported_and_the_others_are_read(database: Database, judge: Judge, clock: Clock) -> None:
    routes = {
        "/good.xml": feed(("/a.html", HOPEFUL)),
        "/a.html": page(HOPEFUL),
        "/html.xml": answer(b"<html><body>Please log in</body></html>", content_type="text/html"),
        "/busy.xml": answer(status="503 Busy", retry_after="7200"),
    }
    with Loopback(routes) as server:
        urls = {name: server.url(f"/{name}.xml") for name in ("good", "html", "busy", "missing")}
        report = make_pass(database, judge, clock, *(source(url) for url in urls.values()))
    outcomes = {outcome.url: outcome.outcome for outcome in report.feeds}
    assert report.failed
    assert outcomes == {
        urls["good"]: "ok", urls["html"]: "not_a_feed", urls["busy"]: "http_status", urls["missing"]: "http_status",
    }  # fmt: skip
    assert list(covered(database)) == ["a.html"]
    with database.read() as connection:
        due = {row.url: row.due_at for row in queries.feed_health(connection)}
    busy = due[urls["busy"]]
    assert busy is not None
    assert busy - clock.now > timedelta(seconds=7100)


def test_a_page_that_cannot_be_had_leaves_the_summary_flagged_partial(
    database: Database, judge: Judge, clock: Clock
) -> None:
    told = replace(HOPEFUL, summary=HOPEFUL.text.split("\n\n")[0] + " " + HOPEFUL.text.split("\n\n")[1])
    with Loopback({"/f.xml": feed(("/gone.html", told)), "/gone.html": answer(status="410 Gone")}) as server:
        report = make_pass(database, judge, clock, source(server.url("/f.xml")))
    row = covered(database)["gone.html"]
    assert (row.partial, report.counts["partial"], report.counts["page gone"]) == (True, 1, 1)


def test_a_page_that_fails_for_now_is_tried_again_later(database: Database, judge: Judge, clock: Clock) -> None:
    routes = {"/f.xml": feed(("/a.html", HOPEFUL)), "/a.html": answer(status="500 Oops")}
    with Loopback(routes) as server:
        feed_url = source(server.url("/f.xml"))
        assert make_pass(database, judge, clock, feed_url).counts["retried later"] == 1
        server.routes["/a.html"] = page(HOPEFUL)
        clock.later(days=2)
        make_pass(database, judge, clock, feed_url)
    assert not covered(database)["a.html"].partial


def test_what_is_dropped_is_kept_with_stage_and_reason_and_not_fetched_again(
    database: Database, judge: Judge, clock: Clock
) -> None:
    routes = {
        "/f.xml": feed(("/quake.html", QUAKE), ("/gas.html", GAS)),
        "/quake.html": page(QUAKE),
        "/gas.html": page(GAS),
    }
    with Loopback(routes) as server:
        url = server.url("/quake.html")
        make_pass(database, judge, clock, source(server.url("/f.xml")))
        server.routes["/g.xml"] = feed(("/quake.html", QUAKE), ("/gas.html", GAS))
        make_pass(database, judge, clock, source(server.url("/f.xml")), source(server.url("/g.xml"), outlet="Other"))
        assert (len(server.asked("/quake.html")), len(server.asked("/gas.html"))) == (1, 1)
    assert {(row[1], row[2]) for row in rows_of(database)["drops"]} <= {
        ("screen", "not_about_the_talks"), ("gate", "no_subject"), ("gate", "no_japan"), ("gate", "no_russia"),
    }  # fmt: skip
    assert covered(database) == {}
    with database.read() as connection:
        found = queries.explain(connection, url)
    assert found is not None
    assert [entry["state"] for entry in found.entries] in (["done"] * 2, ["dropped"] * 2)
    assert len(found.drops) == 1


def test_a_feed_that_moved_for_good_is_known_by_its_new_address(database: Database, judge: Judge, clock: Clock) -> None:
    with Loopback({"/old.xml": redirect("/new.xml", "301 Moved"), "/new.xml": feed()}) as server:
        make_pass(database, judge, clock, source(server.url("/old.xml")))
        with database.read() as connection:
            assert [row.url for row in queries.feed_health(connection)] == [server.url("/new.xml")]


class Rerun(Judge):
    """The same judge under another stamp, as after a change of heads."""

    def __init__(self, judge: Judge) -> None:
        self.__dict__ = dict(judge.__dict__)
        self.run = replace(judge.run, heads_hash="another")


def test_rescoring_adds_a_run_and_fetches_nothing(database: Database, judge: Judge, clock: Clock) -> None:
    with Loopback({"/f.xml": feed(("/a.html", HOPEFUL)), "/a.html": page(HOPEFUL)}) as server:
        make_pass(database, judge, clock, source(server.url("/f.xml")))
        asked = len(server.requests)

        async def again() -> PassReport:
            async with tools_of(settings(), judge=Rerun(judge)) as tools:
                return await rejudge(replace(tools, clock=clock), database, settings().poll)

        first = covered(database)["a.html"]
        reports = [asyncio.run(again()), asyncio.run(again())]
        assert len(server.requests) == asked
    second = covered(database)["a.html"]
    assert [report.counts["rejudged"] for report in reports] == [1, 0]
    assert (first.run != second.run, first.tone == second.tone) == (True, True)


class Failing:
    """A judge whose model is broken."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def judge(self, article: Article) -> Judgement:
        raise ModelError("the model gave up")


def test_F65_an_article_is_kept_unscored_when_the_model_fails_and_scored_later(
    database: Database, judge: Judge, clock: Clock
) -> None:
    with Loopback({"/f.xml": feed(("/a.html", HOPEFUL)), "/a.html": page(HOPEFUL)}) as server:
        url = source(server.url("/f.xml"))
        broken = make_pass(database, judge, clock, url, change=lambda tools: replace(tools, judge=Failing(judge.run)))  # type: ignore[arg-type]
        assert (broken.failed, broken.counts["unscored"], covered(database)) == (True, 1, {})
        mended = make_pass(database, judge, clock, url)
        assert len(server.asked("/a.html")) == 1
    assert (mended.counts["rejudged"], list(covered(database))) == (1, ["a.html"])


def test_a_page_that_breaks_the_extractor_stops_neither_the_others_nor_the_next_pass(
    database: Database, judge: Judge, clock: Clock
) -> None:
    def breaking(tools: Tools) -> Tools:
        async def extract(page: Fetched, entry: Entry, feed: Feed) -> Article:
            return await tools.extract(page, entry, feed) if page.url.endswith("a.html") else 1 / 0  # type: ignore[return-value]

        return replace(tools, extract=extract)

    routes = {"/f.xml": feed(("/b.html", WARY), ("/a.html", HOPEFUL)), "/a.html": page(HOPEFUL), "/b.html": page(WARY)}
    with Loopback(routes) as server:
        report = make_pass(database, judge, clock, source(server.url("/f.xml")), change=breaking)
    assert (list(covered(database)), report.drops) == (["a.html"], {("extract", "unexpected"): 1})


def test_every_announced_entry_ends_somewhere(database: Database, judge: Judge, clock: Clock) -> None:
    routes = {
        "/f.xml": feed(("/a.html", HOPEFUL), ("/b.html", QUAKE), ("/pdf.html", GAS), ("javascript:alert(1)", WARY)),
        "/a.html": page(HOPEFUL),
        "/b.html": page(QUAKE),
        "/pdf.html": answer(b"%PDF-1.7 ...", content_type="application/pdf"),
    }
    with Loopback(routes) as server:
        make_pass(database, judge, clock, source(server.url("/f.xml")))
    with database.read() as connection:
        left = connection.scalar(select(func.count()).where(entries.c.state == "announced"))
        total = connection.scalar(select(func.count()).select_from(entries))
    assert (left, total) == (0, 4)


def test_F51_a_run_killed_half_way_ends_in_the_same_rows(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with Crowd(6, 4) as crowd:
        run = [sys.executable, "-m", "pipeline"]
        subprocess.run([*run, "--config", crowd.settings(one), "run"], check=True, capture_output=True)
        killed = subprocess.Popen(
            [*run, "--config", crowd.settings(two), "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while settled(two / "coverage.db") < 8 and killed.poll() is None:
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
        assert 8 <= settled(two / "coverage.db") < 24
        subprocess.run([*run, "--config", two / "settings.toml", "run"], check=True, capture_output=True)
    first, second = (_rows_at(home / "coverage.db") for home in (one, two))
    assert first == second
    assert len(first["entries"]) == 24


def _rows_at(file: Path) -> dict[str, list[tuple[object, ...]]]:
    database = open_database(f"sqlite:///{file}")
    try:
        return rows_of(database)
    finally:
        database.close()
