"""Articles taken together, over HTTP: trends, groups compared, shares of codes, voices and omissions, changes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BeforeValidator

from pipeline.report.api.describing import UNCHANGED
from pipeline.report.api.fresh import Fresh
from pipeline.report.asking import Reading, Settled, Wanted, written
from storage import queries
from storage.queries import Changes, CodeShare, Group, GroupTone, Omission, Period, TrendPoint, VoiceShare

Least = Annotated[
    int | None,
    Query(ge=5, le=100_000, description="Figures over fewer articles are null; `report.min_n` where none is given."),
]
Grouped = Annotated[Group | None, Query(description="One figure for each of these instead of one for all.")]
# Around which a calendar has room for windows.
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9000, 1, 1)


def _least(settings: Settled, min_n: Least = None) -> int:
    return settings.report.min_n if min_n is None else min_n


MinN = Annotated[int, Depends(_least)]


def _day(
    day: Annotated[
        date | None, BeforeValidator(written), Query(description="The day (UTC); today where none is given.")
    ] = None,
) -> date:
    return min(max(day, FIRST_DAY), LAST_DAY) if day else datetime.now(UTC).date()


def figure_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["figures"], responses=UNCHANGED)

    @router.get("/trends")
    def trends(
        connection: Reading,
        settings: Settled,
        wanted: Wanted,
        min_n: MinN,
        _: Fresh,
        period: Annotated[Period, Query(description="Weeks begin on Monday.")] = "week",
        group: Grouped = None,
    ) -> tuple[TrendPoint, ...]:
        """Mean tone by period, the oldest first; periods without articles are left out."""
        level = settings.report.level
        return queries.trend(connection, wanted, period=period, group=group, min_n=min_n, level=level)

    @router.get("/outlets")
    def outlets(
        connection: Reading,
        settings: Settled,
        wanted: Wanted,
        min_n: MinN,
        _: Fresh,
        group: Annotated[Group, Query(description="What is compared.")] = "outlet",
    ) -> tuple[GroupTone, ...]:
        """Outlets, or other groups, compared: the most credulous first, those with too few articles last."""
        return queries.by_group(connection, wanted, group=group, min_n=min_n, level=settings.report.level)

    @router.get("/codes")
    def codes(
        connection: Reading, settings: Settled, wanted: Wanted, min_n: MinN, _: Fresh, group: Grouped = None
    ) -> tuple[CodeShare, ...]:
        """The share of articles that bear each code."""
        return queries.code_shares(connection, wanted, group=group, min_n=min_n, level=settings.report.level)

    @router.get("/omissions")
    def omissions(
        connection: Reading, settings: Settled, wanted: Wanted, min_n: MinN, _: Fresh, group: Grouped = None
    ) -> tuple[Omission, ...]:
        """The share of articles that leave out each context fact."""
        return queries.omissions(connection, wanted, group=group, min_n=min_n, level=settings.report.level)

    @router.get("/voices")
    def voices(
        connection: Reading, wanted: Wanted, min_n: MinN, _: Fresh, group: Grouped = None
    ) -> tuple[VoiceShare, ...]:
        """Whose words the passages of each family are."""
        return queries.voice_shares(connection, wanted, group=group, min_n=min_n)

    @router.get("/changes")
    def changes(
        connection: Reading,
        min_n: MinN,
        _: Fresh,
        day: Annotated[date, Depends(_day)],
        window_days: Annotated[int, Query(ge=1, le=366, description="Days in each of the two windows.")] = 7,
    ) -> Changes:
        """What a day brought, and which outlets' tone moved from the window before to the one that ends that day."""
        return queries.changes(connection, day=day, window_days=window_days, min_n=min_n)

    return router
