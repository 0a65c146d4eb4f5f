"""One pass over the due feeds: the whole flow, and the only module that knows both the stages and storage.

    storage.articles.unscored -> gate, embed, screen, code, score
                              => screening and score of what a former run judged: one transaction an article
    storage.feeds.due         -> fetch, parse
                              => entries, validators, next check: one transaction a feed
    storage.articles.pending  -> fetch, extract, gate, embed, screen, code, score
                              => article, screening, score: one transaction an article

Every step may be repeated: a pass that was killed is picked up by the next one, and two passes leave the rows of one.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from time import monotonic
from typing import Any, Literal, TypeVar

import structlog
from sqlalchemy import Connection

from config.sections import PollSettings
from config.sources import FeedSource
from pipeline.analyse.judge import Judgement
from pipeline.collect.addresses import redacted
from pipeline.collect.polling import after_failure, horizon
from pipeline.errors import LETHAL, CollectError, ExtractError, FetchError, ModelError, ParseError, TreatywatchError
from pipeline.logbook import written_down
from pipeline.passes import FeedOutcome, PassReport, Quiet, Tools, Watcher
from pipeline.plans import next_check, quiet
from pipeline.records import Article, Dropped, Fetched, NotModified, ParsedFeed
from storage import articles, feeds, scores
from storage.articles import StoredEntry
from storage.database import Database
from storage.feeds import StoredFeed

log = structlog.get_logger()
T = TypeVar("T")
PENDING = 2000  # entries looked up at a time
STRIKES = 2  # workers that a page may kill before it is set aside
POISON = "poison"  # the reason then: also of a feed that killed twice in a row, until it can be read


async def run_once(
    tools: Tools,
    database: Database,
    sources: Iterable[FeedSource],
    settings: PollSettings,
    *,
    only: str | None = None,
    at_once: int = 16,
    watcher: Watcher | None = None,
) -> PassReport:
    """Ask the due feeds, read what they announce, judge it and store it. `only`: this feed, due or not.

    `at_once`: pages under way at a time. Raises TreatywatchError if `only` is not watched, and StorageError;
    whatever else goes wrong is in the report.
    """
    now = tools.clock()
    with database.write() as connection:
        feeds.sync(connection, sources, now)
        run_id = scores.ensure_run(connection, tools.judge.run, now)
        due = feeds.due(connection, now, url=only, horizon=horizon(settings))
    if only and not due:
        raise TreatywatchError(
            f"{only} is not in the list of feeds; add it to the file that feeds.file names", reason="feed"
        )
    work = _Pass(tools, database, settings, run_id, watcher or Quiet())
    # A pass over one feed does not show that the others are looked after.
    with work, nullcontext() if only else written_down(database, tools.clock, work.report):
        await work.rejudge()
        await work.poll(due, at_once)
        await work.read(at_once, due[0].id if only and due else None)
    return work.report


async def rejudge(
    tools: Tools, database: Database, settings: PollSettings, *, watcher: Watcher | None = None
) -> PassReport:
    """Judge the stored texts that this run (model, codebook, heads) has not judged. Fetches nothing."""
    with database.write() as connection:
        run_id = scores.ensure_run(connection, tools.judge.run, tools.clock())
    work = _Pass(tools, database, settings, run_id, watcher or Quiet())
    with work:
        await work.rejudge()
    return work.report


class _Pass:
    def __init__(self, tools: Tools, database: Database, settings: PollSettings, run_id: int, watcher: Watcher) -> None:
        self._tools = tools
        self._database = database
        self._settings = settings
        self._run_id = run_id
        self._watcher = watcher
        # One thread for all judgements: the model uses all cores by itself, and every further thread that calls it
        # would keep memory and helper threads of its own.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judge")
        self.report = PassReport()

    def __enter__(self) -> None:
        """Begin: nothing to do."""

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(
            wait=False, cancel_futures=True
        )  # a model that hangs must not keep the service from going on

    # Feeds

    async def poll(self, due: Sequence[StoredFeed], at_once: int) -> None:
        self._watcher.stage("feeds", len(due))
        await _spread(due, self._poll, at_once)

    async def _poll(self, stored: StoredFeed) -> None:
        started, feed = monotonic(), stored.feed
        try:
            answer = await self._tools.fetch(feed.url, etag=feed.etag, last_modified=feed.last_modified)
            unchanged = isinstance(answer, NotModified) or _hash(answer.body) == feed.body_hash
            parsed = None if unchanged else await self._tools.parse(answer)  # type: ignore[arg-type]
            if parsed and feed.failures and not parsed.entries:
                raise ParseError(f"{feed.url}: it answers again, but without an entry", url=feed.url, reason="empty")
        except CollectError as error:
            outcome = self._feed_failed(stored, error, started)
        except Exception as error:  # noqa: BLE001 - one feed must stop neither the others nor the next pass
            outcome = self._feed_failed(stored, _unexpected(error, feed.url), started)
        else:
            outcome = self._feed_read(stored, answer, parsed, started)
        took_ms = round(1000 * (monotonic() - started))
        event = log.bind(feed=redacted(feed.url), outlet=feed.outlet, outcome=outcome.outcome, took_ms=took_ms)
        event.info("feed", new=outcome.new, failures=feed.failures + 1 if outcome.failed else 0, detail=outcome.detail)
        self.report.feeds.append(outcome)
        self._watcher.done("feeds")

    def _feed_read(
        self, stored: StoredFeed, answer: Fetched | NotModified, parsed: ParsedFeed | None, started: float
    ) -> FeedOutcome:
        now, feed = self._tools.clock(), stored.feed
        outcome, new = "unchanged", 0
        with self._database.write() as connection:
            if parsed is None or isinstance(answer, NotModified):
                due_at = next_check(connection, stored.id, feed, answer, now, self._settings)
                silent = quiet(connection, stored.id, now, self._settings)
                feeds.unchanged(connection, stored.id, now=now, due_at=due_at, **silent)
            else:
                outcome = "degraded" if parsed.degraded else "ok"
                home = feeds.moved(connection, stored.id, answer.permanent_url or feed.url, now)
                new = articles.add_entries(connection, home, parsed.entries, now, canonical=self._tools.canonical)
                kept: dict[str, Any] = {} if parsed.degraded else _validators(answer)
                if parsed.degraded:
                    kept |= {"state": "degraded", "reason": parsed.degraded}
                elif not new:
                    kept |= quiet(connection, home, now, self._settings)
                feeds.fetched(
                    connection,
                    home,
                    now=now,
                    due_at=next_check(connection, home, parsed, answer, now, self._settings),
                    title=parsed.title,
                    new=new,
                    ttl_s=parsed.ttl_s,
                    skip_hours=parsed.skip_hours,
                    skip_days=parsed.skip_days,
                    **kept,
                )
            self._log(connection, feed.url, "feed", started, outcome, feed_id=stored.id, answer=answer)
        detail = parsed.degraded if parsed else ""
        return FeedOutcome(url=feed.url, outlet=feed.outlet, outcome=outcome, new=new, detail=detail)

    def _feed_failed(self, stored: StoredFeed, error: CollectError, started: float) -> FeedOutcome:
        now, feed = self._tools.clock(), stored.feed
        asked_s = error.retry_after_s if isinstance(error, FetchError) else None
        reason = POISON if error.lethal and feed.reason in (*LETHAL, POISON) else error.reason
        if reason == POISON:
            asked_s = self._settings.max_interval_s
        gone = error.reason == "gone"
        due_at = after_failure(feed.url, feed.failures + 1, now, self._settings, retry_after_s=asked_s, gone=gone)
        with self._database.write() as connection:
            feeds.failed(connection, stored.id, reason=reason, detail=str(error), due_at=due_at, now=now)
            self._log(connection, feed.url, "feed", started, error.reason, feed_id=stored.id, error=error)
        return FeedOutcome(url=feed.url, outlet=feed.outlet, outcome=reason, detail=str(error))

    # Pages

    async def read(self, at_once: int, feed_id: int | None) -> None:
        while True:
            with self._database.read() as connection:
                now, latest = self._tools.clock(), horizon(self._settings)
                waiting = articles.pending(connection, now, PENDING, feed_id=feed_id, horizon=latest)
            if not waiting:
                return
            self._watcher.stage("articles", len(waiting))
            await _spread(waiting, self._read, at_once)

    async def _read(self, stored: StoredEntry) -> None:
        started = monotonic()
        try:
            page, found = await self._found(stored, started)
            article, judgement = await self._apart(self._judge_found, found, stored)
        except CollectError as error:
            self._page_failed(stored, error, started)
        except Exception as error:  # noqa: BLE001 - one page must stop neither the others nor the next pass
            self._page_failed(stored, _unexpected(error, stored.entry.link or stored.feed.url), started)
        else:
            self._keep(stored, article, judgement, page, started)
        self._watcher.done("articles")

    async def _found(self, stored: StoredEntry, started: float) -> tuple[Fetched | None, Article | None]:
        """The entry's page and the article there; None where the feed's summary has to do.

        Raises CollectError if a later try may help.
        """
        page = await self._page(stored)
        if page is None:
            return None, None
        try:
            return page, await self._tools.extract(page, stored.entry, stored.feed)
        except ExtractError as error:
            log.info("page", url=error.url, outcome=error.reason, detail=str(error))
            if not error.lethal:
                return page, None
            if stored.strikes + 1 < STRIKES and stored.attempts + 1 < self._settings.max_attempts:
                raise
            self._set_aside(stored, error, started)
            return None, None

    async def _page(self, stored: StoredEntry) -> Fetched | None:
        """The entry's page, or None where the feed's summary has to do. Raises FetchError if a later try may help."""
        if stored.entry.link is None:
            raise ExtractError("the entry has no link", url=stored.feed.url, reason="no_link", retry=False)
        if stored.strikes >= STRIKES:
            self.report.counts[f"page {POISON}"] += 1
            return None
        try:
            answer = await self._tools.fetch(stored.entry.link)
        except FetchError as error:
            if error.retry and stored.attempts + 1 < self._settings.max_attempts:
                raise
            self.report.counts[f"page {error.reason}"] += 1
            return None
        return answer if isinstance(answer, Fetched) else None

    def _set_aside(self, stored: StoredEntry, error: ExtractError, started: float) -> None:
        """A page killed a worker for the last time: the log counts it, and the drop says so for good."""
        dropped = Dropped(url=stored.url or error.url, stage="page", reason=POISON, detail=str(error))
        with self._database.write() as connection:
            self._log(connection, error.url, "page", started, error.reason, feed_id=stored.feed_id, error=error)
            articles.drop(connection, dropped, now=self._tools.clock())
        self.report.drops[dropped.stage, dropped.reason] += 1

    def _judge_found(self, found: Article | None, stored: StoredEntry) -> tuple[Article, Judgement | None]:
        article = found or self._tools.from_summary(stored.entry, stored.feed)
        return article, self._judge(article)

    def _judge(self, article: Article) -> Judgement | None:
        """The judgement, or None if the model failed: then the article is kept and judged in a later pass."""
        started = monotonic()
        try:
            judgement = self._tools.judge.judge(article)
        except (ModelError, RuntimeError, ValueError) as error:
            log.error("unscored", url=article.url, error=str(error))
            return None
        if judgement.embedded is not None:  # the others the model never saw
            self.report.judged_s.append(monotonic() - started)
        return judgement

    def _keep(
        self,
        stored: StoredEntry,
        article: Article,
        judgement: Judgement | None,
        page: Fetched | None,
        started: float,
    ) -> None:
        now = self._tools.clock()
        with self._database.write() as connection:
            if page is not None:
                self._log(connection, page.url, "page", started, "ok", feed_id=stored.feed_id, answer=page)
            if judgement is not None and judgement.embedded is None:
                dropped = _refused(article, judgement)
                self._drop(connection, dropped, stored)
                self._tell_page(stored, dropped.reason, article.url, partial=article.partial)
                return
            kept = articles.store(connection, stored.id, article, now)
            self.report.counts[kept.outcome] += 1
            self.report.counts["partial"] += article.partial
            if kept.outcome != "same":
                self._save(connection, kept.revision_id, article, judgement)
        tone = judgement.score.tone if judgement and judgement.score else None
        self._tell_page(stored, kept.outcome, article.url, partial=article.partial, tone=tone)

    @staticmethod
    def _tell_page(stored: StoredEntry, outcome: str, url: str, **more: object) -> None:
        event = log.bind(feed=redacted(stored.feed.url), outlet=stored.feed.outlet)
        event.info("page", url=redacted(url), outcome=outcome, **more)

    def _page_failed(self, stored: StoredEntry, error: CollectError, started: float) -> None:
        now, url = self._tools.clock(), stored.entry.link or stored.feed.url
        self._tell_page(stored, error.reason, url, detail=str(error), attempts=stored.attempts + 1)
        with self._database.write() as connection:
            self._log(connection, url, "page", started, error.reason, feed_id=stored.feed_id, error=error)
            if isinstance(error, FetchError) or error.lethal:
                asked_s = error.retry_after_s if isinstance(error, FetchError) else None
                again = after_failure(url, stored.attempts + 1, now, self._settings, retry_after_s=asked_s)
                articles.retry_later(connection, stored.id, again, error.reason)
                self.report.counts["retried later"] += 1
            else:
                self._drop(
                    connection,
                    Dropped(url=url, stage="extract", reason=error.reason, detail=str(error)),
                    stored,
                )

    # Judgements

    async def _apart(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work that takes its time in the judging thread, so that fetches go on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def rejudge(self) -> None:
        """Judge the stored texts that this run has not judged.

        After a change of model, codebook or heads, no page is fetched.
        """
        after_id = 0
        while True:
            with self._database.read() as connection:
                waiting = articles.unscored(connection, self._run_id, PENDING, after_id)
            if not waiting:
                return
            self._watcher.stage("judgements", len(waiting))
            for stored in waiting:
                judgement = await self._apart(self._judge, stored.article)
                with self._database.write() as connection:
                    self._save(connection, stored.revision_id, stored.article, judgement)
                self.report.counts["rejudged"] += judgement is not None
                self._watcher.done("judgements")
            after_id = waiting[-1].revision_id

    def _save(self, connection: Connection, revision_id: int, article: Article, judgement: Judgement | None) -> None:
        if judgement is None:
            self.report.counts["unscored"] += 1
            return
        now, relevance = self._tools.clock(), judgement.relevance
        scores.save_screening(connection, revision_id, self._run_id, relevance, now)
        if judgement.embedded is not None:
            scores.save_vectors(connection, revision_id, judgement.embedded)
        if judgement.score is not None:
            scores.save_score(connection, revision_id, self._run_id, judgement.score, now)
            self.report.counts["scored"] += 1
        else:
            stage = "gate" if judgement.embedded is None else "screen"
            dropped = Dropped(url=article.url, stage=stage, reason=relevance.reason)
            articles.drop(connection, dropped, now=now, revision_id=revision_id, run_id=self._run_id)
            self.report.drops[dropped.stage, dropped.reason] += 1

    def _drop(self, connection: Connection, dropped: Dropped, stored: StoredEntry) -> None:
        articles.drop(connection, dropped, now=self._tools.clock(), entry_id=stored.id)
        self.report.drops[dropped.stage, dropped.reason] += 1

    def _log(
        self,
        connection: Connection,
        url: str,
        what: Literal["feed", "page"],
        started: float,
        outcome: str,
        *,
        feed_id: int,
        answer: Fetched | NotModified | None = None,
        error: CollectError | None = None,
    ) -> None:
        status = answer.status if isinstance(answer, Fetched) else 304 if answer else getattr(error, "status", None)
        feeds.log_fetch(
            connection, url=url, what=what, at=self._tools.clock(), outcome=outcome, feed_id=feed_id, status=status,
            duration_ms=round(1000 * (monotonic() - started)), detail=str(error or ""),
            size=len(answer.body) if isinstance(answer, Fetched) else None,
        )  # fmt: skip


async def _spread(items: Sequence[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """Do `work` on every item, so many at a time, in order of arrival."""
    left = iter(items)

    async def worker() -> None:
        for item in left:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(items))):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _refused(article: Article, judgement: Judgement) -> Dropped:
    """The drop of an article that the gate refused. Where only a summary was to be had, the page was never seen."""
    if article.partial:
        return Dropped(url=article.url, stage="extract", reason="summary_only", detail=judgement.relevance.reason)
    return Dropped(url=article.url, stage="gate", reason=judgement.relevance.reason)


def _unexpected(error: Exception, url: str) -> CollectError:
    """What to tell of a fault of our own, or of a library's, in reading one feed or page."""
    log.error("unexpected", url=url, error=repr(error), exc_info=error)
    return ExtractError(f"{url}: {error!r}; please report this", url=url, reason="unexpected", retry=False)


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _validators(answer: Fetched) -> dict[str, str | None]:
    return {"etag": answer.etag, "last_modified": answer.last_modified, "body_hash": _hash(answer.body)}
