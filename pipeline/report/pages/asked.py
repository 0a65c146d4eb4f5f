"""What the articles page is asked for: filters as a reader types them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from typing import Any, get_args
from urllib.parse import urlencode

from config.sources import FeedKind
from pipeline.records import Language
from pipeline.report.pages.names import codebook
from pipeline.report.words import N_
from storage.queries import Filter, Sort

LONGEST = 500  # characters of a value
SORTS: dict[Sort, str] = {
    "newest": N_("newest first"),
    "oldest": N_("oldest first"),
    "credulous": N_("most credulous first"),
    "vigilant": N_("most vigilant first"),
}
LABELS = {
    "text": N_("Words"),
    "like": N_("Meaning"),
    "outlet": N_("Outlet"),
    "language": N_("Language"),
    "country": N_("Country"),
    "kind": N_("Kind of outlet"),
    "code": N_("Bears the code"),
    "omitted": N_("Leaves out"),
    "from": N_("From day"),
    "to": N_("To day"),
    "tone_min": N_("Lowest tone"),
    "tone_max": N_("Highest tone"),
    "sort": N_("Order"),
}
FIRST: Sort = "newest"
PLACE = "after"  # where a page begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for articles.

    `given`: what was typed, by field, without what is empty; `faults`: for each wrong one, a message that says how it
    should be. `wanted` and `sort` are to be used only where there are none.
    """

    given: Mapping[str, str]
    after: str | None
    wanted: Filter = field(default_factory=Filter)
    sort: Sort = FIRST
    faults: Mapping[str, str] = field(default_factory=dict)

    def link(self, **changes: str | None) -> str:
        """The address of this list with changes, from its first page; None takes a field away."""
        kept = {**self.given, **changes}
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"/articles?{query}" if query else "/articles"

    def without(self, name: str) -> str:
        """The address of this list without a field."""
        return self.link(**{name: None})


class _WrongError(ValueError):
    """A value that can't be understood; its text is a message."""


def asked(query: Mapping[str, str]) -> Asked:
    """Read a query."""
    given = {name: value for name in LABELS if (value := query.get(name, "").strip())}
    after = query.get(PLACE) or None
    read: dict[str, Any] = {}
    faults = {}
    for name, value in given.items():
        try:
            read[name] = _READERS[name](value)
        except _WrongError as wrong:
            faults[name] = str(wrong)
    if given.get("sort") == FIRST:  # it is what a list without a sort has, and that is its one address
        del given["sort"]
    faults |= _contradictions(read)
    if faults:
        return Asked(given=given, after=after, faults=faults)
    return Asked(given=given, after=after, wanted=_filter(read), sort=read.get("sort", FIRST))


def _filter(read: dict[str, Any]) -> Filter:
    plain = {name: value for name, value in read.items() if name not in ("from", "to", "sort", "like")}
    since = _midnight(read["from"]) if "from" in read else None
    until = _midnight(read["to"] + timedelta(days=1)) if "to" in read else None
    return Filter(**plain, since=since, until=until)


def _contradictions(read: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    if "from" in read and "to" in read and read["from"] > read["to"]:
        found["to"] = N_("The last day lies before the first.")
    if "tone_min" in read and "tone_max" in read and read["tone_min"] > read["tone_max"]:
        found["tone_max"] = N_("The highest tone lies below the lowest.")
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _words(value: str) -> str:
    if len(value) > LONGEST:
        raise _WrongError(N_("At most 500 characters."))
    return value


def _day(value: str) -> date:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = date.min
    if not 1900 <= day.year <= 9998:
        raise _WrongError(N_("A day is written like 2026-11-24."))
    return day


def _tone(value: str) -> float:
    try:
        tone = float(value.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        tone = float("nan")
    if not (isfinite(tone) and -1 <= tone <= 1):
        raise _WrongError(N_("A tone is a number from -1 to 1."))
    return tone


def _one_of(values: tuple[str, ...]) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in values:
            raise _WrongError(N_("Choose one of the list."))
        return value

    return read


def _code(value: str) -> str:
    return _one_of(tuple(codebook().codes))(value)


def _fact(value: str) -> str:
    return _one_of(tuple(codebook().facts))(value)


_READERS: dict[str, Callable[[str], Any]] = {
    "text": _words,
    "like": _words,
    "outlet": _words,
    "language": _one_of(get_args(Language)),
    "country": _words,
    "kind": _one_of(get_args(FeedKind)),
    "code": _code,
    "omitted": _fact,
    "from": _day,
    "to": _day,
    "tone_min": _tone,
    "tone_max": _tone,
    "sort": _one_of(get_args(Sort)),
}
