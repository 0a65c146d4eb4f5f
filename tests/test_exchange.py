"""One request and its answer: what is sent, whom we trust, and what comes of servers that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import random
import ssl
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.sections import FetchSettings
from config.settings import load
from pipeline.collect.fetch import Fetcher
from pipeline.errors import FetchError
from pipeline.records import Fetched, NotModified
from tests.loopback import Handler, Loopback, Request, Write, answer, raw, redirect

TLS = Path(__file__).parent / "data" / "tls"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


async def to_loopback(host: str, _: int) -> Sequence[str]:
    return ["127.0.0.1"]


def settings(*flags: str) -> FetchSettings:
    quick = ["allow_networks=['127.0.0.0/8']", "host_delay_s=0", "timeout_s=5", "respect_robots=false", *flags]
    return load(flags=[f"fetch.{flag}" for flag in quick], environ={}).fetch


def fetch(
    *urls: str, flags: Sequence[str] = (), tls: ssl.SSLContext | None = None, etag: str | None = None
) -> list[str]:
    """Fetch one URL after the other: the bodies, or the reasons why there is none."""

    async def one(fetcher: Fetcher, url: str) -> str:
        try:
            got = await fetcher.fetch(url, etag=etag)
        except FetchError as error:
            return error.reason
        return "unchanged" if isinstance(got, NotModified) else got.body.decode("latin-1")

    async def go() -> list[str]:
        async with Fetcher(settings(*flags), resolve=to_loopback, tls=tls, clock=lambda: NOW) as fetcher:
            return [await one(fetcher, url) for url in urls]

    return asyncio.run(go())


def whole(url: str) -> Fetched:
    async def go() -> Fetched | NotModified:
        async with Fetcher(settings(), resolve=to_loopback) as fetcher:
            return await fetcher.fetch(url)

    got = asyncio.run(go())
    assert isinstance(got, Fetched)
    return got


def failure(url: str) -> FetchError:
    async def go() -> None:
        async with Fetcher(settings(), resolve=to_loopback) as fetcher:
            await fetcher.fetch(url)

    with pytest.raises(FetchError) as caught:
        asyncio.run(go())
    return caught.value


def outcome(handler: Handler, **options: str) -> str:
    with Loopback({"/": handler}) as web:
        return fetch(web.url("/"), **options)[0]  # type: ignore[arg-type]


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(TLS / "authority.pem"))


def showing(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{certificate}.pem", TLS / "key.pem")
    return context


def test_host_header_and_certificate_stay_on_the_name_though_the_connection_goes_to_the_address() -> None:
    names: list[str | None] = []
    context = showing("valid")
    context.sni_callback = lambda _, name, __: names.append(name)  # type: ignore[assignment]
    with Loopback({"/": answer(b"page")}, tls=context) as web:
        found = fetch(web.url("/", host="news.example"), tls=trusting())
        hosts = [request.headers["host"] for request in web.requests]
    assert (found, names, hosts) == (["page"], ["news.example"], [f"news.example:{web.port}"])


@pytest.mark.parametrize(
    ("certificate", "host", "authority"),
    [
        ("expired", "news.example", True),
        ("valid", "other.example", True),
        ("valid", "127.0.0.1", True),
        ("valid", "news.example", False),
        ("selfsigned", "news.example", True),
    ],
    ids=["expired", "other name", "address", "unknown authority", "self-signed"],
)
def test_F17_certificates_that_prove_nothing_are_refused(certificate: str, host: str, authority: bool) -> None:
    with Loopback({"/": answer(b"page")}, tls=showing(certificate)) as web:
        found = fetch(web.url("/", host=host), tls=trusting() if authority else None)
    assert (found, web.requests) == (["tls"], [])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_F11_a_connection_that_says_nothing_is_closed_at_the_deadline(scheme: str) -> None:
    async def go() -> str:
        ended = asyncio.Event()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            ended.set()
            writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            async with Fetcher(settings("timeout_s=0.3")) as fetcher:
                with pytest.raises(FetchError) as caught:
                    await fetcher.fetch(f"{scheme}://127.0.0.1:{port}/")
                async with asyncio.timeout(2):
                    await ended.wait()
        return caught.value.reason

    assert asyncio.run(go()) == "timeout"


def test_F17_a_server_that_does_not_speak_tls_is_a_tls_error() -> None:
    async def go() -> str:
        async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        async with server, Fetcher(settings()) as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.fetch(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        return caught.value.reason

    assert asyncio.run(go()) == "tls"


def test_F9_from_https_to_http_no_password_goes_along() -> None:
    with Loopback({"/": answer(b"page")}) as plain, Loopback({}, tls=showing("valid")) as web:
        web.routes["/"] = redirect(plain.url("/", host="news.example"))
        found = fetch(web.url("/", host="anna:secret@news.example"), tls=trusting())
        sent = ["authorization" in request.headers for request in (*web.requests, *plain.requests)]
    assert (found, sent) == (["page"], [True, False])


@pytest.mark.parametrize("login", ["eve:guess@", ""])
def test_F9_a_redirect_can_neither_bring_a_password_nor_lose_its_own_origins(login: str) -> None:
    with Loopback({"/": answer(b"page")}) as web:
        web.routes["/old"] = redirect(web.url("/", host=f"{login}127.0.0.1"))
        fetch(web.url("/old", host="anna:secret@127.0.0.1"))
        sent = [request.headers.get("authorization") for request in web.requests]
    assert sent == ["Basic YW5uYTpzZWNyZXQ="] * 2


def test_F9_cookies_are_not_kept() -> None:
    with Loopback({"/": answer(b"page", set_cookie="id=1; Path=/")}) as web:
        fetch(web.url("/"), web.url("/"))
        assert ["cookie" in request.headers for request in web.requests] == [False, False]


def test_F66_what_is_returned_has_no_password_in_it() -> None:
    with Loopback({"/feed": redirect("/new", "301 Moved"), "/new": answer(b"page")}) as web:
        got = whole(web.url("/feed#top", host="anna:secret@127.0.0.1"))
    assert (got.url, got.final_url, got.permanent_url) == (web.url("/feed#top"), web.url("/new"), None)


def test_F66_nor_what_is_raised_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Loopback({"/": redirect("http://eve:guess@[")}) as web:
        error = failure(web.url("/", host="anna:secret@127.0.0.1"))
    shown = f"{error} {error.url}"
    assert ("guess" in shown, "secret" in shown + caplog.text) == (False, False)


def test_F10_proxies_and_passwords_of_the_environment_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login anna password secret\n")
    script = "import sys; from tests.test_exchange import fetch; print(*fetch(sys.argv[1]))"
    with Loopback({"/": answer(b"page")}) as web, Loopback({}) as proxy:
        proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"), proxy.url(""))
        environ = {**os.environ, **proxies, "HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc")}
        home = Path(__file__).parents[1]
        done = subprocess.run(
            [sys.executable, "-c", script, web.url("/")],
            env=environ,
            cwd=home,
            capture_output=True,
            text=True,
            check=True,
        )
        logins = ["authorization" in request.headers for request in web.requests]
    assert (done.stdout.strip(), proxy.connections, logins) == ("page", 0, [False])


def test_a_connection_is_used_again_but_not_after_a_redirect_whose_body_was_left() -> None:
    routes = {"/": answer(b"page", connection="keep-alive")}
    with Loopback(routes, keep_alive=True) as web:
        fetch(web.url("/"), web.url("/"))
        reused = web.connections
    routes["/old"] = redirect("/", body=b"x" * 500_000)
    with Loopback(routes, keep_alive=True) as web:
        found = fetch(web.url("/old"))
        assert (found, reused, web.connections) == (["page"], 1, 2)


@pytest.mark.parametrize(
    ("location", "arrives"),
    [
        (b"/\xe5\xb9\xb3", "/%E5%B9%B3"),
        (b"/\xcd\xdf", "/%CD%DF"),
        (b"/a b", "/a%20b"),
        (b"?page=2", "/?page=2"),
        (b"//127.0.0.1:PORT/x", "/x"),
        (b"http:/x", "/x"),
        (b"/x#part", "/x"),
    ],
)
def test_redirects_lead_where_browsers_would_go(location: bytes, arrives: str) -> None:
    seen: list[str] = []

    def handler(request: Request, write: Write) -> None:
        seen.append(request.path)
        target = location.replace(b"PORT", str(web.port).encode())
        write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n")

    with Loopback({"/": handler, arrives: answer(b"page")}) as web:
        found = fetch(web.url("/"))
        assert (found, web.requests[-1].path) == (["page"], arrives)


def test_F18_retry_after_counts_with_any_refusal() -> None:
    with Loopback({"/": answer(status="403 Slow down", retry_after="90")}) as web:
        error = failure(web.url("/"))
    assert (error.reason, error.status, error.retry, error.retry_after_s) == ("http_status", 403, True, 90.0)


@pytest.mark.parametrize(
    ("status", "retry"), [("401 No", False), ("404 No", True), ("451 No", False), ("500 Oops", True)]
)
def test_only_what_may_pass_is_worth_another_try(status: str, retry: bool) -> None:
    with Loopback({"/": answer(status=status)}) as web:
        assert failure(web.url("/")).retry == retry


@pytest.mark.parametrize("status", ["204 None", "200 OK"])
def test_F22_an_empty_body_is_a_body(status: str) -> None:
    assert outcome(answer(status=status, content_encoding="gzip")) == ""


@pytest.mark.parametrize("status", ["206 Part", "300 Choice", "305 Proxy", "101 Switching"])
def test_answers_to_what_was_not_asked_are_errors(status: str) -> None:
    assert outcome(answer(b"part", status=status, connection="upgrade", upgrade="x")) == "protocol"


@pytest.mark.parametrize("etag", ['"a"', 'W/"a"', "unquoted", "x" * 1024])
def test_F19_validators_go_back_as_they_came(etag: str) -> None:
    with Loopback({"/": answer(b"page", etag=etag)}) as web:
        got = whole(web.url("/"))
        web.routes["/"] = answer(status="304 Not Modified")
        found = fetch(web.url("/"), etag=got.etag)
        assert (found, web.requests[-1].headers["if-none-match"]) == (["unchanged"], etag)


@pytest.mark.parametrize("etag", ["é", "x" * 2000, "tab\there"])
def test_F19_validators_that_can_not_go_back_are_not_kept(etag: str) -> None:
    with Loopback({"/": answer(b"page", etag=etag)}) as web:
        assert (whole(web.url("/")).etag, fetch(web.url("/"), etag=etag)) == (None, ["page"])


def test_F19_a_304_after_a_redirect_is_not_modified() -> None:
    with Loopback({"/": redirect("/new"), "/new": answer(status="304 Not Modified")}) as web:
        assert fetch(web.url("/"), etag='"a"') == ["unchanged"]


@pytest.mark.parametrize(
    "url", ["http://.example/", "https://.example/", "https://a..example/", f"https://{'x' * 70}.example/"]
)
def test_F16_names_that_tls_or_the_url_parser_can_not_take_are_typed(url: str) -> None:
    assert fetch(url)[0] in ("bad_url", "connect", "dns", "tls")


STARTS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 200\r\n",
    b"HTTP/1.1 302 \xe9\r\n",
    b"HTTP/1.1 503 \r\n",
    b"HTTP/1.1 999 No\r\n",
]
JUNK = [
    *STARTS, b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n", b"\n", b" folded\r\n", b": \r\n", b"\0\1\2", b"hello",
    b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 5, 6\r\n", b"Content-Encoding: gzip\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffff\r\n",
    b"Location: \xff\xfe\r\n", b"Location: http://\xe5/\r\n", b"ETag: \xff\r\n", b"Retry-After: \xb2\r\n",
    b"Set-Cookie: \xff=\r\n", gzip.compress(b"hello"),
]  # fmt: skip


def test_F16_whatever_a_server_sends_is_a_body_or_a_typed_error() -> None:
    chance = random.Random(38)
    routes: dict[str, Handler] = {
        f"/{number}": raw(chance.choice(STARTS), *chance.choices(JUNK, k=chance.randint(0, 6))) for number in range(400)
    }
    with Loopback(routes) as web:
        found = fetch(*(web.url(path) for path in routes))
    assert len(found) == 400


def test_many_fetches_at_once_share_one_fetcher() -> None:
    async def go(urls: list[str]) -> list[Fetched | NotModified]:
        async with Fetcher(settings("host_concurrency=4"), resolve=to_loopback) as fetcher:
            return await asyncio.gather(*(fetcher.fetch(url) for url in urls))

    with Loopback({f"/{number}": answer(b"%d" % number) for number in range(60)}) as web:
        urls = [web.url(f"/{number}", host=f"host{number % 7}.example") for number in range(60)]
        found = asyncio.run(go(urls))
    assert [(got.url, got.body) for got in found if isinstance(got, Fetched)] == [
        (url, b"%d" % number) for number, url in enumerate(urls)
    ]
