"""Serve the sample outlets on loopback as if they were web sites.

Pages, feeds, robots.txt, validators, old charsets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import NamedTuple
from xml.etree import ElementTree

from pipeline.demo.outlets import Edition, SampleArticle, SampleOutlet

ATOM = "http://www.w3.org/2005/Atom"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
FEED_FILES = {"rss": "rss.xml", "atom": "atom.xml", "json": "feed.json", "sitemap": "news-sitemap.xml"}
FEED_TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
    "sitemap": "application/xml",
}


class Response(NamedTuple):
    """What the site answers."""

    status: int
    content_type: str
    body: bytes


class SampleSite(AbstractContextManager["SampleSite"]):
    """A web server on 127.0.0.1 for all sample outlets, told apart by host name.

    `requests` counts the answers by status.
    """

    def __init__(self, outlets: tuple[SampleOutlet, ...], *, port: int, edition: Edition) -> None:
        self.outlets = {outlet.host: outlet for outlet in outlets}
        self.edition = edition
        self.requests: dict[int, int] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> SampleSite:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def base(self, outlet: SampleOutlet) -> str:
        """The outlet's address, without a slash at the end."""
        return f"http://{outlet.host}:{self.port}"

    def feed_url(self, outlet: SampleOutlet) -> str:
        """Where the outlet's feed is."""
        return f"{self.base(outlet)}/{FEED_FILES[outlet.format]}"

    def answer(self, host: str, path: str) -> Response:
        """What a GET of `path` on `host` gives."""
        outlet = self.outlets.get(host.rpartition(":")[0] or host)
        if outlet is None:
            return Response(404, "text/plain", b"no such outlet")
        if path == "/robots.txt":
            return Response(200, "text/plain", b"User-agent: *\nDisallow: /private/\nAllow: /\n")
        if path == f"/{FEED_FILES[outlet.format]}":
            return self._feed(outlet)
        for article in outlet.articles:
            if path == f"/{article.slug}.html":
                return self._page(outlet, article)
        return self._front(outlet) if path == "/" else Response(404, "text/plain", b"not found")

    def _feed(self, outlet: SampleOutlet) -> Response:
        body = FEEDS[outlet.format](outlet, self.base(outlet), self.edition)
        charset = "utf-8" if outlet.format == "json" else outlet.charset
        return Response(200, FEED_TYPES[outlet.format], body.encode(charset, "xmlcharrefreplace"))

    def _page(self, outlet: SampleOutlet, article: SampleArticle) -> Response:
        title, text = article.title_in(self.edition), article.text_in(self.edition)
        paragraphs = "\n".join(f"<p>{escape(p.strip())}</p>" for p in text.strip().split("\n\n"))
        main = (
            f'<article><h1>{escape(title)}</h1><p class="byline"><span rel="author">{escape(article.byline)}</span> '
            f'<time datetime="{article.date.isoformat()}">{article.date:%Y-%m-%d}</time></p>\n{paragraphs}</article>'
        )
        return self._html(outlet, title, main)

    def _front(self, outlet: SampleOutlet) -> Response:
        return self._html(outlet, outlet.name, f"<main><h1>{escape(outlet.name)}</h1></main>")

    def _html(self, outlet: SampleOutlet, title: str, main: str) -> Response:
        links = "".join(
            f'<li><a href="/{other.slug}.html">{escape(other.title_in(self.edition))}</a></li>'
            for other in outlet.articles[:6]
        )
        page = (
            f'<!doctype html>\n<html lang="{outlet.language}"><head><meta charset="{outlet.charset}">'
            f"<title>{escape(title)} | {escape(outlet.name)}</title>"
            f'<link rel="alternate" type="{FEED_TYPES[outlet.format]}" href="/{FEED_FILES[outlet.format]}"></head>\n'
            f'<body><header><a href="/">{escape(outlet.name)}</a> <span>{escape(outlet.tagline)}</span></header>\n'
            f"{main}\n<aside><ul>{links}</ul></aside>\n<footer>{escape(outlet.name)}</footer></body></html>\n"
        )
        return Response(200, "text/html", page.encode(outlet.charset, "xmlcharrefreplace"))


def _rss(outlet: SampleOutlet, base: str, edition: Edition) -> str:
    root = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    _children(channel, title=outlet.name, link=f"{base}/", description=outlet.tagline, language=outlet.language)
    for article in outlet.articles:
        item = ElementTree.SubElement(channel, "item")
        link = f"{base}/{article.slug}.html"
        _children(
            item,
            title=article.title_in(edition),
            link=link,
            guid=link,
            pubDate=format_datetime(article.updated_in(edition)),
            description=article.summary,
        )
    return _xml(root, outlet.charset)


def _atom(outlet: SampleOutlet, base: str, edition: Edition) -> str:
    root = ElementTree.Element("feed", xmlns=ATOM)
    newest = max(article.updated_in(edition) for article in outlet.articles)
    _children(root, title=outlet.name, id=f"{base}/", updated=newest.isoformat())
    for article in outlet.articles:
        entry = ElementTree.SubElement(root, "entry")
        link = f"{base}/{article.slug}.html"
        ElementTree.SubElement(entry, "link", href=link)
        _children(
            entry,
            title=article.title_in(edition),
            id=link,
            published=article.date.isoformat(),
            updated=article.updated_in(edition).isoformat(),
            summary=article.summary,
        )
    return _xml(root, outlet.charset)


def _json(outlet: SampleOutlet, base: str, edition: Edition) -> str:
    items = [
        {
            "id": f"{base}/{article.slug}.html",
            "url": f"{base}/{article.slug}.html",
            "title": article.title_in(edition),
            "summary": article.summary,
            "date_published": article.date.isoformat(),
            "date_modified": article.updated_in(edition).isoformat(),
        }
        for article in outlet.articles
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": outlet.name, "home_page_url": f"{base}/"}
    return json.dumps({**feed, "language": outlet.language, "items": items}, ensure_ascii=False, indent=1)


def _sitemap(outlet: SampleOutlet, base: str, edition: Edition) -> str:
    root = ElementTree.Element("urlset", {"xmlns": SITEMAP, "xmlns:news": NEWS})
    for article in outlet.articles:
        url = ElementTree.SubElement(root, "url")
        _children(url, loc=f"{base}/{article.slug}.html", lastmod=article.updated_in(edition).isoformat())
        news = ElementTree.SubElement(url, "news:news")
        publication = ElementTree.SubElement(news, "news:publication")
        _children(publication, **{"news:name": outlet.name, "news:language": outlet.language})
        _children(
            news,
            **{"news:publication_date": article.date.isoformat(), "news:title": article.title_in(edition)},
        )
    return _xml(root, outlet.charset)


FEEDS: dict[str, Callable[[SampleOutlet, str, Edition], str]] = {
    "rss": _rss,
    "atom": _atom,
    "json": _json,
    "sitemap": _sitemap,
}


def _children(parent: ElementTree.Element, **texts: str) -> None:
    for tag, text in texts.items():
        ElementTree.SubElement(parent, tag).text = text


def _xml(root: ElementTree.Element, charset: str) -> str:
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="{charset}"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _handler(site: SampleSite) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            response = site.answer(self.headers.get("Host", ""), self.path)
            etag = f'"{hashlib.sha256(response.body).hexdigest()[:20]}"'
            if response.status == 200 and self.headers.get("If-None-Match") == etag:
                response = Response(304, response.content_type, b"")
            site.requests[response.status] = site.requests.get(response.status, 0) + 1
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
            self.send_header("ETag", etag)
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: object) -> None:
            """Stay silent: the run itself reports what was fetched."""

    return Handler
