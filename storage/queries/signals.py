"""The plain counts that a monitor reads: fetches, passes, judgements, and how long news takes to a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, func, select

from storage.schema import articles, drops, feeds, fetches, passes, revisions, scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Seconds from when an article was published (None: it gives no date), and first seen, to its first score."""

    published_s: float | None
    seen_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long judgements took: how many there were, their sum in seconds, and the buckets that passes wrote down."""

    n: int
    sum_s: float
    buckets: Sequence[int]


def fetch_counts(connection: Connection) -> Mapping[tuple[str, str], int]:
    """Fetches by what was asked for (`feed`, `page`) and outcome."""
    asked = select(fetches.c.what, fetches.c.outcome, func.count()).group_by(fetches.c.what, fetches.c.outcome)
    return {(what, outcome): n for what, outcome, n in connection.execute(asked)}


def drop_counts(connection: Connection) -> Mapping[tuple[str, str], int]:
    """Drops by stage and reason."""
    asked = select(drops.c.stage, drops.c.reason, func.count()).group_by(drops.c.stage, drops.c.reason)
    return {(stage, reason): n for stage, reason, n in connection.execute(asked)}


def state_counts(connection: Connection) -> Mapping[str, int]:
    """Watched feeds by state."""
    asked = select(feeds.c.state, func.count()).where(feeds.c.active).group_by(feeds.c.state)
    return dict(connection.execute(asked).all())


def lags(connection: Connection) -> list[Lag]:
    """Of every article that was ever scored; later scores, by other runs or of other wordings, do not count."""
    first = func.min(scores.c.scored_at)
    key = (articles.c.id, articles.c.published_at, articles.c.first_seen_at)
    asked = select(*key, first).join_from(articles, revisions).join(scores).group_by(*key)
    return [
        Lag(published_s=_seconds(published, scored), seen_s=max(0.0, (scored - seen).total_seconds()))
        for _, published, seen, scored in connection.execute(asked)
    ]


def _seconds(since: datetime | None, until: datetime) -> float | None:
    return None if since is None else max(0.0, (until - since).total_seconds())


def latency(connection: Connection) -> Latency:
    """Of all judgements that passes wrote down."""
    columns: tuple[Any, ...] = (passes.c.judged, passes.c.judge_s, passes.c.judge_buckets)
    rows = connection.execute(select(*columns).where(passes.c.judged > 0)).all()
    return Latency(
        n=sum(row.judged for row in rows),
        sum_s=sum(row.judge_s for row in rows),
        buckets=[sum(column) for column in zip_longest(*(row.judge_buckets or () for row in rows), fillvalue=0)],
    )
