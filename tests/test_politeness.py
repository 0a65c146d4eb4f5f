"""How whole passes treat the servers they ask, a restart between any two of them: real fetches over loopback."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from config.settings import load
from config.sources import FeedSource
from pipeline.analyse.judge import Judgement
from pipeline.passes import PassReport
from pipeline.records import Article
from pipeline.run import run_once
from pipeline.tools import tools_of, workers
from storage import queries
from storage.database import Database, open_database
from tests.loopback import Handler, Loopback, Request, Write, answer
from tests.samples import IRRELEVANT, RUN, Clock

DAY = timedelta(days=1)
TEXT = f"<html><body><p>{'Japan and Russia held talks on a peace treaty, and will go on. ' * 6}</p></body></html>"
PAGE = answer(TEXT.encode(), content_type="text/html; charset=utf-8")


class Uninterested:
    """A judge for whom nothing is about the talks."""

    run = RUN

    def judge(self, article: Article) -> Judgement:
        return Judgement(relevance=IRRELEVANT)


class Watch:
    """The service on its database. Every pass is a new start: nothing is kept but what is stored."""

    def __init__(self, home: Path, *flags: str) -> None:
        self.clock = Clock()
        self._url = f"sqlite:///{home / 'coverage.db'}"
        always = ["fetch.allow_networks=['127.0.0.0/8']", "fetch.host_delay_s=0"]
        self._settings = load(flags=[*always, *flags], environ={})

    def look(self, *urls: str, after: timedelta = timedelta()) -> PassReport:
        """A pass, so long after the one before."""
        self.clock.now += after
        database = open_database(self._url)
        try:
            return asyncio.run(self._pass(database, urls))
        finally:
            database.close()

    async def _pass(self, database: Database, urls: tuple[str, ...]) -> PassReport:
        sources = [FeedSource(url=url, outlet=url, country="GB", language="en", kind="wire") for url in urls]
        async with tools_of(self._settings, judge=Uninterested()) as tools:  # type: ignore[arg-type]
            ready = replace(tools, clock=self.clock)
            return await run_once(ready, database, sources, self._settings.poll, at_once=workers(self._settings))

    def state(self) -> queries.FeedHealth:
        """How the only feed fares."""
        database = open_database(self._url)
        with database.read() as connection:
            (found,) = queries.feed_health(connection)
        database.close()
        return found


def feed(*links: str) -> bytes:
    items = "".join(f"<item><title>Talks {link}</title><link>{link}</link></item>" for link in links)
    return f'<rss version="2.0"><channel><title>Outlet</title>{items}</channel></rss>'.encode()


def conditional(body: bytes, etag: str, last_modified: str) -> Handler:
    """Answers 304 to whoever sends both validators back as they were."""

    def handle(request: Request, write: Write) -> None:
        sent = (request.headers.get("if-none-match"), request.headers.get("if-modified-since"))
        same = sent == (etag, last_modified)
        status, content = ("304 Not Modified", b"") if same else ("200 OK", body)
        answer(content, status=status, etag=etag, last_modified=last_modified)(request, write)

    return handle


VALIDATORS = [
    ('"33a64df5"', "Tue, 24 Nov 2026 11:00:00 GMT"),
    ('W/"33a64df5"', "Tue, 24 Nov 2026 20:00:00 +0900"),
    ("33a64df5", "2026-11-24 11:00"),
    ('"a, b;c=\\"d\\" --gzip"', "yesterday"),
    ("'" + "x" * 900 + "'", "Tue, 24 Nov 2026 11:00:00 GMT, Tue, 24 Nov 2026 11:00:00 GMT"),
]


@pytest.mark.parametrize(("etag", "last_modified"), VALIDATORS)
def test_F19_after_a_restart_validators_go_back_byte_for_byte(etag: str, last_modified: str, tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    with Loopback({"/f.xml": conditional(feed("/a.html"), etag, last_modified), "/a.html": PAGE}) as server:
        for _ in range(3):
            watch.look(server.url("/f.xml"), after=2 * DAY)
        first, *later = [request.headers for request in server.asked("/f.xml")]
        pages = len(server.asked("/a.html"))
    assert not {"if-none-match", "if-modified-since"} & first.keys()
    assert [(sent["if-none-match"], sent["if-modified-since"]) for sent in later] == [(etag, last_modified)] * 2
    assert (pages, watch.state().state) == (1, "ok")


def test_a_restart_asks_nothing_before_it_is_due(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    with Loopback({"/f.xml": answer(feed("/a.html"), etag='"1"'), "/a.html": PAGE}) as server:
        watch.look(server.url("/f.xml"))
        asked = len(server.requests)
        for _ in range(5):
            watch.look(server.url("/f.xml"), after=timedelta(minutes=1))
        assert len(server.requests) == asked


def test_a_server_that_ignores_validators_is_not_asked_for_its_pages_again(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    links = [f"/{number}.html" for number in range(5)]
    with Loopback({"/f.xml": answer(feed(*links), etag='"1"')} | dict.fromkeys(links, PAGE)) as server:
        for _ in range(3):
            watch.look(server.url("/f.xml"), after=2 * DAY)
        assert [len(server.asked(link)) for link in links] == [1] * 5
        assert [request.headers.get("if-none-match") for request in server.asked("/f.xml")] == [None, '"1"', '"1"']


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize("by_date", [False, True])
def test_F18_a_feed_that_asks_for_patience_gets_it_across_restarts(status: str, by_date: bool, tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    wait = timedelta(hours=5)
    asked = format_datetime(datetime.now(UTC) + wait) if by_date else str(int(wait.total_seconds()))
    with Loopback({"/f.xml": answer(status=status, retry_after=asked)}) as server:
        watch.look(server.url("/f.xml"))
        for _ in range(4):
            watch.look(server.url("/f.xml"), after=timedelta(hours=1))
        early = len(server.asked("/f.xml"))
        server.routes["/f.xml"] = answer(feed())
        watch.look(server.url("/f.xml"), after=timedelta(hours=2))
        late = len(server.asked("/f.xml"))
    assert (early, late) == (1, 2)


def test_F18_a_page_that_asks_for_patience_gets_it_across_restarts(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    routes = {"/f.xml": answer(feed("/a.html")), "/a.html": answer(status="429 Slow Down", retry_after="18000")}
    with Loopback(routes) as server:
        watch.look(server.url("/f.xml"))
        for _ in range(4):
            watch.look(server.url("/f.xml"), after=timedelta(hours=1))
        early = len(server.asked("/a.html"))
        watch.look(server.url("/f.xml"), after=timedelta(hours=3))
        assert (early, len(server.asked("/a.html"))) == (1, 2)


@pytest.mark.parametrize("allowed", [1, 3])
@pytest.mark.parametrize("keep_alive", [False, True])
def test_F23_a_host_has_no_more_connections_than_are_configured(allowed: int, keep_alive: bool, tmp_path: Path) -> None:
    lock, busy = threading.Lock(), [0, 0]

    def crowded(handler: Handler) -> Handler:
        def handle(request: Request, write: Write) -> None:
            with lock:
                busy[0] += 1
                busy[1] = max(busy)
            time.sleep(0.01)
            with lock:
                busy[0] -= 1
            handler(request, write)

        return handle

    links = [f"/{number}.html" for number in range(30)]
    stays = {"connection": "keep-alive"} if keep_alive else {}
    page = answer(TEXT.encode(), content_type="text/html; charset=utf-8", **stays)
    routes = {f"/{part}.xml": crowded(answer(feed(*links[part::3]), **stays)) for part in range(3)}
    routes |= dict.fromkeys(links, crowded(page)) | {"/robots.txt": crowded(answer(b"", **stays))}
    with Loopback(routes, keep_alive=keep_alive) as server:
        watch = Watch(tmp_path, f"fetch.host_concurrency={allowed}", "fetch.concurrency=8")
        report = watch.look(*(server.url(f"/{part}.xml") for part in range(3)))
        connections = server.connections
    assert sum(outcome.new for outcome in report.feeds) == 30
    assert (busy[1], connections) == (allowed, allowed if keep_alive else 34)


def test_F23_a_host_rests_between_any_two_requests_of_a_pass(tmp_path: Path) -> None:
    links = [f"/{number}.html" for number in range(6)]
    with Loopback({"/f.xml": answer(feed(*links))} | dict.fromkeys(links, PAGE)) as server:
        Watch(tmp_path, "fetch.host_delay_s=0.15", "fetch.host_concurrency=4").look(server.url("/f.xml"))
        times = [request.at for request in server.requests if request.path != "/robots.txt"]
    assert len(times) == 7
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.1


def test_every_request_says_who_asks_and_robots_txt_is_asked_once_a_start(tmp_path: Path) -> None:
    links = [f"/{number}.html" for number in range(6)]
    routes = {"/f.xml": answer(feed(*links)), "/robots.txt": answer(b"User-agent: *\nDisallow: /5")}
    with Loopback(routes | dict.fromkeys(links, PAGE)) as server:
        Watch(tmp_path, "fetch.contact=watch@institute.example").look(server.url("/f.xml"))
        agents = {request.headers["user-agent"] for request in server.requests}
        paths = [request.path for request in server.requests]
    assert agents == {"treatywatch/0.1 (media research) (watch@institute.example)"}
    assert (paths.count("/robots.txt"), "/5.html" in paths, len(paths)) == (1, False, 7)
