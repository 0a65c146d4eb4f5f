"""What the pages of comparison have in common: how they are narrowed down, and where their charts lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

from config.settings import Settings
from pipeline.report.pages import names
from pipeline.report.pages.asked import LABELS, Asked, asked
from pipeline.report.pages.figures import FIGURES, Figure, Question
from pipeline.report.words import N_, Words
from storage import queries
from storage.queries import Period

FIELDS = ("language", "kind", "country", "outlet", "from", "to")
MONTH: Period = "month"
PERIODS: dict[Period, str] = {"month": N_("by month"), "week": N_("by week"), "day": N_("by day")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What a page of comparison is asked for. `asked.wanted` is everything where something in it is wrong."""

    asked: Asked
    period: Period

    @property
    def query(self) -> str:
        """The same request for a chart or its rows."""
        return urlencode({**self.asked.given, "period": self.period})


def narrowed(query: Mapping[str, str]) -> Narrowed:
    """Read a query; a period that there is not is a month."""
    found = asked({name: query.get(name, "") for name in FIELDS})
    period = next((one for one in PERIODS if one == query.get("period")), MONTH)
    return Narrowed(asked=found, period=period)


def figures_of(
    wanted: Iterable[str], request: Narrowed, connection: Connection, settings: Settings, words: Words
) -> list[Figure]:
    """The charts of these names."""
    question = Question(
        connection=connection,
        wanted=request.asked.wanted,
        period=request.period,
        report=settings.report,
        words=words,
    )
    return [FIGURES[name](question) for name in wanted]


def narrowing(request: Narrowed, connection: Connection, place: str) -> dict[str, Any]:
    """What the form of a page needs."""
    return {
        "narrowed": request,
        "facets": queries.facets(connection),
        "labels": LABELS,
        "periods": PERIODS,
        "names": names,
        "here": place,
    }
