"""Ask the due feeds and keep what they announce."""

from __future__ import annotations

import hashlib
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Connection

from pipeline.collect.addresses import redacted
from pipeline.collect.polling import after_failure, horizon
from pipeline.errors import LETHAL, CollectError, FetchError, ParseError, TreatywatchError
from pipeline.passes import FeedOutcome
from pipeline.plans import next_check, quiet
from pipeline.records import Fetched, NotModified, ParsedFeed
from pipeline.work import POISON, Work, spread, unexpected
from storage import articles, feeds
from storage.feeds import StoredFeed
from storage.schema import feeds as feeds_table

log = structlog.get_logger()


class Polls:
    """The feeds of one pass."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def poll(self, at_once: int) -> None:
        """Ask the feeds whose time had come when this began, so many at a time."""
        began = self._work.tools.clock()

        def take(connection: Connection) -> list[StoredFeed]:
            latest = self._work.tools.clock() - began + horizon(self._work.settings)
            return feeds.due(connection, began, at_once, horizon=latest, lease=self._work.lease)

        await self._work.all_of(take, self._poll, "feeds", at_once)

    async def poll_one(self, url: str) -> None:
        """Ask this feed, due or not. Raises TreatywatchError if another process is at work on it."""
        with self._work.database.write() as connection:
            found = feeds.due(connection, self._work.tools.clock(), url=url, lease=self._work.lease)
        if not found:
            raise TreatywatchError(f"another process is reading {url} at this moment; try again later", reason="leased")
        self._work.watcher.stage("feeds", len(found))
        await spread(iter(found), self._poll, 1)

    async def _poll(self, stored: StoredFeed) -> None:
        started, feed = monotonic(), stored.feed
        try:
            answer = await self._work.tools.fetch(feed.url, etag=feed.etag, last_modified=feed.last_modified)
            unchanged = isinstance(answer, NotModified) or _hash(answer.body) == feed.body_hash
            parsed = None if unchanged else await self._work.tools.parse(answer)  # type: ignore[arg-type]
            if parsed and feed.failures and not parsed.entries:
                raise ParseError(f"{feed.url}: it answers again, but without an entry", url=feed.url, reason="empty")
        except CollectError as error:
            outcome = self._failed(stored, error, started)
        except Exception as error:  # noqa: BLE001 - one feed must stop neither the others nor the next pass
            outcome = self._failed(stored, unexpected(error, feed.url), started)
        else:
            outcome = self._read(stored, answer, parsed, started)
        took_ms = round(1000 * (monotonic() - started))
        event = log.bind(feed=redacted(feed.url), outlet=feed.outlet, outcome=outcome.outcome, took_ms=took_ms)
        event.info("feed", new=outcome.new, failures=feed.failures + 1 if outcome.failed else 0, detail=outcome.detail)
        self._work.report.feeds.append(outcome)
        self._work.watcher.done("feeds")

    def _read(
        self, stored: StoredFeed, answer: Fetched | NotModified, parsed: ParsedFeed | None, started: float
    ) -> FeedOutcome:
        now, feed = self._work.tools.clock(), stored.feed
        outcome, new = "unchanged", 0
        with self._work.settling(feeds_table, stored.id) as connection:
            if parsed is None or isinstance(answer, NotModified):
                due_at = next_check(connection, stored.id, feed, answer, now, self._work.settings)
                silent = quiet(connection, stored.id, now, self._work.settings)
                feeds.unchanged(connection, stored.id, now=now, due_at=due_at, **silent)
            else:
                outcome = "degraded" if parsed.degraded else "ok"
                home = feeds.moved(connection, stored.id, answer.permanent_url or feed.url, now)
                new = articles.add_entries(connection, home, parsed.entries, now, canonical=self._work.tools.canonical)
                kept: dict[str, Any] = {} if parsed.degraded else _validators(answer)
                if parsed.degraded:
                    kept |= {"state": "degraded", "reason": parsed.degraded}
                elif not new:
                    kept |= quiet(connection, home, now, self._work.settings)
                feeds.fetched(
                    connection,
                    home,
                    now=now,
                    due_at=next_check(connection, home, parsed, answer, now, self._work.settings),
                    title=parsed.title,
                    new=new,
                    ttl_s=parsed.ttl_s,
                    skip_hours=parsed.skip_hours,
                    skip_days=parsed.skip_days,
                    **kept,
                )
            self._work.log(connection, feed.url, "feed", started, outcome, feed_id=stored.id, answer=answer)
        detail = parsed.degraded if parsed else ""
        return FeedOutcome(url=feed.url, outlet=feed.outlet, outcome=outcome, new=new, detail=detail)

    def _failed(self, stored: StoredFeed, error: CollectError, started: float) -> FeedOutcome:
        now, feed = self._work.tools.clock(), stored.feed
        asked_s = error.retry_after_s if isinstance(error, FetchError) else None
        reason = POISON if error.lethal and feed.reason in (*LETHAL, POISON) else error.reason
        if reason == POISON:
            asked_s = self._work.settings.max_interval_s
        gone = error.reason == "gone"
        due_at = after_failure(feed.url, feed.failures + 1, now, self._work.settings, retry_after_s=asked_s, gone=gone)
        with self._work.settling(feeds_table, stored.id) as connection:
            feeds.failed(connection, stored.id, reason=reason, detail=str(error), due_at=due_at, now=now)
            self._work.log(connection, feed.url, "feed", started, error.reason, feed_id=stored.id, error=error)
        return FeedOutcome(url=feed.url, outlet=feed.outlet, outcome=reason, detail=str(error))


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _validators(answer: Fetched) -> dict[str, str | None]:
    return {"etag": answer.etag, "last_modified": answer.last_modified, "body_hash": _hash(answer.body)}
