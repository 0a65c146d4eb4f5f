"""Choose an article's title between the feed's and the page's."""

from __future__ import annotations

import re

from pipeline.collect.facts import Facts

# What outlets put between a headline and their name.
SEPARATOR = re.compile(r"\s*[|｜»·•–—／]\s*|\s+[-−/]\s+|\s*[（(](?=[^（(]*[)）]$)")
CUT = re.compile(r"\s*(?:\.\.\.|…|\[…\]|\[\.\.\.\])$")
MIN_STEM = 10


def headline(entry_title: str, page: Facts, *, outlet: str) -> str:
    """The feed's title, unless it is missing, cut off, or has the outlet's name attached.

    Of the page's titles the first counts, without the outlet's name.
    """
    own = [_without_site(title, page, outlet) for title in page.titles]
    if not entry_title:
        return next(iter(own), "")
    stem = CUT.sub("", entry_title)
    if stem != entry_title and len(stem) >= MIN_STEM:
        whole = (title for title in own if len(title) > len(stem) and _same(title[: len(stem)], stem))
        return next(whole, entry_title)
    return _without_site(entry_title, page, outlet)


def _without_site(title: str, page: Facts, outlet: str) -> str:
    """Cut the outlet's name, as the page gives it, as we know it, or as another title of the page lacks it."""
    raw = any(_same(title, other) for other in page.titles)
    for separator in reversed(list(SEPARATOR.finditer(title))):
        head, tail = title[: separator.start()], title[separator.end() :].rstrip("）)")
        named = _same(tail, page.site) or _same(tail, outlet)
        certain = raw or separator.group().strip() in ("|", "｜")
        if head and (named or (certain and any(_same(head, other) for other in page.titles))):
            return head
    return title


def _same(one: str, other: str) -> bool:
    return bool(one) and "".join(one.split()).casefold() == "".join(other.split()).casefold()
