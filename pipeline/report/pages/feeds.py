"""How the watching goes: which feeds answer, since when and why not, and what became of what they announced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pipeline.collect.addresses import redacted
from pipeline.report.asking import Reading, Settled
from pipeline.report.auth import utc_now
from pipeline.report.pages import names
from pipeline.report.pages.page import Spoken, page
from pipeline.report.words import N_
from storage import queries
from storage.queries import FeedDay

DAYS = 14  # days shown
STEPS = {
    "announced": N_("announced"),
    "waiting": N_("waiting"),
    "fetched": N_("fetched"),
    "extracted": N_("with a text"),
    "relevant": N_("about the talks"),
    "scored": N_("scored"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What became of what all feeds announced on a day, with the reasons for which the rest was left out."""

    day: datetime
    steps: dict[str, int]
    dropped: tuple[tuple[str, int], ...]


def feeds_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/feeds")
    def feeds(request: Request, connection: Reading, settings: Settled, words: Spoken) -> HTMLResponse:
        now = utc_now()
        since = datetime.combine(now.date(), time(), UTC) - timedelta(days=DAYS - 1)
        watched = [feed for feed in queries.feed_health(connection) if feed.active]
        return page(
            request,
            "feeds.html",
            title=words.gettext("Feeds"),
            place="feeds",
            feeds=watched,
            well=sum(feed.state in ("ok", "quiet") for feed in watched),
            days=_days(queries.feed_days(connection, since=since)),
            shown_days=DAYS,
            alarms=queries.alarms(connection, settings.alarms, interval_s=settings.poll.min_interval_s, now=now),
            steps=STEPS,
            names=names,
            redacted=redacted,
        )

    return router


def _days(found: Iterable[FeedDay]) -> list[Day]:
    """All feeds together, the latest day first."""
    steps: dict[str, Counter[str]] = {}
    dropped: dict[str, Counter[str]] = {}
    for one in found:
        steps.setdefault(one.day, Counter()).update({step: getattr(one, step) for step in STEPS})
        dropped.setdefault(one.day, Counter()).update(one.dropped)
    return [
        Day(day=datetime.fromisoformat(day), steps=dict(steps[day]), dropped=tuple(dropped[day].most_common()))
        for day in sorted(steps, reverse=True)
    ]
