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
from storage.queries.filters import Filter, terms
from storage.queries.funnels import FeedDay, feed_days
from storage.queries.health import FeedHealth, Funnel, feed_health, funnel
from storage.queries.similar import Similar, nearest, similar
from storage.queries.trace import Explanation, explain
from storage.snippets import Snippet, snippet

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
    "Similar",
    "Snippet",
    "alarms",
    "by_outlet",
    "coverage",
    "evidence",
    "explain",
    "extremes",
    "feed_days",
    "feed_health",
    "funnel",
    "nearest",
    "similar",
    "snippet",
    "terms",
]
