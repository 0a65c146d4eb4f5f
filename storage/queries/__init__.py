"""What readers ask: answers as records, read from one snapshot; nothing here writes."""

from __future__ import annotations

from storage.queries.alarms import Alarm, alarms
from storage.queries.changes import Changes, Mover, changes
from storage.queries.coverage import Coverage, Page, count, coverage, extremes
from storage.queries.cursors import Sort
from storage.queries.exports import DailyTone, Evidence, all_articles, all_evidence, daily_tone, latest_scored
from storage.queries.facets import Facets, RunView, facets, runs
from storage.queries.filters import Filter, Group, Period, terms
from storage.queries.funnels import FeedDay, feed_days
from storage.queries.groups import GroupTone, OutletTone, by_group, by_outlet
from storage.queries.health import FeedHealth, Funnel, feed_health, funnel
from storage.queries.quotations import CodedSentence, evidence, texts
from storage.queries.shares import CodeShare, Omission, VoiceShare, code_shares, omissions, voice_shares
from storage.queries.similar import Similar, nearest, similar
from storage.queries.trace import Explanation, explain
from storage.queries.trends import TrendPoint, trend
from storage.queries.views import ArticleView, Relevant, RevisionView, RunScore, article_view
from storage.snippets import Snippet, snippet

Quotation = CodedSentence

__all__ = [
    "Alarm",
    "ArticleView",
    "Changes",
    "CodeShare",
    "CodedSentence",
    "Coverage",
    "DailyTone",
    "Evidence",
    "Explanation",
    "Facets",
    "FeedDay",
    "FeedHealth",
    "Filter",
    "Funnel",
    "Group",
    "GroupTone",
    "Mover",
    "Omission",
    "OutletTone",
    "Page",
    "Period",
    "Quotation",
    "Relevant",
    "RevisionView",
    "RunScore",
    "RunView",
    "Similar",
    "Snippet",
    "Sort",
    "TrendPoint",
    "VoiceShare",
    "alarms",
    "all_articles",
    "all_evidence",
    "article_view",
    "by_group",
    "by_outlet",
    "changes",
    "code_shares",
    "count",
    "coverage",
    "daily_tone",
    "evidence",
    "explain",
    "extremes",
    "facets",
    "feed_days",
    "feed_health",
    "funnel",
    "latest_scored",
    "nearest",
    "omissions",
    "runs",
    "similar",
    "snippet",
    "terms",
    "texts",
    "trend",
    "voice_shares",
]
