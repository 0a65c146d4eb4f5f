"""The guarded fetch against servers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from config.sections import FetchSettings
from config.settings import load
from pipeline.collect.fetch import Fetcher
from pipeline.errors import FetchError
from pipeline.records import Fetched, NotModified
from tests.loopback import Handler, Loopback, Request, Write, answer, raw, redirect

SHARED = Path(__file__).parents[2] / "shared" / "corpora" / "http_compression"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Answer = Fetched | NotModified | FetchError


def settings(*flags: str) -> FetchSettings:
    quick = [
        "fetch.allow_networks=['127.0.0.0/8']",
        "fetch.host_delay_s=0",
        "fetch.timeout_s=5",
        "fetch.max_bytes=100000",
    ]
    return load(flags=[*quick, "fetch.respect_robots=false", *flags], environ={}).fetch


def fetch(url: str, *flags: str, etag: str | None = None, last_modified: str | None = None) -> Answer:
    async def go() -> Answer:
        async with Fetcher(settings(*flags), clock=lambda: NOW) as fetcher:
            try:
                return await fetcher.fetch(url, etag=etag, last_modified=last_modified)
            except FetchError as error:
                return error

    return asyncio.run(go())


def fetch_from(handler: Handler, *flags: str, **validators: str) -> Answer:
    with Loopback({"/": handler}) as server:
        return fetch(server.url("/"), *flags, **validators)


def reason(got: Answer) -> str:
    return got.reason if isinstance(got, FetchError) else type(got).__name__


def test_a_page_arrives_with_its_validators() -> None:
    got = fetch_from(answer(b"hello", etag='W/"1"', last_modified="yesterday", content_type="text/html; charset=x"))
    assert isinstance(got, Fetched)
    assert (got.body, got.etag, got.last_modified) == (b"hello", 'W/"1"', "yesterday")
    assert (got.content_type, got.status, got.fetched_at, got.permanent_url) == ("text/html; charset=x", 200, NOW, None)


def test_validators_are_sent_and_a_304_is_not_modified() -> None:
    with Loopback({"/": answer(status="304 Not Modified")}) as server:
        got = fetch(server.url("/"), etag='"1"', last_modified="Mon, 23 Nov 2026 10:00:00 GMT")
        (request,) = server.requests
    assert isinstance(got, NotModified)
    assert request.headers["if-none-match"] == '"1"'
    assert request.headers["if-modified-since"] == "Mon, 23 Nov 2026 10:00:00 GMT"


def test_F19_a_304_to_an_unconditional_request_is_an_error() -> None:
    assert reason(fetch_from(answer(status="304 Not Modified"))) == "protocol"


def test_we_say_who_we_are_and_what_we_take() -> None:
    with Loopback({"/": answer(b"ok")}) as server:
        fetch(server.url("/"), "fetch.user_agent=treatywatch/9", "fetch.contact=mail@example.org")
        (request,) = server.requests
    assert request.headers["user-agent"] == "treatywatch/9 (mail@example.org)"
    assert request.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    "scheme", ["file:///etc/passwd", "data:text/plain,x", "ftp://127.0.0.1/", "gopher://127.0.0.1/"]
)
def test_F6_a_redirect_to_another_scheme_is_refused(scheme: str) -> None:
    assert reason(fetch_from(redirect(scheme))) == "bad_scheme"


def test_F6_other_schemes_are_refused_at_the_start() -> None:
    assert reason(fetch("file:///etc/passwd")) == "bad_scheme"
    assert reason(fetch("no url at all")) == "bad_url"


def test_F7_the_sixth_hop_is_too_many() -> None:
    hops: dict[str, Handler] = {f"/{n}": redirect(f"/{n + 1}") for n in range(6)}
    with Loopback({**hops, "/6": answer(b"end"), "/loop": redirect("/loop")}) as server:
        assert reason(fetch(server.url("/0"))) == "too_many_redirects"
        assert reason(fetch(server.url("/1"))) == "Fetched"
        assert reason(fetch(server.url("/loop"))) == "too_many_redirects"


def test_F7_the_body_of_a_redirect_is_not_read() -> None:
    sent = []

    def heavy(_: Request, write: Write) -> None:
        write(b"HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: 20000000\r\n\r\n")
        for _ in range(200):
            write(b"x" * 100_000)
            sent.append(1)

    with Loopback({"/": heavy, "/end": answer(b"end")}) as server:
        assert reason(fetch(server.url("/"))) == "Fetched"
    assert len(sent) < 150


@pytest.mark.parametrize(("status", "permanent"), [("301 Moved", True), ("308 Moved", True), ("302 Found", False)])
def test_F8_only_permanent_redirects_give_a_new_home(status: str, permanent: bool) -> None:
    with Loopback({"/": redirect("/new", status), "/new": answer(b"x")}) as server:
        got = fetch(server.url("/"))
        assert isinstance(got, Fetched)
        assert (got.url, got.final_url) == (server.url("/"), server.url("/new"))
        assert got.permanent_url == (server.url("/new") if permanent else None)


def test_F9_a_login_stays_with_its_own_origin_and_out_of_messages() -> None:
    with Loopback({"/": answer(b"other")}) as other, Loopback({"/": redirect(other.url("/"))}) as server:
        got = fetch(server.url("/").replace("http://", "http://user:secret@"))
        assert isinstance(got, Fetched)
        assert "authorization" in server.requests[0].headers
        assert "authorization" not in other.requests[0].headers
        assert "secret" not in got.final_url
    refused = fetch("http://user:secret@127.0.0.1:9/")
    assert isinstance(refused, FetchError)
    assert "secret" not in str(refused) + refused.url


def test_F10_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert reason(fetch_from(answer(b"ok"))) == "Fetched"


@pytest.mark.parametrize(
    "handler",
    [
        raw(*[b"H"] * 100, pause_s=0.1),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 100, pause_s=0.1),
    ],
    ids=["header", "body"],
)
def test_F11_a_dripping_server_is_stopped_at_the_deadline(handler: Handler) -> None:
    began = datetime.now(UTC)
    assert reason(fetch_from(handler, "fetch.timeout_s=0.5")) == "timeout"
    assert (datetime.now(UTC) - began).total_seconds() < 5


@pytest.mark.parametrize(
    "header",
    [b"Content-Length: 10000000000\r\n", b"", b"Transfer-Encoding: chunked\r\n"],
    ids=["huge", "none", "chunked"],
)
def test_F12_a_never_ending_body_is_stopped_at_the_cap(header: bytes) -> None:
    piece = b"2710\r\n" + b"x" * 10_000 + b"\r\n" if b"chunked" in header else b"x" * 10_000

    def endless(_: Request, write: Write) -> None:
        write(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n")
        for _ in range(10_000):
            write(piece)

    assert reason(fetch_from(endless)) == "too_large"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_F13_decompression_bomb(encoding: str) -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    bomb = b"".join(compressor.compress(b"\0" * 1_000_000) for _ in range(50)) + compressor.flush()
    fetch_from(answer(b"warm up"))
    tracemalloc.start()
    got = fetch_from(answer(bomb, content_encoding=encoding))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reason(got) == "too_large"
    assert peak < 100_000 + 2_000_000


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(b"x"))),
        ("br", b"x"),
        ("zstd", b"x"),
        ("nonsense", b"x"),
        ("gzip", b"plain"),
    ],
)
def test_F14_encodings_that_we_did_not_ask_for_or_that_lie(encoding: str, body: bytes) -> None:
    assert reason(fetch_from(answer(body, content_encoding=encoding))) == "bad_encoding"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"hello")),
        ("gzip", gzip.compress(b"hel") + gzip.compress(b"lo")),
        ("x-gzip", gzip.compress(b"hello")),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello", wbits=-15)),
        ("identity", b"hello"),
    ],
)
def test_compressed_bodies_are_unpacked(encoding: str, body: bytes) -> None:
    got = fetch_from(answer(body, content_encoding=encoding))
    assert isinstance(got, Fetched)
    assert got.body == b"hello"


@pytest.mark.parametrize(
    "handler",
    [
        answer(gzip.compress(b"hello" * 1000)[:-12], content_encoding="gzip"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ],
    ids=["gzip", "content-length", "chunked"],
)
def test_F15_a_body_that_breaks_off_is_incomplete(handler: Handler) -> None:
    assert reason(fetch_from(handler)) == "incomplete"


@pytest.mark.parametrize(
    ("handler", "reasons"),
    [
        (raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"), {"protocol", "connect"}),
        (raw(b"hello, this is HTTP/0.9"), {"protocol"}),
        (raw(b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n"), {"bad_url"}),
        (raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), {"protocol"}),
        (raw(b""), {"incomplete", "protocol", "connect"}),
        (raw("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/é\r\n\r\n".encode()), {"connect"}),
    ],
    ids=["huge header", "http/0.9", "bad location", "no location", "nothing", "non-ascii location"],
)
def test_F16_broken_headers_are_typed_errors(handler: Handler, reasons: set[str]) -> None:
    assert reason(fetch_from(handler)) in reasons


@pytest.mark.parametrize(
    ("raw_value", "seconds"),
    [("120", 120), ("Tue, 24 Nov 2026 12:01:00 GMT", 60), ("soon", None), ("-5", None), ("315360000", 315360000),
     ("Tue, 24 Nov 2020 12:01:00 GMT", None), ("", None)],
)  # fmt: skip
def test_F18_retry_after_is_read_as_it_stands(raw_value: str, seconds: float | None) -> None:
    got = fetch_from(answer(status="503 Busy", retry_after=raw_value))
    assert isinstance(got, FetchError)
    assert (got.reason, got.status, got.retry_after_s, got.retry) == ("http_status", 503, seconds, True)


def test_F20_a_410_is_gone_for_good() -> None:
    got = fetch_from(answer(status="410 Gone"))
    assert isinstance(got, FetchError)
    assert (got.reason, got.retry) == ("gone", False)


def test_F23_one_slow_host_does_not_hold_up_the_others() -> None:
    slow = raw(b"", pause_s=1.5)
    order: list[str] = []

    async def go() -> None:
        async with Fetcher(settings("fetch.concurrency=2", "fetch.timeout_s=3")) as fetcher:

            async def one(name: str, url: str) -> None:
                with contextlib.suppress(FetchError):
                    await fetcher.fetch(url)
                order.append(name)

            with Loopback({"/": slow}) as a, Loopback({"/": answer(b"quick")}) as b:
                here = a.url("/")
                there = b.url("/", host="127.0.0.2")
                await asyncio.gather(*(one("slow", here) for _ in range(3)), one("quick", there))

    asyncio.run(go())
    assert order[0] == "quick"


def test_F23_a_host_is_left_in_peace_between_two_fetches() -> None:
    times: list[float] = []

    def note(_: Request, write: Write) -> None:
        times.append(datetime.now(UTC).timestamp())
        answer(b"x")(_, write)

    async def go(url: str) -> None:
        async with Fetcher(settings("fetch.host_delay_s=0.3")) as fetcher:
            await asyncio.gather(*(fetcher.fetch(url) for _ in range(3)))

    with Loopback({"/": note}) as server:
        asyncio.run(go(server.url("/")))
    assert min(b - a for a, b in pairwise(times)) > 0.2


@pytest.mark.skipif(not SHARED.is_dir(), reason="the corpus ../shared/corpora/http_compression is not here")
@pytest.mark.parametrize(
    ("name", "encoding", "outcome"),
    [
        ("bomb-gzip.bin", "gzip", "too_large"),
        ("bomb-deflate.bin", "deflate", "too_large"),
        ("bomb-br.bin", "br", "bad_encoding"),
        ("bomb-zstd.bin", "zstd", "bad_encoding"),
        ("html-gzip.bin", "gzip", "Fetched"),
        ("html-zlibdeflate.bin", "deflate", "Fetched"),
        ("html-rawdeflate.bin", "deflate", "Fetched"),
        ("html-br.bin", "br", "bad_encoding"),
        ("html-gzip-deflate.bin", "gzip, deflate", "bad_encoding"),
    ],
)
def test_real_compressed_bodies_and_bombs(name: str, encoding: str, outcome: str) -> None:
    assert reason(fetch_from(answer((SHARED / name).read_bytes(), content_encoding=encoding))) == outcome


ROBOTS: list[tuple[str, Handler, str]] = [
    ("404", answer(status="404 Not Found"), "Fetched"),
    ("500", answer(status="500 Oops"), "robots"),
    ("5 MB", answer(b"User-agent: *\nDisallow: /\n" + b"# padding\n" * 500_000), "robots"),
    ("binary", answer(b"\x00\x01\x02User-agent: *\nDisallow: /"), "Fetched"),
    ("loop", redirect("/robots.txt"), "robots"),
    ("all refused", answer(b"User-agent: *\nDisallow: /"), "robots"),
    ("others refused", answer(b"User-agent: other\nDisallow: /"), "Fetched"),
    ("we are refused", answer(b"User-agent: treatywatch\nDisallow: /"), "robots"),
    ("path refused", answer(b"User-agent: *\nDisallow: /private/"), "Fetched"),
]


@pytest.mark.parametrize(("robots", "outcome"), [r[1:] for r in ROBOTS], ids=[r[0] for r in ROBOTS])
def test_F24_robots_txt_is_obeyed(robots: Handler, outcome: str) -> None:
    with Loopback({"/": answer(b"page"), "/robots.txt": robots}) as server:
        assert reason(fetch(server.url("/"), "fetch.respect_robots=true", "fetch.max_bytes=10000000")) == outcome
        assert bool(server.asked("/")) == (outcome == "Fetched")


def test_robots_txt_is_asked_for_once() -> None:
    async def go(url: Callable[[str], str]) -> None:
        async with Fetcher(settings("fetch.respect_robots=true")) as fetcher:
            await asyncio.gather(*(fetcher.fetch(url("/")) for _ in range(3)))

    with Loopback({"/": answer(b"page"), "/robots.txt": answer(b"")}) as server:
        asyncio.run(go(server.url))
        assert len(server.asked("/robots.txt")) == 1
