"""Bytes to entries: RSS, RDF, Atom, JSON Feed and sitemaps, whatever the Content-Type says.

    Fetched -> charset.decode -> { jsonfeed.read | markup.prepare -> { sitemap.read | feedparser } } -> entries.entries

The only user of feedparser, which gets a stream of UTF-8 XML: from a string it would open files and addresses. Its
dates, its charset detection and its sanitising are not used: dates.py, charset.py and plain.py do that.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import feedparser

from pipeline.collect import charset, hints, jsonfeed, plain, sitemap
from pipeline.collect.entries import Item, Outline, entries
from pipeline.collect.markup import ID_SCHEME, Prepared, prepare
from pipeline.errors import ParseError
from pipeline.records import Fetched, ParsedFeed

BLANK = " \t\r\n\0\ufeff"
# Of a feed longer than its newest entries can matter for, only this many times `max_entries` items are read at all.
READ_AHEAD = 4
UPDATE_PERIODS_S = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}


def parse(fetched: Fetched, *, max_entries: int) -> ParsedFeed:
    """The feed in `fetched`, with its newest `max_entries` entries in feed order.

    `degraded` is "cut" for a feed that breaks off: only its whole items are given; "malformed" where items were
    announced that could not be read. Raises ParseError: `empty`, `not_a_feed` (a page, a sitemap index, anything
    else), `malformed`.
    """
    text = charset.decode(fetched.body, content_type=fetched.content_type, markup="xml")
    if text.strip(BLANK) in ("", "{}", "[]"):
        raise _error(fetched, "empty", "the feed is empty; check its address if this lasts")
    outline = _outline(fetched, text, READ_AHEAD * max_entries)
    found = entries(outline.items, base=fetched.final_url, now=fetched.fetched_at, max_entries=max_entries)
    return ParsedFeed(
        title=plain.one_line(outline.title, limit=200),
        format=outline.format,
        entries=found,
        language=plain.one_line(outline.language, limit=20),
        degraded=outline.degraded,
        ttl_s=outline.ttl_s,
        skip_hours=outline.skip_hours,
        skip_days=outline.skip_days,
    )


def _outline(fetched: Fetched, text: str, max_items: int) -> Outline:
    if text.lstrip()[:1] in ("{", "["):
        return _json(fetched, text, max_items)
    prepared = prepare(text, max_items=max_items)
    if prepared.root == "sitemapindex":
        listed = ", ".join(sitemap.children(prepared.text)[:3])
        raise _error(fetched, "not_a_feed", f"this is an index of sitemaps; watch one that it lists, such as {listed}")
    if prepared.cut and not prepared.items:
        raise _error(fetched, "malformed", "the feed breaks off before its first entry ends")
    if not prepared.text:
        kind = "a web page" if prepared.root == "html" else "neither RSS, Atom, JSON Feed nor a sitemap"
        raise _error(
            fetched, "not_a_feed", f"the address answers with {kind}; look for the feed's address on the outlet's site"
        )
    outline = sitemap.read(prepared.text) if prepared.root == "urlset" else _feed(fetched, prepared)
    return replace(outline, degraded="cut") if prepared.cut else outline


def _json(fetched: Fetched, text: str, max_items: int) -> Outline:
    try:
        return jsonfeed.read(text.strip(), max_items=max_items)
    except jsonfeed.NotJsonFeed as fault:
        raise _error(fetched, "malformed" if fault.broken else "not_a_feed", str(fault)) from None


def _feed(fetched: Fetched, prepared: Prepared) -> Outline:
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": fetched.final_url}
    try:
        found = feedparser.parse(
            io.BytesIO(prepared.text.encode()),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
        atom = str(found.get("version")).startswith("atom")
        read = [_item(dict(entry), atom=atom) for entry in found["entries"]]
    except MemoryError:
        raise
    except Exception as fault:  # feedparser lets KeyError, ValueError, OverflowError and others through
        raise _error(fetched, "malformed", f"the feed can't be read: {type(fault).__name__}") from fault
    if not found.get("version") and not read:
        raise _error(fetched, "not_a_feed", "the XML there is no feed")
    feed = dict(found["feed"])
    return Outline(
        title=_plain(feed.get("title_detail"), atom=atom),
        format="atom" if atom else "rss",
        items=tuple(read),
        language=str(feed.get("language") or ""),
        degraded="malformed" if len(read) < prepared.items else "",
        ttl_s=_ttl(feed),
        skip_hours=() if atom else hints.skip_hours(prepared.text),
        skip_days=() if atom else hints.skip_days(prepared.text),
    )


def _item(entry: Mapping[str, Any], *, atom: bool) -> Item:
    return Item(
        guid=str(entry.get("id") or "").removeprefix(ID_SCHEME),
        link=_link(entry),
        title=_plain(entry.get("title_detail"), atom=atom),
        summary=_summary(entry, atom=atom),
        published=str(entry.get("published") or entry.get("created") or ""),
        updated=str(entry.get("updated") or ""),
        author=_author(entry),
        language=str((entry.get("title_detail") or {}).get("language") or ""),
    )


def _link(entry: Mapping[str, Any]) -> str:
    """The article's own address: the original one where a feed service wrapped it, else the first link that is an
    alternate.
    """
    alternates = [
        str(link.get("href") or "") for link in entry.get("links", ()) if link.get("rel", "alternate") == "alternate"
    ]
    return str(entry.get("feedburner_origlink") or next(filter(None, alternates), "") or entry.get("link") or "")


def _author(entry: Mapping[str, Any]) -> str:
    names = [str(person.get("name") or "") for person in entry.get("authors", ())]
    return ", ".join(filter(None, names)) or str(entry.get("author") or "")


def _summary(entry: Mapping[str, Any], *, atom: bool) -> str:
    """The longest of the entry's texts: many outlets put the whole article beside a teaser."""
    details = [entry.get("summary_detail"), *entry.get("content", ())]
    return max((_plain(detail, atom=atom) for detail in details), key=len, default="")


def _plain(detail: Mapping[str, Any] | None, *, atom: bool) -> str:
    """The text of a construct.

    Plain text of Atom is taken at its word; RSS doesn't say, and feedparser needs an end tag to see HTML.
    """
    if not detail:
        return ""
    value = str(detail.get("value") or "")
    is_plain = detail.get("type") == "text/plain" and (atom or not plain.has_void_tags(value))
    return value if is_plain else plain.from_html(value)


def _ttl(feed: Mapping[str, Any]) -> int | None:
    """Seconds between updates, from RSS's minutes or the syndication module's period and frequency."""
    minutes, period = str(feed.get("ttl") or ""), str(feed.get("sy_updateperiod") or "").strip().lower()
    if minutes.strip().isdecimal():
        return int(minutes[:9]) * 60 or None
    frequency = str(feed.get("sy_updatefrequency") or "1").strip()
    if period in UPDATE_PERIODS_S and frequency.isdecimal() and int(frequency[:9]):
        return UPDATE_PERIODS_S[period] // int(frequency[:9]) or None
    return None


def _error(fetched: Fetched, reason: str, message: str) -> ParseError:
    return ParseError(f"{fetched.url}: {message}", url=fetched.url, reason=reason)
