"""Read the pages that entries announce, have them judged, and keep what came of them."""

from __future__ import annotations

from time import monotonic

import structlog
from sqlalchemy import Connection

from pipeline.analyse.judge import Judgement
from pipeline.collect.addresses import redacted
from pipeline.collect.polling import after_failure, horizon
from pipeline.errors import CollectError, ExtractError, FetchError, StorageError
from pipeline.judging import Judging
from pipeline.records import Article, Dropped, Fetched
from pipeline.work import POISON, Work, unexpected
from storage import articles
from storage.articles import StoredEntry
from storage.schema import entries

log = structlog.get_logger()
TAKEN = 2  # entries that are taken at a time, for each that can be under way: the others are for other processes
STRIKES = 2  # workers that a page may kill before it is set aside


class Pages:
    """The pages of one pass."""

    def __init__(self, work: Work, judging: Judging) -> None:
        self._work, self._judging = work, judging

    async def read(self, at_once: int, feed_id: int | None) -> None:
        """Read the waiting pages, of one feed or of all, so many at a time."""

        def take(connection: Connection) -> list[StoredEntry]:
            now, latest = self._work.tools.clock(), horizon(self._work.settings)
            return articles.pending(
                connection, now, TAKEN * at_once, feed_id=feed_id, horizon=latest, lease=self._work.lease
            )

        await self._work.all_of(take, self._read, "articles", at_once)

    async def _read(self, stored: StoredEntry) -> None:
        started = monotonic()
        try:
            page, found = await self._found(stored, started)
            article, judgement = await self._judging.apart(self._judge_found, found, stored)
        except CollectError as error:
            self._failed(stored, error, started)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - one page must stop neither the others nor the next pass
            self._failed(stored, unexpected(error, stored.entry.link or stored.feed.url), started)
        else:
            self._keep(stored, article, judgement, page, started)
        self._work.watcher.done("articles")

    async def _found(self, stored: StoredEntry, started: float) -> tuple[Fetched | None, Article | None]:
        """The entry's page and the article there; None where the feed's summary has to do.

        Raises CollectError if a later try may help.
        """
        page = await self._page(stored)
        if page is None:
            return None, None
        try:
            return page, await self._work.tools.extract(page, stored.entry, stored.feed)
        except ExtractError as error:
            log.info("page", url=error.url, outcome=error.reason, detail=str(error))
            if not error.lethal:
                return page, None
            if stored.strikes + 1 < STRIKES and stored.attempts + 1 < self._work.settings.max_attempts:
                raise
            self._set_aside(stored, error, started)
            return None, None

    async def _page(self, stored: StoredEntry) -> Fetched | None:
        """The entry's page, or None where the feed's summary has to do. Raises FetchError if a later try may help."""
        if stored.entry.link is None:
            raise ExtractError("the entry has no link", url=stored.feed.url, reason="no_link", retry=False)
        if stored.strikes >= STRIKES:
            self._work.report.counts[f"page {POISON}"] += 1
            return None
        try:
            answer = await self._work.tools.fetch(stored.entry.link)
        except FetchError as error:
            if error.retry and stored.attempts + 1 < self._work.settings.max_attempts:
                raise
            self._work.report.counts[f"page {error.reason}"] += 1
            return None
        return answer if isinstance(answer, Fetched) else None

    def _set_aside(self, stored: StoredEntry, error: ExtractError, started: float) -> None:
        """A page killed a worker for the last time: the log counts it, and the drop says so for good."""
        dropped = Dropped(url=stored.url or error.url, stage="page", reason=POISON, detail=str(error))
        with self._work.database.write() as connection:
            self._work.log(connection, error.url, "page", started, error.reason, feed_id=stored.feed_id, error=error)
            articles.drop(connection, dropped, now=self._work.tools.clock())
        self._work.report.drops[dropped.stage, dropped.reason] += 1

    def _judge_found(self, found: Article | None, stored: StoredEntry) -> tuple[Article, Judgement | None]:
        article = found or self._work.tools.from_summary(stored.entry, stored.feed)
        return article, self._judging.judge(article)

    def _keep(
        self,
        stored: StoredEntry,
        article: Article,
        judgement: Judgement | None,
        page: Fetched | None,
        started: float,
    ) -> None:
        now = self._work.tools.clock()
        with self._work.settling(entries, stored.id) as connection:
            if page is not None:
                self._work.log(connection, page.url, "page", started, "ok", feed_id=stored.feed_id, answer=page)
            if judgement is not None and judgement.embedded is None:
                dropped = _refused(article, judgement)
                self._drop(connection, dropped, stored)
                self._tell(stored, dropped.reason, article.url, partial=article.partial)
                return
            kept = articles.store(connection, stored.id, article, now)
            self._work.report.counts[kept.outcome] += 1
            self._work.report.counts["partial"] += article.partial
            if kept.outcome != "same":
                self._judging.save(connection, kept.revision_id, article, judgement)
        tone = judgement.score.tone if judgement and judgement.score else None
        self._tell(stored, kept.outcome, article.url, partial=article.partial, tone=tone)

    @staticmethod
    def _tell(stored: StoredEntry, outcome: str, url: str, **more: object) -> None:
        event = log.bind(feed=redacted(stored.feed.url), outlet=stored.feed.outlet)
        event.info("page", url=redacted(url), outcome=outcome, **more)

    def _failed(self, stored: StoredEntry, error: CollectError, started: float) -> None:
        now, url = self._work.tools.clock(), stored.entry.link or stored.feed.url
        self._tell(stored, error.reason, url, detail=str(error), attempts=stored.attempts + 1)
        with self._work.settling(entries, stored.id) as connection:
            self._work.log(connection, url, "page", started, error.reason, feed_id=stored.feed_id, error=error)
            if isinstance(error, FetchError) or error.lethal:
                asked_s = error.retry_after_s if isinstance(error, FetchError) else None
                again = after_failure(url, stored.attempts + 1, now, self._work.settings, retry_after_s=asked_s)
                articles.retry_later(connection, stored.id, again, error.reason)
                self._work.report.counts["retried later"] += 1
            else:
                self._drop(
                    connection,
                    Dropped(url=url, stage="extract", reason=error.reason, detail=str(error)),
                    stored,
                )

    def _drop(self, connection: Connection, dropped: Dropped, stored: StoredEntry) -> None:
        articles.drop(connection, dropped, now=self._work.tools.clock(), entry_id=stored.id)
        self._work.report.drops[dropped.stage, dropped.reason] += 1


def _refused(article: Article, judgement: Judgement) -> Dropped:
    """The drop of an article that the gate refused. Where only a summary was to be had, the page was never seen."""
    if article.partial:
        return Dropped(url=article.url, stage="extract", reason="summary_only", detail=judgement.relevance.reason)
    return Dropped(url=article.url, stage="gate", reason=judgement.relevance.reason)
