"""When to ask a feed, or try a page, again; and when the silence of a feed is unusual.

All bounds come from the settings: nothing is asked more often than `poll.min_interval_s` allows, and nothing is left
for longer than `poll.max_interval_s`, whatever a server, a feed or a row of failures says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise

from config.sections import PollSettings

JITTER = 0.1  # so that feeds that failed together do not come back together
RECENT = 20  # arrivals that say how often a feed brings news at present
PER_NEWS = 2.0  # polls between two pieces of news
HINT = 4.0  # what a hint can stretch the pause by that the habit asks for, lest news scroll off the feed unseen
ENOUGH = 8  # pauses between arrivals without which a feed has no habit yet
FAR = 2.0  # times its longest usual pause a feed is silent before that is unusual
SPAN = timedelta(days=180)  # of history that counts, where it is enough: some feeds list pages of years ago
SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What feed and server ask for. Hours and days (Monday is 0) are those in UTC in which not to come."""

    ttl_s: float | None = None
    max_age_s: float | None = None
    skip_hours: Sequence[int] = ()
    skip_days: Sequence[int] = ()

    @property
    def pause_s(self) -> float:
        """The longest pause that is asked for, in seconds."""
        return max(self.ttl_s or 0, self.max_age_s or 0)


def after_success(
    url: str, now: datetime, settings: PollSettings, *, arrivals: Sequence[datetime] = (), hints: Hints | None = None
) -> datetime:
    """The next check of a feed that answered.

    Twice as often as it brings news at present; what it asks for counts, up to HINT times that. `arrivals`: when its
    news came, in any order. A feed without a history is asked as often as it and the bounds allow.
    """
    hints = hints or Hints()
    low, high = settings.min_interval_s, settings.max_interval_s
    habit = _pause_s(arrivals, now)
    usual = min(max(habit or low, low), high)
    asked = hints.pause_s if habit is None else min(hints.pause_s, HINT * usual)
    at = now + timedelta(seconds=_jittered(max(usual, asked), url, settings))
    return min(_welcome(at, hints), max(at, now + timedelta(seconds=high)))


def after_failure(
    url: str,
    failures: int,
    now: datetime,
    settings: PollSettings,
    *,
    retry_after_s: float | None = None,
    gone: bool = False,
) -> datetime:
    """The next try after the `failures`-th failure in a row (>= 1): doubling from the shortest to the longest interval.

    What the server asked for in Retry-After counts, within the same bounds: a feed is never given up, nor hammered.
    One that is `gone` is asked as seldom as the bounds allow.
    """
    doubled = settings.max_interval_s if gone else settings.min_interval_s * 2 ** min(max(failures, 1) - 1, 30)
    asked = min(max(retry_after_s or 0, settings.min_interval_s), settings.max_interval_s)
    return now + timedelta(seconds=max(asked, _jittered(max(asked, doubled), url, settings)))


def horizon(settings: PollSettings) -> timedelta:
    """How far ahead a plan can lie. One that lies further was made by a clock that was wrong, and counts as come."""
    return timedelta(seconds=settings.max_interval_s) + SLACK


def patience(arrivals: Sequence[datetime], least: timedelta) -> timedelta | None:
    """The silence from which on a feed is quiet: FAR times its longest usual pause, and at least `least`.

    The one longest pause of its history does not count: it may have been a fault. None while a feed has no habit.
    """
    times = sorted(set(arrivals))
    recent = [at for at in times if times[-1] - at <= SPAN]
    pauses = sorted(later - earlier for earlier, later in pairwise(recent if len(recent) > ENOUGH else times))
    return max(FAR * pauses[-2], least) if len(pauses) >= ENOUGH else None


def _pause_s(arrivals: Sequence[datetime], now: datetime) -> float | None:
    """Seconds between polls of a feed that brings news as often as these arrivals, the present silence included."""
    recent = sorted({at for at in arrivals if at <= now})[-RECENT:]
    return (now - recent[0]).total_seconds() / len(recent) / PER_NEWS if len(recent) > 1 else None


def _jittered(pause_s: float, url: str, settings: PollSettings) -> float:
    """The pause within the bounds, and up to JITTER of it longer or, at the upper bound, shorter.

    It is always the same for one URL, so that a plan can be read and tested.
    """
    low, high = settings.min_interval_s, settings.max_interval_s
    share = int.from_bytes(sha256(url.encode("utf-8", "surrogatepass")).digest()[:4]) / 2**32
    within = min(max(pause_s, low), max(low, high / (1 + JITTER)))
    return min(within * (1 + JITTER * share), max(low, high))


def _welcome(at: datetime, hints: Hints) -> datetime:
    """The first time from `at` on that is in none of the hours and days in which the feed asks not to come."""
    for _ in range(7 * 24):
        if at.hour not in hints.skip_hours and at.weekday() not in hints.skip_days:
            return at
        at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return at
