"""Loopback outlets of which some misbehave at random, each on an address of its own, as hosts are apart."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import random
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from itertools import pairwise
from pathlib import Path

import tomli_w

from pipeline.demo.outlets import SampleArticle, sample_outlets
from tests.crowd import LANGUAGES

Writer = asyncio.StreamWriter
ON_TOPIC = 5  # one entry in so many is about the talks
FILLER = {
    "en": "The harbour committee met on Tuesday and put off the decision about the fish market until spring. ",
    "ja": "港湾委員会は火曜日に会合を開き、魚市場についての決定を春まで先送りした。",
    "ru": "Портовый комитет собрался во вторник и отложил решение о рыбном рынке до весны. ",
}


@dataclass(slots=True)
class StormyFeed:
    """A feed with what it has published so far, and when it was asked (seconds, monotonic)."""

    number: int
    healthy: bool
    weather: random.Random
    published: int = 0
    served: int = 0  # of `published`, sent whole in an answer that can be read
    asked: list[float] = field(default_factory=list)
    unconditional: int = 0  # requests without validators after the first whole answer

    @property
    def language(self) -> str:
        """The language it is written in."""
        return LANGUAGES[self.number % len(LANGUAGES)]


class Storm:
    """`count` feeds, every third of which misbehaves whenever it likes. Serves while it is entered."""

    def __init__(self, count: int, *, port: int, seed: int = 1) -> None:
        self.port = port
        self.feeds = [
            StormyFeed(number, number % 3 != 0, random.Random(seed * 100_003 + number)) for number in range(count)
        ]
        self.on_topic: set[str] = set()
        self.pages: dict[str, int] = defaultdict(int)
        self._pool = {
            language: [a for o in sample_outlets() if o.language == language for a in o.articles if a.tone != "-"]
            for language in LANGUAGES
        }

    async def __aenter__(self) -> Storm:
        hosts = [self.host(feed.number) for feed in self.feeds]
        self._server = await asyncio.start_server(self._answer, hosts, self.port, backlog=512)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    @staticmethod
    def host(number: int) -> str:
        """The loopback address of a feed."""
        return f"127.0.{1 + number // 200}.{1 + number % 200}"

    def url(self, number: int) -> str:
        """The address of a feed."""
        return f"http://{self.host(number)}:{self.port}/rss.xml"

    def page(self, number: int, entry: int) -> str:
        """The address of an entry's page."""
        return f"http://{self.host(number)}:{self.port}/{entry}.html"

    def publish(self, share: float) -> None:
        """Let a share of the feeds bring another entry."""
        for feed in self.feeds:
            if feed.published == 0 or feed.weather.random() < share:
                feed.published += 1
                if feed.published % ON_TOPIC == feed.number % ON_TOPIC:
                    self.on_topic.add(self.page(feed.number, feed.published - 1))

    def write_settings(self, home: Path, *, interval_s: float, database: str) -> Path:
        """Write a settings file and a list of feeds into `home`; returns the settings file."""
        feeds = [
            {
                "url": self.url(feed.number),
                "outlet": f"Outlet {feed.number}",
                "country": "XX",
                "language": feed.language,
                "kind": "national",
                "format": "rss",
            }
            for feed in self.feeds
        ]
        (home / "feeds.toml").write_text(tomli_w.dumps({"feed": feeds}), encoding="utf-8")
        settings = {
            "feeds": {"file": str(home / "feeds.toml")},
            "fetch": {"allow_networks": ["127.0.0.0/8"], "host_delay_s": 0.0, "timeout_s": 5.0, "concurrency": 64},
            "poll": {"tick_s": 2.0, "min_interval_s": interval_s, "max_interval_s": interval_s},
            "workers": {"timeout_s": 20.0},
            "storage": {"url": database, "data_dir": str(home)},
            "log": {"level": "info", "json": True},
        }
        file = home / "settings.toml"
        file.write_text(tomli_w.dumps(settings), encoding="utf-8")
        return file

    # Answers

    async def _answer(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(30):
                path, headers = await _request(reader)
                await self._by_path(writer, path, headers)
        writer.close()

    async def _by_path(self, writer: Writer, path: str, headers: dict[str, str]) -> None:
        first, second = (int(part) for part in writer.get_extra_info("sockname")[0].split(".")[2:])
        feed = self.feeds[200 * (first - 1) + second - 1]
        if path == "/rss.xml":
            await self._feed(writer, feed, headers)
        elif path.endswith(".html"):
            self.pages[self.page(feed.number, int(path[1:-5]))] += 1
            await _send(writer, self._html(feed, int(path[1:-5])).encode(), kind="text/html; charset=utf-8")
        else:
            await _send(writer, b"", status="404 Not Found")

    async def _feed(self, writer: Writer, feed: StormyFeed, headers: dict[str, str]) -> None:
        feed.asked.append(time.monotonic())
        body = self._rss(feed).encode()
        etag = f'"{sha256(body).hexdigest()[:12]}"'
        if not feed.healthy and feed.weather.random() < 0.7:
            await feed.weather.choice(TROUBLES)(writer, body)
            return
        feed.unconditional += feed.served > 0 and "if-none-match" not in headers
        if headers.get("if-none-match") == etag:
            await _send(writer, b"", status="304 Not Modified", etag=etag)
        else:
            count = feed.published
            await _send(writer, body, kind="application/rss+xml", etag=etag)
            feed.served = max(feed.served, count)

    def _article(self, feed: StormyFeed, entry: int) -> SampleArticle:
        pool = self._pool[feed.language]
        return pool[(feed.number * 7 + entry) % len(pool)]

    def _title(self, feed: StormyFeed, entry: int) -> str:
        on_topic = self.page(feed.number, entry) in self.on_topic
        return f"{self._article(feed, entry).title if on_topic else FILLER[feed.language][:40]} {feed.number}-{entry}"

    def _rss(self, feed: StormyFeed) -> str:
        items = "".join(
            f"<item><title>{escape(self._title(feed, entry))}</title><link>{self.page(feed.number, entry)}</link>"
            f"<pubDate>{format_datetime(self._article(feed, entry).date)}</pubDate></item>"
            for entry in range(feed.published)
        )
        return f'<rss version="2.0"><channel><title>Outlet {feed.number}</title>{items}</channel></rss>'

    def _html(self, feed: StormyFeed, entry: int) -> str:
        on_topic = self.page(feed.number, entry) in self.on_topic
        text = self._article(feed, entry).text if on_topic else FILLER[feed.language] * 8
        body = "".join(f"<p>{escape(part)}</p>" for part in text.strip().split("\n\n"))
        title = escape(self._title(feed, entry))
        return (
            f"<!doctype html><html lang={feed.language}><title>{title}</title><article><h1>{title}</h1>{body}"
            f"<p>{feed.number}-{entry}</p></article></html>"
        )


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
    return head[0].split()[1], headers


async def _send(writer: Writer, body: bytes, *, status: str = "200 OK", kind: str = "text/plain", **more: str) -> None:
    sent = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    sent |= {name.replace("_", "-").title(): value for name, value in more.items()}
    writer.write(
        "".join([f"HTTP/1.1 {status}\r\n", *(f"{n}: {v}\r\n" for n, v in sent.items()), "\r\n"]).encode() + body
    )
    await writer.drain()


async def _drip(writer: Writer, _: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n")
    while True:
        writer.write(b"<")
        await writer.drain()
        await asyncio.sleep(0.5)


async def _slow(writer: Writer, body: bytes) -> None:
    await asyncio.sleep(2)
    await _send(writer, body, kind="application/rss+xml")


async def _cut(writer: Writer, body: bytes) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2])
    await writer.drain()


async def _truncated(writer: Writer, body: bytes) -> None:
    await _send(writer, body[: len(body) * 2 // 3], kind="application/rss+xml")


BOMB = gzip.compress(b"\0" * 50_000_000)


async def _bomb(writer: Writer, _: bytes) -> None:
    await _send(writer, BOMB, kind="application/rss+xml", content_encoding="gzip")


async def _loop(writer: Writer, _: bytes) -> None:
    await _send(writer, b"", status="302 Found", location="/rss.xml")


async def _charset(writer: Writer, body: bytes) -> None:
    wrong = body.decode().encode("cp932", "replace")
    await _send(writer, wrong, kind="application/rss+xml; charset=utf-8")


async def _busy(writer: Writer, _: bytes) -> None:
    await _send(writer, b"", status="429 Too Many Requests", retry_after="20")


async def _down(writer: Writer, _: bytes) -> None:
    await _send(writer, b"oops", status="503 Service Unavailable")


async def _gone(writer: Writer, _: bytes) -> None:
    await _send(writer, b"", status="410 Gone")


async def _wall(writer: Writer, _: bytes) -> None:
    await _send(writer, b"<!doctype html><title>Sign in</title><form>...</form>", kind="text/html")


async def _hang_up(_: Writer, __: bytes) -> None:
    """Flapping: accepts, and says nothing."""


async def _billion_laughs(writer: Writer, _: bytes) -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a0 "ha">{entities}]>'
    body = f'{doctype}<rss version="2.0"><channel><title>&a9;</title></channel></rss>'
    await _send(writer, body.encode(), kind="application/rss+xml")


TROUBLES: list[Callable[[Writer, bytes], Awaitable[None]]] = [
    _drip, _slow, _cut, _truncated, _bomb, _loop, _charset, _busy, _down, _gone, _wall, _hang_up, _billion_laughs,
]  # fmt: skip


def gaps(asked: list[float], until: float) -> Iterator[float]:
    """Seconds between two requests for a feed, and from the last until the end."""
    times = [*asked, until]
    return (later - earlier for earlier, later in pairwise(times))
