"""Choose an article's title between the feed's and the page's."""

from __future__ import annotations

import re

from pipeline.collect.facts import Facts

# What outlets put between a headline and their name.
SEPARATOR = re.compile(r"\s*[|｜:：»·•–—／/]\s*|\s+[-−]\s+|\s*[（(](?=[^（(]*[)）]$)")
CUT = re.compile(r"\s*(?:\.\.\.|…|\[…\]|\[\.\.\.\])$")
MIN_STEM = 10


def headline(entry_title: str, page: Facts) -> str:
    """The feed's title, unless it is missing, cut off, or the page's with the outlet's name attached.

    Of the page's titles the first counts, without the outlet's name.
    """
    own = next((_without_site(title, page) for title in page.titles), "")
    if not entry_title:
        return own
    stem = CUT.sub("", entry_title)
    if stem != entry_title and len(stem) >= MIN_STEM:
        whole = (_without_site(title, page) for title in page.titles)
        return next(
            (title for title in whole if _same(title[: len(stem)], stem) and len(title) > len(stem)), entry_title
        )
    return own if _is_extended(entry_title, own) else entry_title


def _without_site(title: str, page: Facts) -> str:
    """Cut the outlet's name, as the page gives it or as the page's other titles lack it."""
    for separator in reversed(list(SEPARATOR.finditer(title))):
        head, tail = title[: separator.start()], title[separator.end() :].rstrip("）)")
        if head and (_same(tail, page.site) or any(_same(head, other) for other in page.titles)):
            return head
    return title


def _is_extended(title: str, own: str) -> bool:
    """Whether `title` is `own` with something after a separator."""
    return bool(own) and any(_same(title[: found.start()], own) for found in SEPARATOR.finditer(title))


def _same(one: str, other: str) -> bool:
    return bool(one) and "".join(one.split()).casefold() == "".join(other.split()).casefold()
