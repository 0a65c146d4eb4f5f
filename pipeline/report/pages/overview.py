"""The first page: what coverage looks like now, what is new, and whether all is well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from config.sections import ReportSettings
from config.settings import Settings
from pipeline.report.asking import Reading, Settled
from pipeline.report.auth import utc_now
from pipeline.report.pages import names
from pipeline.report.pages.asked import asked
from pipeline.report.pages.comparing import Narrowed, figures_of
from pipeline.report.pages.page import Spoken, page
from storage import queries
from storage.queries import Filter, GroupTone, Period, TrendPoint

SPANS: dict[str, int | None] = {"30": 30, "90": 90, "365": 365, "all": None}  # days
LATEST = 8  # articles shown
WEEKS_UNTIL = 120  # days up to which time goes by weeks, else by months


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time that the page looks back on: `days` until now, or all there is."""

    name: str
    days: int | None
    narrowed: Narrowed

    @property
    def wanted(self) -> Filter:
        """The articles of that time."""
        return self.narrowed.asked.wanted


def overview_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/")
    def overview(request: Request, connection: Reading, settings: Settled, words: Spoken) -> HTMLResponse:
        now = utc_now()
        window = _window(connection, request.query_params.get("days", ""), settings.report.min_n, now)
        tone, volume = figures_of(("tone", "volume"), window.narrowed, connection, settings, words)
        return page(
            request,
            "overview.html",
            title=words.gettext("Overview"),
            place="overview",
            names=names,
            window=window,
            spans=list(SPANS),
            report=settings.report,
            tone=tone,
            volume=volume,
            over_time=_over_time(tone.records),
            **_tones(connection, window, settings.report),
            **_news(connection, settings, now),
        )

    return router


def _window(connection: Connection, chosen: str, min_n: int, now: datetime) -> Window:
    """As the reader chose, else the shortest that holds enough articles to say something."""
    for name in [chosen] if chosen in SPANS else SPANS:
        window = _looking_back(name, now)
        if queries.count(connection, window.wanted, most=min_n) >= min_n:
            break
    return window


def _looking_back(name: str, now: datetime) -> Window:
    days = SPANS[name]
    since = {"from": f"{now.date() - timedelta(days=days - 1)}"} if days else {}
    period: Period = "week" if days and days <= WEEKS_UNTIL else "month"
    return Window(name=name, days=days, narrowed=Narrowed(asked=asked(since), period=period))


def _tones(connection: Connection, window: Window, report: ReportSettings) -> dict[str, Any]:
    least: dict[str, Any] = {"min_n": report.min_n, "level": report.level}
    languages = queries.by_group(connection, window.wanted, group="language", **least)
    whole = queries.trend(connection, window.wanted, period=None, **least)
    return {
        "whole": whole[0] if whole else None,
        "languages": languages,
        "apart": _apart(languages),
    }


def _apart(groups: Sequence[GroupTone]) -> tuple[GroupTone, GroupTone] | None:
    """The most credulous and the most vigilant group, where their intervals do not meet."""
    known = [group for group in groups if group.tone is not None and group.interval is not None]
    if len(known) < 2:
        return None
    first, last = known[0], known[-1]
    return (first, last) if first.interval and last.interval and first.interval[0] > last.interval[1] else None


def _over_time(points: Sequence[TrendPoint]) -> list[tuple[datetime, dict[str, TrendPoint]]]:
    """Points by period, the newest first, and group."""
    table: dict[str, dict[str, TrendPoint]] = {}
    for point in points:
        table.setdefault(point.period, {})[point.group] = point
    return [(datetime.fromisoformat(period), groups) for period, groups in sorted(table.items(), reverse=True)]


def _news(connection: Connection, settings: Settings, now: datetime) -> dict[str, Any]:
    midnight = datetime.combine(now.date(), time(), UTC)
    today = queries.coverage(connection, Filter(since=midnight), limit=LATEST).rows
    return {
        "changes": queries.changes(
            connection, day=now.date(), min_n=settings.report.min_n, level=settings.report.level
        ),
        "today": today,
        "latest": today or queries.coverage(connection, limit=LATEST).rows,
        "alarms": queries.alarms(connection, settings.alarms, interval_s=settings.poll.min_interval_s, now=now),
        "funnel": queries.funnel(connection),
    }
