"""The orders in which scored articles are listed, and the cursors by which one page follows another.

Each order has a key that no two articles share. A cursor is the key of the last article that was shown, so articles
that come in meanwhile neither push one off the pages nor show one twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Any, Literal, Protocol

from sqlalchemy import ColumnElement, literal, tuple_

from pipeline.errors import StorageError
from storage.columns import MAX_ID, Utc, iso
from storage.schema import standing

Sort = Literal["newest", "oldest", "credulous", "vigilant"]
KEYS: dict[Sort, Any] = {
    "newest": standing.c.at,
    "oldest": standing.c.at,
    "credulous": standing.c.tone,
    "vigilant": standing.c.tone,
}
FALLING: frozenset[Sort] = frozenset(("newest", "credulous"))
ORDERS: dict[Sort, tuple[ColumnElement[Any], ...]] = {
    sort: (key.desc(), standing.c.article_id.desc()) if sort in FALLING else (key, standing.c.article_id)
    for sort, key in KEYS.items()
}


class Listed(Protocol):
    """What an order needs of an article."""

    @property
    def at(self) -> datetime:
        """When it was published, else first seen."""
        ...

    @property
    def tone(self) -> float:
        """Its tone."""
        ...

    @property
    def article_id(self) -> int:
        """Its id."""
        ...


def cursor(sort: Sort, last: Listed) -> str:
    """What asks for the articles that follow `last`."""
    key = iso(last.at) if KEYS[sort] is standing.c.at else repr(last.tone)
    return f"{sort}~{key}~{last.article_id}"


def beyond(sort: Sort, after: str) -> ColumnElement[bool]:
    """Whether an article follows the cursor `after`. Raises StorageError (`bad_cursor`)."""
    key = KEYS[sort]
    value = _place(sort, after, _time if key is standing.c.at else _tone)
    article, last = tuple_(key, standing.c.article_id), tuple_(*value)
    return article < last if sort in FALLING else article > last


def _place(sort: Sort, after: str, read: Callable[[str], Any]) -> tuple[Any, Any]:
    try:
        named, key, article_id = after.split("~")
        if named == sort and abs(int(article_id)) <= MAX_ID:
            return read(key), literal(int(article_id))
    except ValueError:
        pass
    raise StorageError(
        "the cursor is none that a page in this order gave; ask for the first page again", reason="bad_cursor"
    )


def _time(raw: str) -> Any:
    at = datetime.fromisoformat(raw)
    if at.tzinfo is None:
        raise ValueError(raw)
    return literal(at, Utc())


def _tone(raw: str) -> Any:
    tone = float(raw)
    if not isfinite(tone):
        raise ValueError(raw)
    return literal(tone)
