"""When to ask a feed, or try a page, again."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from config.settings import PollSettings

JITTER = 0.1  # so that feeds that failed together do not come back together


def after_success(url: str, now: datetime, settings: PollSettings, *, ttl_s: float | None = None) -> datetime:
    """The next check of a feed that answered.

    The shortest interval, or what the feed itself asks for if that is longer.
    """
    pause = min(max(settings.min_interval_s, ttl_s or 0), settings.max_interval_s)
    return now + timedelta(seconds=_spread(pause, url))


def after_failure(
    url: str, failures: int, now: datetime, settings: PollSettings, *, retry_after_s: float | None = None
) -> datetime:
    """The next try after the `failures`-th failure in a row (>= 1): doubling from the shortest to the longest interval.

    What the server asked for in Retry-After counts, within the same bounds: a feed is never given up, nor hammered.
    """
    doubled = settings.min_interval_s * 2 ** min(failures - 1, 30)
    pause = min(max(doubled, retry_after_s or 0, settings.min_interval_s), settings.max_interval_s)
    return now + timedelta(seconds=_spread(pause, url))


def _spread(pause_s: float, url: str) -> float:
    """Add up to JITTER of the pause, always the same for one URL, so that a plan can be read and tested."""
    share = int.from_bytes(sha256(url.encode()).digest()[:4]) / 2**32
    return pause_s * (1 + JITTER * share)
