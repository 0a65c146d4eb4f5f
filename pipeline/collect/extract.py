"""A fetched page becomes an article's text. The only user of trafilatura.

    Fetched -> charset.decode -> pages.prepare -> trafilatura, facts, headlines, languages -> Article

Every page that has no article gives an ExtractError; the caller may then take what the feed says, with
`from_summary`.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from datetime import datetime
from hashlib import sha256
from urllib.parse import SplitResult, urlsplit

import trafilatura
from lxml.html import HtmlElement

from config.sections import ExtractSettings
from pipeline.collect import charset, languages, pages, plain
from pipeline.collect.addresses import canonical, resolve
from pipeline.collect.dates import parse_date
from pipeline.collect.facts import Facts, facts
from pipeline.collect.headlines import headline
from pipeline.collect.walls import STUB, is_gate, is_not_found, without_paywall, without_teasers
from pipeline.errors import ExtractError
from pipeline.records import Article, Entry, Feed, Fetched

for _library in ("trafilatura", "htmldate", "courlan", "justext", "readability"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)  # a page without text is an ExtractError, not a log line

EXTRACTOR = f"trafilatura {trafilatura.__version__}"
BYLINE_LIMIT = 200
# The careful reading loses half of some articles; where the fast one finds at least twice as much, it is right
# (tests/bench/extract_pages.py).
MUCH_MORE = 2.0
SENTENCE = 60  # columns

BINARY = re.compile(
    rb"%PDF|\x89PNG|\xff\xd8\xff|GIF8|PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf|RIFF|OggS|ID3|....ftyp|\0\0\x01\0", re.DOTALL
)
OTHER_TYPE = re.compile(
    r"\s*(?:image|video|audio|font)/|\s*application/(?:pdf|zip|json|octet-stream|msword|vnd\.)", re.IGNORECASE
)
MARKUP = re.compile(r"<\s*(?:!doctype|html|head|body|div|article|section|p|h1|title|meta|table)\b", re.IGNORECASE)
DEPARTMENTS = re.compile(r"^(?:www|m|amp|mobile|sp)\.")
VARIANT = re.compile(r"(?:amp|print|index\.\w+|\d{1,3}|page|full)")


def extract(page: Fetched, entry: Entry, feed: Feed, settings: ExtractSettings) -> Article:
    """The article on `page`, which `entry` of `feed` announced.

    The entry's title, date and author win over the page's where they are sound. Text has one paragraph a line.
    `partial`: the outlet shows a part of the article only. Raises ExtractError: `not_html`, `no_text` (nothing, too
    little, a wall, a "not found"), `too_deep` (nested beyond what can be read).
    """
    html = _html(page)
    tree = pages.tree(html)
    if tree is None:
        raise _error(page, "no_text", "the page is empty")
    known = facts(tree)
    title = headline(entry.title, known, outlet=feed.outlet)
    text, walled = without_paywall(without_teasers(_without_title(_text(tree, page), title)))
    _check(page, entry, html, title=title, text=text, settings=settings)
    return Article(
        url=_address(page, known.canonical),
        outlet=feed.outlet,
        title=title,
        text=_bounded(text, settings.max_chars),
        language=languages.identify(f"{title}\n{text}", prior=entry.language or feed.language or known.language),
        content_hash=_hash(title, _bounded(text, settings.max_chars)),
        published_at=entry.published_at or _published(tree, known, page.fetched_at),
        byline=plain.one_line(entry.author or known.byline, limit=BYLINE_LIMIT),
        partial=walled or (not known.free and len(text) < STUB),
        extractor=EXTRACTOR,
    )


def from_summary(entry: Entry, feed: Feed) -> Article:
    """What the feed itself says, as a partial article. Raises ExtractError `no_text` if that is nothing."""
    url = canonical(entry.link) if entry.link else f"{feed.url}#{sha256(entry.guid.encode()).hexdigest()[:16]}"
    if not (entry.title or entry.summary):
        raise ExtractError(f"{url}: the feed has neither title nor text for it", url=url, reason="no_text", retry=False)
    text = _without_title(entry.summary, entry.title)
    return Article(
        url=url,
        outlet=feed.outlet,
        title=entry.title,
        text=text,
        language=languages.identify(f"{entry.title}\n{text}", prior=entry.language or feed.language),
        content_hash=_hash(entry.title, text),
        published_at=entry.published_at,
        byline=plain.one_line(entry.author, limit=BYLINE_LIMIT),
        partial=True,
        extractor="summary",
    )


def _html(page: Fetched) -> str:
    body = page.body.lstrip()
    if not body:
        raise _error(page, "no_text", "the page is empty")
    if BINARY.match(body):
        raise _not_html(page)
    html = charset.decode(page.body, content_type=page.content_type, markup="html")
    if not MARKUP.search(html[:20_000]) or (OTHER_TYPE.match(page.content_type) and not MARKUP.match(html.lstrip())):
        raise _not_html(page)
    return pages.prepare(html)


def _text(tree: HtmlElement, page: Fetched) -> str:
    """Precise reading first: it keeps out lists of other articles. Comments of readers are never the outlet's words."""
    fast = _read(tree, page, favor_precision=False, fast=True)
    if sum(1 for _ in tree.iter()) > pages.MAX_TAGS:
        return fast  # seconds instead of minutes, for what is hardly an article
    precise = _read(tree, page, favor_precision=True, fast=False)
    return fast if _prose(fast) > MUCH_MORE * max(_prose(precise), 1) else precise


def _prose(text: str) -> int:
    """The length of what can be sentences: menus and lists of links have short lines."""
    return sum(columns for line in text.split("\n") if (columns := _columns(line)) >= SENTENCE)


def _read(tree: HtmlElement, page: Fetched, *, favor_precision: bool, fast: bool) -> str:
    try:
        found = trafilatura.bare_extraction(
            tree, include_comments=False, favor_precision=favor_precision, fast=fast, url=page.final_url
        )
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - lxml and the extractor raise many kinds on broken pages
        return ""
    return plain.paragraphs(str(getattr(found, "text", None) or ""))


def _without_title(text: str, title: str) -> str:
    """The text without the headline at its top, which would count twice."""
    first, _, rest = text.partition("\n")
    return rest if title and _squeezed(first) == _squeezed(title) else text


def _check(page: Fetched, entry: Entry, html: str, *, title: str, text: str, settings: ExtractSettings) -> None:
    if _is_front_page(page.final_url) and entry.link and not _is_front_page(entry.link):
        raise _error(page, "no_text", "the link now leads to the front page")
    if is_not_found(title, text):
        raise _error(page, "no_text", "the page says that the article is not there")
    if is_gate(text):
        raise _error(page, "no_text", "the page asks for consent or checks its reader; it shows no article")
    if _columns(text) >= settings.min_chars:
        return
    if html.count("<") > pages.MAX_DEPTH and len(plain.from_html(html)) > 4 * settings.min_chars + len(text):
        raise _error(page, "too_deep", "the page has text, but its markup is too broken to find the article in it")
    raise _error(page, "no_text", f"the page has {len(text)} characters of article text")


def _columns(text: str) -> int:
    """Length where an ideograph or kana, which says as much as two letters, counts two."""
    return len(text) + sum(1 for char in text[:10_000] if unicodedata.east_asian_width(char) in "WF")


def _bounded(text: str, limit: int) -> str:
    """At most `limit` characters, cut between paragraphs where there is one."""
    if len(text) <= limit:
        return text
    end = text.rfind("\n", 0, limit)
    return text[: end if end > 0 else limit]


def _published(tree: HtmlElement, known: Facts, now: datetime) -> datetime | None:
    """The date that the page states, else the day that its address or byline shows."""
    if (stated := parse_date(known.published, now=now)) is not None:
        return stated
    try:
        found = trafilatura.extract_metadata(tree, extensive=False)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as above
        return None
    return parse_date(found.date, now=now)


def _address(page: Fetched, declared: str) -> str:
    """The page's canonical address; the declared one only where it can be this article's on the same site."""
    own = canonical(page.final_url)
    absolute = resolve(page.final_url, declared) if declared else None
    if absolute is None:
        return own
    theirs = canonical(absolute)
    return theirs if _may_be_same_article(urlsplit(own), urlsplit(theirs)) else own


def _may_be_same_article(own: SplitResult, theirs: SplitResult) -> bool:
    """Not another site, the front page, a section above the article, or the address without the part that tells
    articles apart.
    """
    if _site(own.hostname) != _site(theirs.hostname) or not theirs.path.strip("/"):
        return False
    if own.path.rstrip("/") == theirs.path.rstrip("/"):
        return bool(theirs.query) or not own.query
    above = own.path.removeprefix(theirs.path.rstrip("/") + "/")
    return above == own.path or VARIANT.fullmatch(above.strip("/")) is not None


def _site(host: str | None) -> str:
    return DEPARTMENTS.sub("", host or "")


def _is_front_page(url: str) -> bool:
    parts = urlsplit(url)
    return not parts.path.strip("/") and not parts.query


def _hash(title: str, text: str) -> str:
    return sha256(" ".join(f"{title}\n{text}".split()).encode()).hexdigest()[:32]


def _squeezed(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _not_html(page: Fetched) -> ExtractError:
    kind = page.content_type or "a file of unknown type"
    return _error(page, "not_html", f"the link leads to {kind}, not to a page", retry=False)


def _error(page: Fetched, reason: str, message: str, *, retry: bool = True) -> ExtractError:
    return ExtractError(f"{page.final_url}: {message}", url=page.url, reason=reason, retry=retry)
