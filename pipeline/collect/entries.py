"""One item of any kind of feed becomes an `Entry`: what it is called, where it points, when it came out.

The readers of the formats give `Item`s, raw text as it stood in the feed; the rules that hold for all formats are
here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from pipeline.collect import plain
from pipeline.collect.addresses import resolve
from pipeline.collect.dates import parse_date
from pipeline.records import Entry

TITLE_LIMIT = 500
AUTHOR_LIMIT = 200
SUMMARY_LIMIT = 200_000
GUID_LIMIT = 500  # characters; PostgreSQL can't index values beyond 2,700 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item as its feed has it.

    `title` and `summary` are plain text already; dates are as written; `link` may be relative.
    """

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    published: str = ""
    updated: str = ""
    author: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A feed as its reader found it, before the rules for entries are applied."""

    title: str
    format: str
    items: tuple[Item, ...]
    language: str = ""
    degraded: str = ""
    ttl_s: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


def entries(items: Iterable[Item], *, base: str, now: datetime, max_entries: int) -> tuple[Entry, ...]:
    """The entries in feed order, without repetitions, relative links resolved against `base`; the newest
    `max_entries` of them where all are dated, else the first.
    """
    found = [entry for item in items if (entry := _entry(item, base, now)) is not None]
    return _newest(_distinct(found), max_entries)


def _entry(item: Item, base: str, now: datetime) -> Entry | None:
    """None for an item without id, link, title or text, which says nothing."""
    link = resolve(base, item.link.strip()) if item.link.strip() else None
    title = plain.one_line(item.title, limit=TITLE_LIMIT)
    summary = plain.paragraphs(item.summary[: 2 * SUMMARY_LIMIT])[:SUMMARY_LIMIT]
    own_guid = plain.clean(item.guid).strip()
    if not (own_guid or link or title or summary):
        return None
    published, updated = parse_date(item.published, now=now), parse_date(item.updated, now=now)
    return Entry(
        guid=_guid(own_guid, link, title, summary),
        link=link,
        title=title,
        summary=summary,
        published_at=published or updated,
        updated_at=updated,
        author=plain.one_line(item.author, limit=AUTHOR_LIMIT),
        language=plain.one_line(item.language, limit=20),
    )


def _guid(own: str, link: str | None, title: str, summary: str) -> str:
    guid = own or link or f"sha256:{_digest(title, summary)}"
    return guid if len(guid) <= GUID_LIMIT else f"{guid[: GUID_LIMIT - 40]}#{_digest(guid)}"


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def _distinct(found: Sequence[Entry]) -> list[Entry]:
    """Without repetitions of the same story.

    Different stories under one guid each get a guid of their own, whatever their order.
    """
    stories: dict[tuple[str, str], Entry] = {}
    for entry in found:
        stories.setdefault((entry.guid, entry.link or entry.title), entry)
    kept = stories.values()
    shared = {guid for guid, count in Counter(entry.guid for entry in kept).items() if count > 1}
    return [
        replace(entry, guid=f"{entry.guid}#{_digest(entry.link or entry.title)}") if entry.guid in shared else entry
        for entry in kept
    ]


def _newest(found: list[Entry], limit: int) -> tuple[Entry, ...]:
    if len(found) <= limit or any(entry.published_at is None for entry in found):
        return tuple(found[:limit])
    ranked = sorted(
        range(len(found)), key=lambda position: found[position].published_at or datetime.min.replace(tzinfo=UTC)
    )
    return tuple(found[position] for position in sorted(ranked[-limit:]))
