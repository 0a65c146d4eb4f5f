"""Find the feeds that a page announces in its head. Follows nothing and guesses no addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml.html import HtmlElement

from pipeline.collect import charset, pages, plain
from pipeline.collect.addresses import resolve
from pipeline.records import Fetched

FORMATS = {
    "application/rss+xml": "rss",
    "application/rdf+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "json",
    "application/json": "json",
    "application/xml": "rss",
    "text/xml": "rss",
}
# Types that announce other things too: these count where the address says feed.
VAGUE = ("application/json", "application/xml", "text/xml", "application/rdf+xml")
FEED_ADDRESS = re.compile(r"feed|rss|atom|\.rdf|\.xml", re.IGNORECASE)
MAX_ANNOUNCED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A feed that a page names. `format`: rss, atom, json or sitemap, as announced."""

    url: str
    title: str
    format: str


def discover(page: Fetched) -> tuple[Announced, ...]:
    """The feeds in page order, each address once; empty where the page announces none or is no page."""
    tree = pages.tree(pages.prepare(charset.decode(page.body, content_type=page.content_type, markup="html")))
    if tree is None:
        return ()
    base = _base(tree, page.final_url)
    found: dict[str, Announced] = {}
    for link in tree.iterfind(".//link[@href]"):
        if feed := _announced(link, base):
            found.setdefault(feed.url, feed)
    return tuple(found.values())[:MAX_ANNOUNCED]


def _base(tree: HtmlElement, url: str) -> str:
    declared = tree.find(".//base[@href]")
    return (resolve(url, declared.get("href", "")) if declared is not None else None) or url


def _announced(link: HtmlElement, base: str) -> Announced | None:
    relations = link.get("rel", "").lower().split()
    kind = link.get("type", "").lower().partition(";")[0].strip()
    href = link.get("href", "").strip()
    if "sitemap" in relations:
        feed_format: str | None = "sitemap"
    elif not {"alternate", "feed"} & set(relations) or "stylesheet" in relations:
        feed_format = None
    elif kind in VAGUE and "feed" not in relations:
        feed_format = FORMATS[kind] if FEED_ADDRESS.search(href) else None
    else:
        feed_format = FORMATS.get(kind, "rss" if "feed" in relations else None)
    url = resolve(base, href) if feed_format else None
    title = plain.one_line(link.get("title", ""), limit=200)
    return Announced(url=url, title=title, format=feed_format) if url and feed_format else None
