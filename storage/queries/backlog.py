"""What waits to be done: entries for their page, texts for their judgement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, or_, select

from storage.schema import articles, entries, feeds, revisions, scores, screenings
from storage.scores import latest_run

Waiting = tuple[int, datetime | None]  # how many, and since when the first of them
READY = func.coalesce(entries.c.next_try_at, entries.c.first_seen_at)


def ready_since(connection: Connection, before: datetime) -> Waiting:
    """Entries of watched feeds whose page could have been fetched since before then."""
    asked = select(func.count(), func.min(READY)).join_from(entries, feeds, feeds.c.id == entries.c.feed_id)
    return _waiting(connection, asked.where(feeds.c.active, entries.c.state == "announced", before >= READY))


def unjudged_since(connection: Connection, before: datetime) -> Waiting:
    """Current texts that the latest run could have judged since before then: neither scored nor found irrelevant."""
    run = latest_run(connection)
    if run is None or run.created_at > before:  # a run that is new has all texts before it
        return 0, None
    return _waiting(connection, _unjudged(run.id).where(revisions.c.fetched_at <= before))


def queues(connection: Connection, now: datetime) -> Mapping[str, int]:
    """How many wait: entries for a `page`, entries for a later `retry` of it, texts for their `judgement`."""
    later = case((entries.c.next_try_at > now, 1), else_=0)
    asked = select(func.count(), func.coalesce(func.sum(later), 0)).join_from(entries, feeds)
    total, retried = connection.execute(asked.where(feeds.c.active, entries.c.state == "announced")).one()
    run = latest_run(connection)
    judged = connection.execute(_unjudged(run.id)).one()[0] if run else 0
    return {"page": total - retried, "retry": retried, "judgement": judged}


def _unjudged(run_id: int) -> Select[int, datetime | None]:
    current = and_(articles.c.id == revisions.c.article_id, articles.c.revision == revisions.c.number)
    by_run = (screenings.c.revision_id == revisions.c.id, screenings.c.run_id == run_id)
    settled: ColumnElement[bool] = or_(
        exists().where(scores.c.revision_id == revisions.c.id, scores.c.run_id == run_id),
        exists().where(*by_run, screenings.c.relevant.is_(False)),
    )
    asked = select(func.count(), func.min(revisions.c.fetched_at))
    return asked.join_from(revisions, articles, current).where(~settled)


def _waiting(connection: Connection, asked: Select[int, datetime | None]) -> Waiting:
    n, since = connection.execute(asked).one()
    return n, since
