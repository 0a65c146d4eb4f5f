"""Judge texts in a thread of their own, and keep what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from pipeline.analyse.judge import Judgement
from pipeline.errors import ModelError
from pipeline.records import Article, Dropped
from pipeline.work import Work
from storage import articles, scores

log = structlog.get_logger()
T = TypeVar("T")
TEXTS = 2000  # looked up at a time


class Judging:
    """The judgements of one pass."""

    def __init__(self, work: Work) -> None:
        self._work = work
        # One thread for all judgements: the model uses all cores by itself, and every further thread that calls it
        # would keep memory and helper threads of its own.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judge")

    def __enter__(self) -> Judging:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(
            wait=False, cancel_futures=True
        )  # a model that hangs must not keep the service from going on

    async def apart(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work that takes its time in the judging thread, so that fetches go on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def rejudge(self) -> None:
        """Judge the stored texts that this run has not judged.

        After a change of model, codebook or heads, no page is fetched.
        """
        after_id = 0
        while True:
            with self._work.database.read() as connection:
                waiting = articles.unscored(connection, self._work.run_id, TEXTS, after_id)
            if not waiting:
                return
            self._work.watcher.stage("judgements", len(waiting))
            for stored in waiting:
                judgement = await self.apart(self.judge, stored.article)
                with self._work.database.write() as connection:
                    self.save(connection, stored.revision_id, stored.article, judgement)
                self._work.report.counts["rejudged"] += judgement is not None
                self._work.watcher.done("judgements")
            after_id = waiting[-1].revision_id

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
