"""Judge texts in a thread of their own, and keep what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from pipeline.analyse.judge import Judgement
from pipeline.errors import ModelError
from pipeline.records import Article, Dropped
from pipeline.work import Work
from storage import articles, scores
from storage.articles import StoredArticle
from storage.schema import revisions

log = structlog.get_logger()
T = TypeVar("T")
TAKEN = 16  # texts that are taken at a time: the others are for other processes


class Judging:
    """The judgements of one pass."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        # One thread for all judgements: the model uses all cores by itself, and every further thread that calls it
        # would keep memory and helper threads of its own. A model that hangs must keep nobody from ending the process,
        # as the thread of an executor does.
        Thread(target=_answer, args=(self._asked,), name="judge", daemon=True).start()

    def __enter__(self) -> Judging:
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.put(None)

    async def apart(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work that takes its time in the judging thread, so that fetches go on meanwhile."""
        future: Future[T] = Future()
        self._asked.put((future, partial(work, *arguments)))
        return await asyncio.wrap_future(future)

    async def rejudge(self) -> None:
        """Judge the stored texts that this run has not judged.

        After a change of model, codebook or heads, no page is fetched.
        """
        after_id = 0  # a text that could not be judged is left to the next pass

        def take(connection: Connection) -> list[StoredArticle]:
            nonlocal after_id
            found = articles.unscored(connection, self._work.run_id, TAKEN, after_id, lease=self._work.lease)
            after_id = found[-1].revision_id if found else after_id
            return found

        await self._work.all_of(take, self._rejudge, "judgements", 1)

    async def _rejudge(self, stored: StoredArticle) -> None:
        judgement = await self.apart(self.judge, stored.article)
        with self._work.settling(revisions, stored.revision_id) as connection:
            self.save(connection, stored.revision_id, stored.article, judgement)
        self._work.report.counts["rejudged"] += judgement is not None
        self._work.watcher.done("judgements")

    def judge(self, article: Article) -> Judgement | None:
        """The judgement, or None if the model failed: then the article is kept and judged in a later pass."""
        started = monotonic()
        try:
            judgement = self._work.tools.judge.judge(article)
        except (ModelError, RuntimeError, ValueError) as error:
            log.error("unscored", url=article.url, error=str(error))
            return None
        if judgement.embedded is not None:  # the others the model never saw
            self._work.report.judged_s.append(monotonic() - started)
        return judgement

    def save(self, connection: Connection, revision_id: int, article: Article, judgement: Judgement | None) -> None:
        """Keep a judgement in the transaction of its text, or count that there is none."""
        if judgement is None:
            self._work.report.counts["unscored"] += 1
            return
        now, relevance = self._work.tools.clock(), judgement.relevance
        scores.save_screening(connection, revision_id, self._work.run_id, relevance, now)
        if judgement.embedded is not None:
            scores.save_vectors(connection, revision_id, judgement.embedded)
        if judgement.score is not None:
            scores.save_score(connection, revision_id, self._work.run_id, judgement.score, now)
            self._work.report.counts["scored"] += 1
        else:
            stage = "gate" if judgement.embedded is None else "screen"
            dropped = Dropped(url=article.url, stage=stage, reason=relevance.reason)
            articles.drop(connection, dropped, now=now, revision_id=revision_id, run_id=self._work.run_id)
            self._work.report.drops[dropped.stage, dropped.reason] += 1


def _answer(asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]) -> None:
    while (one := asked.get()) is not None:
        future, work = one
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is for whoever waits
                future.set_exception(error)
