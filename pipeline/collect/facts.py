"""What a page says of its article: title, address, date, author, whether it may be read in full."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from lxml.html import HtmlElement

from pipeline.collect import plain

ARTICLE_TYPES = re.compile(r"(?:Article|Posting|Report|Review)$")
MAX_JSON = 1_000_000
MAX_NODES = 5000
PUBLISHED = (
    "article:published_time", "datepublished", "og:article:published_time", "parsely-pub-date", "sailthru.date",
    "publishdate", "pubdate", "publish_date", "article.published", "cxenseparse:recs:publishtime", "dc.date.issued",
    "dcterms.created", "dc.date", "dcterms.date", "date", "mediator_published_time",
)  # fmt: skip
AUTHORS = ("author", "article:author_name", "parsely-author", "sailthru.author", "dc.creator", "mediator_author")
BY = re.compile(r"^(?:by|автор:?|текст:|文[・/:：]|取材[・/:：])\s+", re.IGNORECASE)
BYLINES = (
    './/*[contains(concat(" ", @rel, " "), " author ")]',
    './/*[@itemprop="author"]//*[@itemprop="name"]',
    './/*[@itemprop="author"]',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Statements of a page, "" where it makes none; dates as written. `titles`: from the most to the least telling.

    `free`: False where the page declares that only a part of the article is shown.
    """

    titles: tuple[str, ...]
    site: str
    canonical: str
    published: str
    byline: str
    language: str
    free: bool


def facts(tree: HtmlElement) -> Facts:
    """Read the head, the JSON-LD and the marked places of the body."""
    meta, article = _meta(tree), _article(tree)
    headlines = (article.get("headline"), meta.get("og:title"), *_headings(tree), meta.get("twitter:title"))
    titles = (*(_line(title) for title in headlines), _line(tree.findtext(".//title")))
    published = (_line(article.get("datePublished")), *(meta.get(name, "") for name in PUBLISHED), _time(tree))
    return Facts(
        titles=tuple(dict.fromkeys(filter(None, titles))),
        site=_line(meta.get("og:site_name")),
        canonical=_canonical(tree) or meta.get("og:url", ""),
        published=next(filter(None, published), ""),
        byline=_byline(tree, meta, article),
        language=_line(tree.get("lang")),
        free=str(article.get("isAccessibleForFree")).lower() != "false",
    )


def _line(value: object) -> str:
    """A string as one line; JSON-LD and meta elements are often escaped once more than their format asks."""
    return plain.one_line(unescape(value), limit=500) if isinstance(value, str) else ""


def _meta(tree: HtmlElement) -> dict[str, str]:
    """The contents of meta elements by lower-case name, property or itemprop; the first one wins."""
    found: dict[str, str] = {}
    for element in tree.iterfind(".//meta[@content]"):
        for attribute in ("property", "name", "itemprop"):
            if key := element.get(attribute):
                found.setdefault(key.strip().lower(), element.get("content", "").strip())
    return found


def _headings(tree: HtmlElement) -> list[str]:
    """The level-1 headings; none where there are so many that they can't be titles."""
    found = [_line(heading.text_content()) for heading in tree.iterfind(".//h1")]
    return found if len(found) <= 3 else []


def _canonical(tree: HtmlElement) -> str:
    links = (link for link in tree.iterfind(".//link[@href]") if "canonical" in link.get("rel", "").lower().split())
    return next((link.get("href", "").strip() for link in links), "")


def _time(tree: HtmlElement) -> str:
    """The first time element of the article, or of the page."""
    for path in (".//article//time[@datetime]", ".//main//time[@datetime]", ".//time[@datetime]"):
        if (element := tree.find(path)) is not None:
            return _line(element.get("datetime"))
    return ""


def _byline(tree: HtmlElement, meta: dict[str, str], article: dict[str, Any]) -> str:
    names = (_names(article.get("author")), *(_line(meta.get(name)) for name in AUTHORS), *_marked_authors(tree))
    return next((BY.sub("", name) for name in names if name and "://" not in name), "")


def _marked_authors(tree: HtmlElement) -> Iterator[str]:
    for path in BYLINES:
        found = [_line(element.text_content()) for element in tree.xpath(path)[:5]]
        yield ", ".join(dict.fromkeys(name for name in found if 0 < len(name) <= 100))


def _names(author: object) -> str:
    if isinstance(author, list):
        return ", ".join(dict.fromkeys(filter(None, map(_names, author[:10]))))
    return _line(author.get("name")) if isinstance(author, dict) else _line(author)


def _article(tree: HtmlElement) -> dict[str, Any]:
    """The first article that the page describes in JSON-LD."""
    for script in tree.iterfind('.//script[@type="application/ld+json"]'):
        text = script.text or ""
        try:
            document = json.loads(text, strict=False) if len(text) <= MAX_JSON else None
        except (ValueError, RecursionError):
            continue
        for node in _nodes(document):
            kinds = node.get("@type")
            if any(
                isinstance(kind, str) and ARTICLE_TYPES.search(kind)
                for kind in (kinds if isinstance(kinds, list) else [kinds])
            ):
                return node
    return {}


def _nodes(document: object) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-LD document in reading order, up to MAX_NODES values."""
    waiting = [document]
    for _ in range(MAX_NODES):
        if not waiting:
            return
        value = waiting.pop(0)
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
