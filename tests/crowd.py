"""Many loopback outlets at once: for runs that are large, and for runs that are killed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType

import tomli_w

from pipeline.demo.outlets import SampleArticle, sample_outlets

LANGUAGES = ("en", "ja", "ru")


class Crowd(AbstractContextManager["Crowd"]):
    """`feeds` outlets with `each` different articles, in three languages in turn. `pages`: how often each was sent.

    A larger `each` later on is news.
    """

    def __init__(self, feeds: int, each: int) -> None:
        self.feeds, self.each = feeds, each
        self.pages: dict[str, int] = {}
        self._articles = {
            language: [a for outlet in sample_outlets() if outlet.language == language for a in outlet.articles]
            for language in LANGUAGES
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    def __enter__(self) -> Crowd:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def settings(self, home: Path) -> Path:
        """Write a settings file and a list of feeds into `home`; returns the settings file."""
        feeds = [
            {
                "url": f"{self.base}/{number}/rss.xml",
                "outlet": f"Outlet {number}",
                "country": "XX",
                "language": self._language(number),
                "kind": "national",
                "format": "rss",
            }
            for number in range(self.feeds)
        ]
        (home / "feeds.toml").write_text(tomli_w.dumps({"feed": feeds}), encoding="utf-8")
        settings = {
            "feeds": {"file": str(home / "feeds.toml")},
            "fetch": {"allow_networks": ["127.0.0.0/8"], "host_delay_s": 0.0, "host_concurrency": 8},
            "storage": {"url": f"sqlite:///{home / 'coverage.db'}"},
        }
        file = home / "settings.toml"
        file.write_text(tomli_w.dumps(settings), encoding="utf-8")
        return file

    def bodies(self) -> dict[tuple[str, str], int]:
        """How many articles each body of each feed had that was ever to be sent, by the feed's URL and the SHA-256."""
        found = {}
        for feed in range(self.feeds):
            for each in range(1, self.each + 1):
                body = self._rss(feed, each).encode()
                found[f"{self.base}/{feed}/rss.xml", sha256(body).hexdigest()] = each
        return found

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, content type and body of a path."""
        feed, _, name = path.strip("/").partition("/")
        if not feed.isdigit() or int(feed) >= self.feeds:
            return 404, "text/plain", "not found"
        if name == "rss.xml":
            return 200, "application/rss+xml", self._rss(int(feed), self.each)
        self.pages[path] = self.pages.get(path, 0) + 1
        return 200, "text/html; charset=utf-8", self._page(int(feed), int(name.removesuffix(".html")))

    def _language(self, feed: int) -> str:
        return LANGUAGES[feed % len(LANGUAGES)]

    def _article(self, feed: int, number: int) -> SampleArticle:
        pool = self._articles[self._language(feed)]
        return pool[(feed * 7 + number) % len(pool)]

    def _rss(self, feed: int, each: int) -> str:
        items = "".join(
            f"<item><title>{escape(article.title)} {feed}-{number}</title><link>{self.base}/{feed}/{number}.html</link>"
            f"<pubDate>{format_datetime(article.date)}</pubDate><description>{escape(article.summary)}</description></item>"
            for number in range(each)
            for article in [self._article(feed, number)]
        )
        return f'<rss version="2.0"><channel><title>Outlet {feed}</title>{items}</channel></rss>'

    def _page(self, feed: int, number: int) -> str:
        article = self._article(feed, number)
        mark = sha256(f"{feed}/{number}".encode()).hexdigest()[:8]
        body = "".join(f"<p>{escape(part)}</p>" for part in article.text.strip().split("\n\n"))
        title = f"{escape(article.title)} {feed}-{number}"
        return (
            f"<!doctype html><html lang={self._language(feed)}><title>{title}</title><article><h1>{title}</h1>{body}"
            f"<p>No. {mark}, printed in Outlet {feed}.</p></article></html>"
        )


def _handler(crowd: Crowd) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, content_type, text = crowd.answer(self.path)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    return Handler
