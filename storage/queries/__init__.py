"""What readers ask: answers as records, read from one snapshot; nothing here writes."""

from __future__ import annotations

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
from storage.queries.health import FeedHealth, Funnel, feed_health, funnel
from storage.queries.trace import Explanation, explain

__all__ = [
    "Coverage",
    "Explanation",
    "FeedHealth",
    "Filter",
    "Funnel",
    "OutletTone",
    "Page",
    "Quotation",
    "by_outlet",
    "coverage",
    "evidence",
    "explain",
    "extremes",
    "feed_health",
    "funnel",
]
