"""When a feed that answered is asked again, and whether its silence is unusual: its history meets the rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from config.sections import PollSettings
from pipeline.collect.polling import Hints, after_success, patience
from pipeline.records import Feed, Fetched, NotModified, ParsedFeed
from storage import habits


def next_check(
    connection: Connection,
    feed_id: int,
    asking: Feed | ParsedFeed,
    answer: Fetched | NotModified,
    now: datetime,
    settings: PollSettings,
) -> datetime:
    """When to ask again. `asking` is the feed as it was just read, or as it is remembered where nothing has changed."""
    hints = Hints(
        ttl_s=asking.ttl_s,
        max_age_s=answer.max_age_s,
        skip_hours=asking.skip_hours or (),
        skip_days=asking.skip_days or (),
    )
    return after_success(answer.url, now, settings, arrivals=habits.arrivals(connection, feed_id), hints=hints)


def quiet(connection: Connection, feed_id: int, now: datetime, settings: PollSettings) -> dict[str, Any]:
    """State, reason and detail of a feed that brought nothing for far longer than usual while others went on.

    Nothing for any other.
    """
    last = habits.last_new_at(connection, feed_id)
    usual = patience(habits.arrivals(connection, feed_id), timedelta(hours=settings.quiet_h))
    if last is None or usual is None or now - last <= usual:
        return {}
    others = habits.others(connection, feed_id, now - usual)
    if not others.went_on or 2 * others.went_on < others.feeds:
        return {}
    detail = f"nothing new since {last:%Y-%m-%d %H:%M} UTC; {others.went_on} of {others.feeds} others went on"
    return {"state": "quiet", "reason": "silent", "detail": detail}
