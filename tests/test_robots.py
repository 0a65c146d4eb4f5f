"""robots.txt: read as RFC 9309 says, remembered, obeyed on every hop."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from config.settings import load
from pipeline.collect.fetch import Fetcher
from pipeline.collect.robots import Robots, Rules, product_token, read_rules, rules_without
from pipeline.errors import FetchError
from pipeline.records import Fetched
from tests.loopback import Handler, Loopback, Request, Write, answer, raw, redirect

CORPUS = Path(__file__).parents[2] / "shared" / "corpora" / "robots" / "data.tar.gz"
AGENT = "treatywatch/0.1 (media research)"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SITE = "https://news.example"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def allowed(text: str | bytes, path: str = "/a", agent: str = AGENT) -> bool:
    return read_rules(text.encode() if isinstance(text, str) else text, agent).allow(SITE + path)


def outcomes(
    *urls: str, clock: Clock | None = None, timeout_s: float = 5, later: timedelta = timedelta(0)
) -> list[FetchError | str]:
    """What fetching one URL after the other gives, the clock set on in between: the body or the error."""
    clock = clock or Clock()
    flags = ["fetch.allow_networks=['127.0.0.0/8']", "fetch.host_delay_s=0", f"fetch.timeout_s={timeout_s}"]

    async def resolve(host: str, _: int) -> Sequence[str]:
        return ["10.0.0.1" if host == "inside.example" else "127.0.0.1"]

    async def go() -> list[FetchError | str]:
        found: list[FetchError | str] = []
        async with Fetcher(load(flags=flags, environ={}).fetch, resolve=resolve, clock=clock) as fetcher:
            for url in urls:
                try:
                    got = await fetcher.fetch(url)
                    found.append(got.body.decode() if isinstance(got, Fetched) else "unchanged")
                except FetchError as error:
                    found.append(error)
                clock.now += later
        return found

    return asyncio.run(go())


def words(found: Sequence[FetchError | str]) -> list[str]:
    return [got.reason if isinstance(got, FetchError) else got for got in found]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("", "/a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/x.pdf?page=1", True),
        ("User-agent: *\nDisallow: /平和", "/%E5%B9%B3%E5%92%8C", False),
        ("User-agent: TreatyWatch\nDisallow: /\nUser-agent: *\nAllow: /", "/a", False),
        ("User-agent: treatywatch/0.1\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /\nUser-agent: treatywatch\nDisallow: /x", "/a", True),
        ("User-agent: other\nUser-agent: treatywatch\nDisallow: /", "/a", False),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("User-agent: treaty\nDisallow: /", "/a", True),
        ("User-agent: watch\nDisallow: /", "/a", True),
        ("User-agent: treatywatch-images\nDisallow: /", "/a", True),
        ("USER AGENT : *\nDISALLOW : /", "/a", False),
        ("User-agent: * # everybody\nDisallow: / # all of it", "/a", False),
        ("\ufeffUser-agent: *\r\nDisallow: /\r\n", "/a", False),
        ("User-agent: *\rDisallow: /", "/a", False),
        ("Disallow: /", "/a", True),
        ("<!doctype html><title>Not found</title><p>Disallow: /", "/a", True),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
    ],
)
def test_the_rules_are_those_of_the_standard(text: str, path: str, expected: bool) -> None:
    assert allowed(text, path) == expected


@pytest.mark.parametrize(
    "body", [b"\x89PNG\r\n\x1a\n\0\0User-agent: *\nDisallow: /", b"\xff\xfe\x00", bytes(range(256))]
)
def test_F24_binary_is_no_rules(body: bytes) -> None:
    assert allowed(body)


def test_F24_only_the_first_500_kib_count() -> None:
    padding = b"# padding\n" * 60_000
    assert (allowed(b"User-agent: *\nDisallow: /\n" + padding), allowed(padding + b"User-agent: *\nDisallow: /")) == (
        False,
        True,
    )


@pytest.mark.parametrize(
    ("asked", "given"),
    [("5", 5.0), ("0.5", 0.5), ("86400", 60.0), ("-1", 0.0), ("nan", 0.0), ("inf", 0.0), ("soon", 0.0)],
)
def test_crawl_delay_is_honoured_within_bounds(asked: str, given: float) -> None:
    assert read_rules(f"User-agent: *\nCrawl-delay: {asked}".encode(), AGENT).delay_s == given


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: bot{number}\n" for number in range(15_000)) + "Disallow: /x\n" * 12_000,
        "User-agent: *\nDisallow: /" + "*a" * 250_000,
        "User-agent: *\n" + "".join(f"Disallow: /*a*a*{number}\n" for number in range(25_000)),
        "User-agent: *\n" + "Allow: /a\nDisallow: /a\n" * 20_000,
        "user " * 100_000,
        "User-agent" + " " * 400_000 + "x",
    ],
    ids=["agents", "stars", "patterns", "rules", "words", "spaces"],
)
def test_no_robots_txt_keeps_the_others_waiting(text: str) -> None:
    started = monotonic()
    allowed(text, "/" + "a" * 2000)
    assert monotonic() - started < 3


def test_real_files_are_read_and_most_of_them_let_us_in() -> None:
    if not CORPUS.exists():
        pytest.skip("the collection of robots.txt files (shared/corpora/robots) is not on this machine")
    with tarfile.open(CORPUS) as files:
        bodies = {member.name: files.extractfile(member) for member in files if member.isfile()}
        rules = {name: read_rules(file.read(), AGENT) for name, file in bodies.items() if file}
    refusing = [name for name, found in rules.items() if not found.allow(f"https://{name}/")]
    slowing = [name for name, found in rules.items() if found.delay_s]
    assert (len(rules), len(refusing) < 30, 0 < len(slowing) < 60) == (300, True, True)


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [(AGENT, "treatywatch"), ("TreatyWatch", "treatywatch"), ("my-bot_x/2", "my-bot_x"), ("7seas/1", "7seas/1")],
)
def test_robots_txt_knows_us_by_the_first_word_of_our_name(user_agent: str, token: str) -> None:
    assert product_token(user_agent) == token


def failure(reason: str, status: int | None = None, url: str = f"{SITE}/robots.txt") -> FetchError:
    return FetchError("said so", url=url, reason=reason, status=status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 451])
def test_F24_a_missing_robots_txt_allows_everything(status: int) -> None:
    assert rules_without(failure("http_status", status), SITE).allow(f"{SITE}/a")


@pytest.mark.parametrize(
    ("reason", "status"), [("http_status", 429), ("http_status", 500), ("timeout", None), ("incomplete", None)]
)
def test_F24_an_unreadable_robots_txt_allows_nothing_for_now(reason: str, status: int | None) -> None:
    assert not rules_without(failure(reason, status), SITE).allow(f"{SITE}/a")


@pytest.mark.parametrize("reason", ["dns", "connect", "tls", "blocked_address"])
def test_an_origin_that_is_not_reached_fails_for_its_own_reason(reason: str) -> None:
    with pytest.raises(FetchError) as caught:
        rules_without(failure(reason), SITE)
    elsewhere = rules_without(failure(reason, url="https://other.example/robots.txt"), SITE)
    assert (caught.value.reason, elsewhere.allow(f"{SITE}/a")) == (reason, False)


def asking(*rules: Rules | FetchError) -> tuple[list[int], Callable[[], Awaitable[Rules]]]:
    calls: list[int] = []

    async def ask() -> Rules:
        calls.append(1)
        await asyncio.sleep(0.01)
        found = rules[min(len(calls), len(rules)) - 1]
        if isinstance(found, FetchError):
            raise found
        return found

    return calls, ask


@pytest.mark.parametrize(("refusal", "lasts"), [("", timedelta(hours=24)), ("status 500", timedelta(minutes=10))])
def test_rules_are_remembered_for_their_time(refusal: str, lasts: timedelta) -> None:
    clock = Clock()
    robots = Robots(ttl_s=86400, clock=clock)
    calls, ask = asking(Rules(refusal=refusal))
    counts = []
    for moment in (NOW, NOW + lasts - timedelta(seconds=1), NOW + lasts):
        clock.now = moment
        asyncio.run(robots.of(SITE, ask))
        counts.append(len(calls))
    assert counts == [1, 1, 2]


def test_many_waiting_fetches_ask_once() -> None:
    async def go() -> None:
        robots = Robots(ttl_s=86400, clock=Clock())
        await asyncio.gather(*(robots.of(SITE, ask) for _ in range(20)))

    calls, ask = asking(Rules())
    asyncio.run(go())
    assert len(calls) == 1


def test_a_failure_is_not_remembered() -> None:
    async def go() -> list[bool]:
        robots = Robots(ttl_s=86400, clock=Clock())
        return [
            isinstance(got, FetchError)
            for got in await asyncio.gather(*(robots.of(SITE, ask) for _ in range(3)), return_exceptions=True)
        ]

    calls, ask = asking(failure("dns"), Rules())
    assert (asyncio.run(go()), len(calls)) == ([True, False, False], 2)


def test_thousands_of_origins_are_not_remembered_for_ever() -> None:
    async def go(robots: Robots) -> None:
        for number in range(600):
            await robots.of(f"https://{number}.example", ask)

    async def ask() -> Rules:
        return Rules()

    robots = Robots(ttl_s=86400, clock=Clock())
    asyncio.run(go(robots))
    assert len(robots._origins) <= 500


REFUSE_PRIVATE = answer(b"User-agent: *\nDisallow: /private")


def test_F24_a_redirect_does_not_lead_past_robots_txt() -> None:
    with Loopback({"/robots.txt": REFUSE_PRIVATE, "/private": answer(b"secret")}) as other:
        with Loopback({"/": redirect(other.url("/private"))}) as web:
            found = outcomes(web.url("/"))
        assert (words(found), other.asked("/private")) == (["robots"], [])


def test_F24_a_refusal_by_rule_is_final_and_one_for_lack_of_rules_is_not() -> None:
    with Loopback({"/robots.txt": REFUSE_PRIVATE}) as one, Loopback({"/robots.txt": answer(status="500 Oops")}) as two:
        ruled, unknown = outcomes(one.url("/private"), two.url("/"))
    assert isinstance(ruled, FetchError)
    assert isinstance(unknown, FetchError)
    assert [(error.reason, error.retry, error.retry_after_s) for error in (ruled, unknown)] == [
        ("robots", False, None),
        ("robots", True, 600.0),
    ]


def test_F24_after_ten_minutes_an_unreadable_robots_txt_is_asked_for_again() -> None:
    answers: list[Handler] = [answer(b""), answer(status="503 Later")]

    def in_turn(request: Request, write: Write) -> None:
        answers.pop()(request, write)

    with Loopback({"/": answer(b"page"), "/robots.txt": in_turn}) as web:
        found = outcomes(web.url("/"), web.url("/"), web.url("/"), later=timedelta(minutes=5, seconds=1))
        assert (words(found), len(web.asked("/robots.txt"))) == (["robots", "robots", "page"], 2)


def test_F24_a_silent_robots_txt_costs_its_time_once() -> None:
    with Loopback({"/": answer(b"page"), "/robots.txt": raw(b"", pause_s=1)}) as web:
        started = monotonic()
        found = outcomes(web.url("/"), web.url("/"), timeout_s=0.4)
        assert (words(found), monotonic() - started < 0.8, web.asked("/")) == (["robots", "robots"], True, [])


def test_the_time_for_robots_txt_is_part_of_the_time_for_the_url() -> None:
    slow = raw(b"", b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", pause_s=0.4)
    late = raw(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage", pause_s=0.4)
    with Loopback({"/": late, "/robots.txt": slow}) as web:
        assert words(outcomes(web.url("/"), web.url("/"), timeout_s=0.7)) == ["timeout", "page"]


def test_robots_txt_may_live_elsewhere_but_not_inside() -> None:
    with Loopback({"/rules": REFUSE_PRIVATE}) as other:
        routes = {"/private": answer(b"x"), "/a": answer(b"page")}
        with Loopback({**routes, "/robots.txt": redirect(other.url("/rules"))}) as web:
            moved = outcomes(web.url("/private"), web.url("/a"))
        with Loopback({**routes, "/robots.txt": redirect("http://inside.example/")}) as web:
            hidden = outcomes(web.url("/a"))
    assert (words(moved), words(hidden)) == (["robots", "page"], ["robots"])


def test_each_origin_has_rules_of_its_own() -> None:
    with Loopback({"/robots.txt": REFUSE_PRIVATE}) as one, Loopback({"/private": answer(b"page")}) as two:
        assert words(outcomes(one.url("/private"), two.url("/private"))) == ["robots", "page"]
