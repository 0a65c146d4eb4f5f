"""Make a feed's XML safe to hand to a parser, and mend what outlets get wrong again and again.

Works on text, in time proportional to its length, and decides nothing about the feed's meaning: no document type,
so no entity expands; no illegal characters; no element that makes the parser slow or fail; nothing after the last
whole item of a feed that was cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

ROOTS = ("rss", "feed", "rdf", "channel", "urlset", "sitemapindex")
ITEM_TAGS = {"rss": "item", "rdf": "item", "channel": "item", "feed": "entry", "urlset": "url"}
CONTAINERS = {"rss": ("channel",)}

PROLOG = re.compile(r"\s+|<\?[^>]*>|<!--.*?-->", re.DOTALL)
DOCTYPE = re.compile(r"<!DOCTYPE\s+([\w:.-]*)[^<>\[]*(?:\[(?:[^\]]|\](?!\s*>))*\]\s*)?>", re.IGNORECASE)
ELEMENT = re.compile(r"<(?:([\w.-]+):)?([A-Za-z][\w.-]*)")
EMPTY_ROOT = re.compile(r"<[^<>]*/>\s*")
KNOWN_ROOT = re.compile(r"<(?:([\w.-]+):)?(" + "|".join(ROOTS) + r")(?=[\s>])", re.IGNORECASE)
JUNK_BEFORE_ROOT = 65536  # warnings that a script printed before the feed

CDATA = re.compile(r"(<!\[CDATA\[(?:.*?\]\]>|.*))", re.DOTALL)
STRAY = re.compile(r"<(?![/?!A-Za-z_][^<>]*>)")
REFERENCE = re.compile(r"&(?:#(\d{1,12}|[xX][0-9a-fA-F]{1,12});|([A-Za-z][A-Za-z0-9]{0,31});|)")
XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# feedparser raises KeyError on coordinates without a place, and no coordinate matters here.
GEOGRAPHY = re.compile(r"</?(?:gml|georss|geo):[^<>]*>")
# feedparser resolves ids as if they were links, so that they would change with the feed's address: they get a scheme.
BARE_ID = re.compile(
    r"(<(?:[\w.-]+:)?(?:guid|id)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?\s*)(?=[^\s<])(?![A-Za-z][\w+.-]*:)", re.IGNORECASE
)
ID_SCHEME = "urn:feed-id:"
# feedparser looks for mail addresses in these with a pattern that takes quadratic time
# (https://github.com/kurtmckee/feedparser/pull/580).
PEOPLE = re.compile(
    r"<((?:[\w.-]+:)?(?:author|creator|contributor|publisher|managingEditor|webMaster|owner))(?:\s[^<>]*)?(?<!/)>",
    re.IGNORECASE,
)
LONGEST_PERSON = 1000
# More attributes or levels than any feed has; the parser takes quadratic time over both.
LONGEST_TAG = 8000
DEEPEST = 200
CDATA_OR_TAG = re.compile(r"<!\[CDATA\[(?:.*?\]\]>|.*)|<(/?)([A-Za-z_][^\s<>/]*)[^<>]*?(/?)>", re.DOTALL)
NOT_A_NAME = re.compile(r"<!\[CDATA\[|\]\]>|<[^<>]*>|[<>]|&[^;]*$")


class Prepared(NamedTuple):
    """`root`: the root element's local name in lower case, "" where there is none that announces a feed.

    `cut`: whether the end was missing. `items`: how many items the text announces.
    """

    root: str
    text: str
    cut: bool
    items: int


def prepare(text: str, *, max_items: int) -> Prepared:
    """The feed in `text` from its root element on, mended, with its first `max_items` items at most."""
    start, prefix, root = _root(text)
    if root not in ROOTS:
        return Prepared(root, "", cut=False, items=0)
    body, cut = _whole_items(text[start:], prefix, root, max_items)
    bounded = "".join(_people_bounded("".join(_tags_bounded(_legal(body)))))
    mended = BARE_ID.sub(rf"\1{ID_SCHEME}", GEOGRAPHY.sub("", bounded))
    return Prepared(root, mended, cut=cut, items=_count_items(mended, prefix, root))


def _root(text: str) -> tuple[int, str, str]:
    """Where the root element starts, its prefix and its local name in lower case ("html" for a page, "" for no
    markup).
    """
    position, page = 0, False
    while match := PROLOG.match(text, position) or DOCTYPE.match(text, position):
        page = page or (match.re is DOCTYPE and match.group(1).lower() == "html")
        position = match.end()
    first = ELEMENT.match(text, position)
    if first and first.group(2).lower() in (*ROOTS, "html"):
        return position, first.group(1) or "", first.group(2).lower()
    if page:
        return position, "", "html"
    known = KNOWN_ROOT.search(text, position, position + JUNK_BEFORE_ROOT)
    if known:
        return known.start(), known.group(1) or "", known.group(2).lower()
    return position, "", first.group(2).lower() if first else ""


def _whole_items(text: str, prefix: str, root: str, max_items: int) -> tuple[str, bool]:
    """`text` up to the end of item `max_items`, or of the last whole item where the root isn't closed; and whether it
    was cut.
    """
    close = re.compile(rf"</(?:[\w.-]+:)?{root}\s*(?:>|$)", re.IGNORECASE)
    cut = not (close.search(text[-65536:]) or EMPTY_ROOT.fullmatch(text))
    ends = re.compile(rf"</{_item_tag(prefix, root)}\s*>", re.IGNORECASE)
    end = 0
    for number, match in enumerate(ends.finditer(text), 1):
        end = match.end()
        if number == max_items:
            break
    else:
        if not cut:
            return text, False
    return (text[:end] + _closing(text, root) if end else ""), cut


def _item_tag(prefix: str, root: str) -> str:
    return rf"(?:(?:{re.escape(prefix)}|rss|atom):)?{ITEM_TAGS.get(root, 'sitemap')}"


def _closing(text: str, root: str) -> str:
    """End tags for what is open after an item: the root, and RSS's channel, as spelled in the start tags."""
    tags = []
    for name in (root, *CONTAINERS.get(root, ())):
        start = re.search(rf"<((?:[\w.-]+:)?{name})(?=[\s>])", text, re.IGNORECASE)
        if start:
            tags.append(start.group(1))
    return "".join(f"</{tag}>" for tag in reversed(tags))


def _count_items(text: str, prefix: str, root: str) -> int:
    start = re.compile(rf"<{_item_tag(prefix, root)}(?=[\s>/])", re.IGNORECASE)
    return sum(len(start.findall(piece)) for piece in CDATA.split(text)[::2])


def _legal(text: str) -> str:
    """Every reference resolvable and every character allowed by XML 1.0; outside CDATA stray `&` and `<` escaped."""
    pieces = CDATA.split(ILLEGAL.sub("", text))
    pieces[::2] = [STRAY.sub("&lt;", REFERENCE.sub(_outside_cdata, piece)) for piece in pieces[::2]]
    pieces[1::2] = [REFERENCE.sub(_inside_cdata, piece) for piece in pieces[1::2]]
    return "".join(pieces)


def _outside_cdata(match: re.Match[str]) -> str:
    number, name = match.groups()
    if number:
        return match.group() if _is_legal(number) else "\ufffd"
    if name in XML_ENTITIES:
        return match.group()
    character = html5.get(f"{name};", "")
    return character if character and character not in "&<" else f"&amp;{match.group()[1:]}"


def _inside_cdata(match: re.Match[str]) -> str:
    number = match.group(1)
    return "\ufffd" if number and not _is_legal(number) else match.group()


def _is_legal(number: str) -> bool:
    point = int(number[1:], 16) if number[0] in "xX" else int(number)
    return point <= 0x10FFFF and ILLEGAL.match(chr(point)) is None


def _tags_bounded(text: str) -> Iterator[str]:
    """`text` in pieces, without the tags nested deeper than DEEPEST and without the attributes of overlong tags."""
    depth = position = 0
    for match in CDATA_OR_TAG.finditer(text):
        closing, name, empty = match.groups()
        if name is None or empty:
            continue
        too_deep = depth > DEEPEST
        depth += -1 if closing else 1
        if too_deep or match.end() - match.start() > LONGEST_TAG:
            yield text[position : match.start()]
            yield "" if too_deep else f"<{name}>"
            position = match.end()
    yield text[position:]


def _people_bounded(text: str) -> Iterator[str]:
    """`text` in pieces, where what stands in an element of a person's name is cut if it is far longer than any name."""
    position = 0
    while match := PEOPLE.search(text, position):
        end = text.find(f"</{match.group(1)}", match.end())
        if end < 0:  # without its tag it is harmless, and so is the rest
            yield text[position : match.start()]
            yield PEOPLE.sub("", text[match.end() :])
            return
        inner = text[match.end() : end]
        yield text[position : match.end()]
        yield inner if len(inner) <= LONGEST_PERSON else NOT_A_NAME.sub(" ", inner[:LONGEST_PERSON])
        position = end
    yield text[position:]
