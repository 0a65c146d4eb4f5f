"""Read the dates that feeds and pages carry, in whatever form, as aware UTC datetimes.

A date without zone is UTC, unless its words tell where it was written: Japanese dates are Japan time, dates with
Russian month names Moscow time. An offset that no place on earth has counts as none. A day without time is its
first minute. Times in the future (by more than a day), before the web, or that don't exist give None: the caller
has its own `fetched_at` for those.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pipeline.collect.calendars import ERAS, JAPAN, MONTHS, MOSCOW, ZONES

TOLERANCE = timedelta(hours=24)  # clocks and zones of honest outlets differ by less
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)  # the epoch itself is an unset field
MAX_LENGTH = 120
MAX_OFFSET = 14 * 60

EPOCH = re.compile(r"(\d{9,10})(?:\.\d+)?|(\d{12,13})|(\d{15,16})")
JAPANESE = re.compile(r"(?:(\d{4})|(令和|平成|昭和|大正)\s*(\d{1,2}|元))\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*日")
JAPANESE_TIME = re.compile(r"(午前|午後)?\s*(\d{1,2})\s*時(?:\s*(\d{1,2})\s*分)?(?:\s*(\d{1,2})\s*秒)?")
YEAR_FIRST = re.compile(r"(?<![\d/.-])(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?)?(?![\d/])(?=[\stт,(]|$|[-+:])")
COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?=t?\d{4,6}|\D|$)")
DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
WORDED = re.compile(r"(?<![^\W\d_])(" + "|".join(MONTHS) + r")[^\W\d_]*")
DAY = re.compile(r"(?<![\d:.])(\d{1,2})(?:st|nd|rd|th|-?го|-?е)?(?![\d:])(?!\s*(?:am|pm|a\.m|p\.m))")
YEAR_AFTER = re.compile(r"[-\s,.]*(?:(\d{4})|(\d{2}))(?![\d:])")
YEAR = re.compile(r"(?<![\d:+-])(\d{4})(?![\d:])|(?<=[\s-])'?(\d{2})(?![\d:])")
TIME = re.compile(
    r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(?:\s*([ap])\.?m\b)?|(?<!\d)(\d{1,2})\s*([ap])\.?m\b"
)
COMPACT_TIME = re.compile(r"(?<=\d{8}t)(\d{2})(\d{2})(\d{2})?")
OFFSET = re.compile(r"(?:(?<=[\d\s\]a-zа-я(])|^)([+\-\u2212])(\d{1,2})(?::?(\d{2}))?(?=[\s)\[]|$)")
WORD = re.compile(r"日本時間|[^\W\d_]+")


class _Day(NamedTuple):
    """A calendar day, the minutes east of UTC that its wording implies, and what of the text is left to read."""

    year: int
    month: int
    day: int
    zone: int
    rest: str


def parse_date(raw: str | None, *, now: datetime) -> datetime | None:
    """The UTC time that `raw` names, or None where it names none that can be true at `now`. Never raises."""
    if not raw or len(raw) > MAX_LENGTH:
        return None
    text = unicodedata.normalize("NFKC", raw).strip().lower()
    try:
        moment = _epoch(text) or _spelled_out(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment and EARLIEST <= moment <= now + TOLERANCE else None


def _epoch(text: str) -> datetime | None:
    match = EPOCH.fullmatch(text)
    if not match:
        return None
    seconds, milliseconds, microseconds = (int(group or 0) for group in match.groups())
    return datetime.fromtimestamp(seconds + milliseconds // 1000 + microseconds // 1_000_000, UTC)


def _spelled_out(text: str) -> datetime | None:
    day = _japanese_day(text) or _worded_day(text) or _day_first(text) or _year_first(text)
    if day is None:
        return None
    time = _time(day.rest)
    zone = _zone(day.rest)
    local = datetime(day.year, day.month, day.day, tzinfo=UTC) + time
    return local - timedelta(minutes=day.zone if zone is None else zone)


def _japanese_day(text: str) -> _Day | None:
    match = JAPANESE.search(text)
    if not match:
        return None
    year, era, era_year, month, day = match.groups()
    counted = int(year) if year else ERAS[era] + (1 if era_year == "元" else int(era_year))
    return _Day(counted, int(month), int(day), JAPAN, text[match.end() :])


def _worded_day(text: str) -> _Day | None:
    """`Thu, 01 Jan 2004`, `January 1st, 2004`, `Thu Jan 1 19:48:21 2004`, `1 января 2004 г.`: the day is the number
    nearest to the month, the year the last number that can be one.
    """
    month = WORDED.search(text)
    if not month:
        return None
    before = [match for match in DAY.finditer(text, 0, month.start()) if month.start() - match.end() <= 4]
    day = before[-1] if before else DAY.search(text, month.end())
    if not day:
        return None
    rest = _blank(_blank(text, day.span(1)), month.span())
    year = YEAR_AFTER.match(rest, month.end()) or YEAR.search(rest, month.end()) or YEAR.search(rest)
    if not year:
        return None
    number = int(year.group(1)) if year.group(1) else _century(int(year.group(2)))
    zone = MOSCOW if "а" <= month.group()[0] <= "я" else 0
    return _Day(number, MONTHS[month.group(1)], int(day.group(1)), zone, _blank(rest, year.span()))


def _year_first(text: str) -> _Day | None:
    match = COMPACT.search(text)
    if match:
        year, month, day = match.groups()
        return _Day(int(year), int(month), int(day), 0, text)
    match = YEAR_FIRST.search(text)
    if not match or TIME.match(text):
        return None
    year, _, month, day = match.groups()
    return _Day(int(year), int(month or 1), int(day or 1), 0, text[match.end() :])


def _day_first(text: str) -> _Day | None:
    """`31.12.2004` is day first everywhere; `12/31/2004` and an undecidable `01/02/2004` are American."""
    match = DAY_FIRST.search(text)
    if not match:
        return None
    first, separator, second, year = match.groups()
    american = separator == "/" and int(first) <= 12
    month, day = (first, second) if american else (second, first)
    number = int(year) if len(year) == 4 else _century(int(year))
    return _Day(number, int(month), int(day), 0, _blank(text, match.span()))


def _century(year: int) -> int:
    return year + (2000 if year < 50 else 1900)  # RFC 5322, 4.3


def _blank(text: str, span: tuple[int, int]) -> str:
    return text[: span[0]] + " " * (span[1] - span[0]) + text[span[1] :]


def _time(text: str) -> timedelta:
    """The time of day, midnight where there is none. Raises ValueError for 25:61."""
    if match := JAPANESE_TIME.search(text):
        half, hour, minute, second = match.groups()
        return _clock(int(hour), int(minute or 0), int(second or 0), half={"午前": "a", "午後": "p"}.get(half or ""))
    if match := COMPACT_TIME.search(text):
        hour, minute, second = match.groups()
        return _clock(int(hour), int(minute), int(second or 0))
    if match := TIME.search(text):
        hour, minute, second, half, bare_hour, bare_half = match.groups()
        return _clock(int(hour or bare_hour), int(minute or 0), int(second or 0), half=half or bare_half)
    return timedelta()


def _clock(hour: int, minute: int, second: int, *, half: str | None = None) -> timedelta:
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    whole_day = (hour, minute, second) == (24, 0, 0)
    if not whole_day and (hour > 23 or minute > 59 or second > 60):
        raise ValueError(f"no such time: {hour}:{minute}:{second}")
    return timedelta(hours=hour, minutes=minute, seconds=min(second, 59))


def _zone(text: str) -> int | None:
    """Minutes east of UTC, None where the text names no zone that exists."""
    for sign, hours, minutes in OFFSET.findall(text):
        offset = int(hours) * 60 + int(minutes or 0)
        if offset <= MAX_OFFSET:
            return offset if sign == "+" else -offset
        return None
    return next((ZONES[word] for word in WORD.findall(text) if word in ZONES), None)
