"""The outlets.

Reading and checking a list of feeds such as `feeds.toml`, and its exchange as OPML is done elsewhere.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.invalid import InvalidSettings, nearest

FeedKind = Literal["wire", "national", "broadcaster", "regional", "state", "official", "think_tank", "specialist"]
FeedFormat = Literal["rss", "atom", "json", "sitemap"]


class FeedSource(BaseModel):
    """One line of the list: a feed's address and what is known of the outlet behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=2048)]
    outlet: Annotated[str, Field(min_length=1)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    language: Literal["en", "ja", "ru"]
    kind: FeedKind
    format: FeedFormat = "rss"
    verified: bool = False
    note: str = ""


def load_feeds(file: Path | None = None) -> tuple[FeedSource, ...]:
    """Read `file`, or the list that ships with treatywatch. Raises InvalidSettings naming the entry and the fault."""
    place = str(file) if file else "feeds.toml"
    try:
        text = (file.expanduser() if file else files("config").joinpath("feeds.toml")).read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise InvalidSettings(f"{place}: can't be read ({error.strerror}); check feeds.file in your settings") from None
    except (ValueError, RuntimeError) as error:  # also of a home that nobody has, a NUL in the path, endless nesting
        raise InvalidSettings(f"{place}: not valid TOML: {error}") from None
    rows = data.get("feed")
    if data.keys() - {"feed"} or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidSettings(f"{place}: expected [[feed]] tables and nothing else; write feed = [] to watch nothing")
    sources = tuple(_feed(row, number, place) for number, row in enumerate(rows, 1))
    _refuse_doubles(sources, place)
    return sources


def _feed(row: dict[str, Any], number: int, place: str) -> FeedSource:
    try:
        return FeedSource.model_validate(row)
    except ValidationError as error:
        fault = error.errors()[0]
        key = str(fault["loc"][0])
        hint = nearest(key, FeedSource.model_fields) if fault["type"] == "extra_forbidden" else ""
        name = row.get("url") or row.get("outlet") or f"entry {number}"
        raise InvalidSettings(f"{place}: feed {number} ({name}): {key}: {fault['msg']}{hint}") from None


def _refuse_doubles(sources: tuple[FeedSource, ...], place: str) -> None:
    seen: set[str] = set()
    for source in sources:
        if source.url in seen:
            raise InvalidSettings(f"{place}: the feed {source.url} is listed twice")
        seen.add(source.url)
