"""What readers ask: answers as records, read from one snapshot; nothing here writes."""

from __future__ import annotations

from storage.queries.alarms import Alarm, alarms
from storage.queries.coverage import (
    Coverage,
    OutletTone,
    Page,
    Quotation,
    by_outlet,
    coverage,
    evidence,
    extremes,
)
from storage.queries.filters import Filter
from storage.queries.funnels import FeedDay, feed_days
from storage.queries.health import FeedHealth, Funnel, feed_health, funnel
from storage.queries.trace import Explanation, explain

__all__ = [
    "Alarm",
    "Coverage",
    "Explanation",
    "FeedDay",
    "FeedHealth",
    "Filter",
    "Funnel",
    "OutletTone",
    "Page",
    "Quotation",
    "alarms",
    "by_outlet",
    "coverage",
    "evidence",
    "explain",
    "extremes",
    "feed_days",
    "feed_health",
    "funnel",
]
