"""Read JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), whole or cut off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pipeline.collect import plain
from pipeline.collect.entries import Item, Outline

ITEMS = re.compile(r'"items"\s*:\s*\[')
SEPARATOR = re.compile(r"[\s,]*")


class NotJsonFeed(ValueError):  # noqa: N818 - read as a sentence, as in "raises NotJsonFeed"
    """The text is JSON of another kind, or none at all. `broken`: it began as a feed and can't be read."""

    def __init__(self, message: str, *, broken: bool = False) -> None:
        super().__init__(message)
        self.broken = broken


def read(text: str, *, max_items: int) -> Outline:
    """The feed in `text`, with at most `max_items` items. Raises NotJsonFeed."""
    document, degraded = _load(text, max_items)
    if not isinstance(document, dict) or not _announces_feed(document):
        raise NotJsonFeed("the JSON there is no JSON Feed: it has no version and items")
    raw = document.get("items")
    items = [item for item in raw if isinstance(item, dict)] if isinstance(raw, list) else []
    return Outline(
        title=_text(document, "title"),
        format="json",
        items=tuple(_item(item) for item in items[:max_items]),
        language=_text(document, "language"),
        degraded=degraded,
    )


def _load(text: str, max_items: int) -> tuple[Any, str]:
    try:
        return json.loads(text), ""
    except (ValueError, RecursionError):
        return _salvage(text, max_items), "cut"


def _salvage(text: str, max_items: int) -> dict[str, Any]:
    """The whole items of a feed that breaks off, and what stands before them."""
    start = ITEMS.search(text)
    items = list(_whole_objects(text, start.end(), max_items)) if start else []
    if not start or not items:
        raise NotJsonFeed("the JSON there can't be read", broken=start is not None)
    try:
        head = json.loads(text[: start.end()] + "]}")
    except (ValueError, RecursionError):
        head = {}
    return {"version": "https://jsonfeed.org/version/1", **head, "items": items}


def _whole_objects(text: str, position: int, limit: int) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    for _ in range(limit):
        gap = SEPARATOR.match(text, position)
        try:
            value, position = decoder.raw_decode(text, gap.end() if gap else position)
        except (ValueError, RecursionError):
            return
        yield value


def _announces_feed(document: dict[str, Any]) -> bool:
    return "jsonfeed.org" in _text(document, "version") or ("version" in document and "items" in document)


def _item(item: dict[str, Any]) -> Item:
    plain_text, markup = _text(item, "content_text"), _text(item, "content_html")
    texts = (_text(item, "summary"), plain_text, plain.from_html(markup))
    return Item(
        guid=_text(item, "id"),
        link=_text(item, "url") or _text(item, "external_url"),
        title=_text(item, "title"),
        summary=max(texts, key=len),
        published=_text(item, "date_published"),
        updated=_text(item, "date_modified"),
        author=_author(item),
        language=_text(item, "language"),
    )


def _author(item: dict[str, Any]) -> str:
    """1.1 has a list `authors`, 1.0 one `author`."""
    listed = item.get("authors")
    people = listed if isinstance(listed, list) else [item.get("author")]
    return ", ".join(name for person in people if isinstance(person, dict) and (name := _text(person, "name")))


def _text(mapping: dict[str, Any], key: str) -> str:
    """The string at `key`; a number as its digits, since ids are often numbers; "" for anything else."""
    value = mapping.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
