"""Make a page's HTML safe and cheap to hand to an extractor: no illegal characters, bulk or bottomless nesting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from lxml import html as lxml_html

from pipeline.collect.plain import UNFIT

MAX_DEPTH = 256  # libxml2 drops what is nested more than 2,048 elements deep, and says nothing
TABLE_DEPTH = 12  # levels that a table counts for: twenty tables in each other take the extractor seconds
MAX_TAGS = 20_000  # the longest articles have a tenth; beyond it, links and inline tags take the extractor minutes

ILLEGAL = re.compile(f"{UNFIT.pattern}|&#0;")
# What no reader sees, except the JSON-LD that describes the article.
BULK = re.compile(
    r"<!--(?:.*?-->|.*)"
    r"|<script\b(?![^<>]*ld\+json)[^<>]*>(?:.*?</script\s*>|.*)"
    r"|<(style|svg|canvas|math)\b[^<>]*(?<!/)>(?:.*?</\1\s*>|.*)",
    re.DOTALL | re.IGNORECASE,
)
DATA_URI = re.compile(r"data:[\w/+.;=,-]{0,100},[^\s\"'<>)]{500,}", re.IGNORECASE)
SPAN_OF_CELLS = re.compile(r"(\b(?:col|row)span\s*=\s*[\"']?)\d{3,}", re.IGNORECASE)
TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)\b[^<>]*?(/?)>")
INLINE_TAG = re.compile(
    r"</?(?:a|span|font|b|i|u|em|strong|small|big|tt|s|ins|mark|wbr|nobr)(?:\s[^<>]*)?>", re.IGNORECASE
)
# Never nested by themselves: without an end tag, or closed by the next of their kind.
FLAT = frozenset(
    re.split(
        " ", "area base br col embed hr img input link meta source track wbr p li dt dd option tr td th thead tbody"
    )
)


def prepare(html: str) -> str:
    """`html` without what can only slow an extractor down or trip it. Takes time in proportion to the length."""
    lean = SPAN_OF_CELLS.sub(r"\g<1>1", DATA_URI.sub("data:,", BULK.sub(" ", ILLEGAL.sub("", html))))
    if lean.count("<") > MAX_TAGS:
        lean = INLINE_TAG.sub("", lean)
    return _first_tags("".join(_shallow(lean)), 2 * MAX_TAGS)


def _first_tags(html: str, limit: int) -> str:
    beyond = next(islice(re.finditer("<", html), limit, None), None)
    return html[: beyond.start()] if beyond else html


def _shallow(html: str) -> Iterator[str]:
    """`html` in pieces, where tags nested deeper than MAX_DEPTH are paragraph ends instead."""
    depth = position = 0
    for tag in TAG.finditer(html):
        closing, name, empty = tag.groups()
        if empty or name.lower() in FLAT:
            continue
        deep = depth > MAX_DEPTH
        levels = TABLE_DEPTH if name.lower() == "table" else 1
        depth = max(depth - levels, 0) if closing else depth + levels
        if deep or depth > MAX_DEPTH:
            piece = html[position : tag.start()]
            yield f"{piece}<p>" if piece.strip() else ""
            position = tag.end()
    yield html[position:]


def tree(html: str) -> lxml_html.HtmlElement | None:
    """The document, or None where there is no element in it."""
    parser = lxml_html.HTMLParser(
        collect_ids=False,
        default_doctype=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
        encoding="utf-8",
    )
    try:
        return lxml_html.document_fromstring(html.encode(), parser=parser)
    except (lxml_html.etree.ParserError, ValueError):
        return None
