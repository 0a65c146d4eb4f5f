"""What a feed and its server say about how often to ask: RSS's skipHours and skipDays, Cache-Control's max-age.

What nonsense there is in them counts for nothing. How much a hint weighs is for polling.py to say.
"""

from __future__ import annotations

import re

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST = 2000  # characters of 24 hours or 7 days, with room for white space
MAX_AGE = re.compile(r"(?:^|[,\s])(?:s-maxage|max-age)\s*=\s*\"?(\d{1,10})\b", re.IGNORECASE)
FORBIDDEN = re.compile(r"\b(?:no-cache|no-store)\b", re.IGNORECASE)


def skip_hours(feed: str) -> tuple[int, ...]:
    """The hours of the day, in UTC, in which RSS asks not to be read: 0 to 23 (some write 24 for midnight)."""
    hours = {int(hour) % 24 for hour in _listed(feed, "skipHours", "hour") if hour.isdecimal() and int(hour) <= 24}
    return tuple(sorted(hours)) if len(hours) < 24 else ()


def skip_days(feed: str) -> tuple[int, ...]:
    """The days, in UTC, on which RSS asks not to be read; Monday is 0."""
    named = {day.lower() for day in _listed(feed, "skipDays", "day")}
    days = tuple(number for number, day in enumerate(DAYS) if day in named)
    return days if len(days) < 7 else ()


def _listed(feed: str, whole: str, part: str) -> list[str]:
    inside = re.search(rf"<{whole}\s*>(.{{0,{LONGEST}}}?)</{whole}\s*>", feed, re.IGNORECASE | re.DOTALL)
    parts = re.findall(rf"<{part}\s*>([^<]{{1,20}})</", inside[1], re.IGNORECASE) if inside else []
    return [found.strip() for found in parts]


def max_age_s(cache_control: str) -> int | None:
    """The seconds for which an answer stays fresh, or None where the server does not say so."""
    found = MAX_AGE.search(cache_control)
    return int(found[1]) or None if found and not FORBIDDEN.search(cache_control) else None
