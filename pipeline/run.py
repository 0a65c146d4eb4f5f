"""One pass over the due feeds: the whole flow.

    storage.articles.unscored -> gate, embed, screen, code, score                             (judging)
                              => screening and score of what a former run judged: one transaction an article
    storage.feeds.due         -> fetch, parse                                                 (polls)
                              => entries, validators, next check: one transaction a feed
    storage.articles.pending  -> fetch, extract, gate, embed, screen, code, score             (pages)
                              => article, screening, score: one transaction an article

Every step may be repeated: a pass that was killed is picked up by the next one, and two passes leave the rows of one.
Passes may be made side by side, in any number of processes: each works on what it has taken a lease on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext

from config.sections import PollSettings
from config.sources import FeedSource
from pipeline.errors import TreatywatchError
from pipeline.judging import Judging
from pipeline.logbook import written_down
from pipeline.pages import Pages
from pipeline.passes import PassReport, Quiet, Tools, Watcher
from pipeline.polls import Polls
from pipeline.work import Work, at_work
from storage import feeds, scores
from storage.database import Database


async def run_once(
    tools: Tools,
    database: Database,
    sources: Iterable[FeedSource],
    settings: PollSettings,
    *,
    only: str | None = None,
    at_once: int = 16,
    watcher: Watcher | None = None,
    stopping: Callable[[], bool] = bool,
) -> PassReport:
    """Ask the due feeds, read what they announce, judge it and store it. `only`: this feed, due or not.

    `at_once`: pages under way at a time. `stopping`: whether to begin nothing more. Raises TreatywatchError
    if `only` is not watched or read by another process, and StorageError; whatever else goes wrong is in the report.
    """
    now = tools.clock()
    with database.write() as connection:
        feeds.sync(connection, sources, now)
        run_id = scores.ensure_run(connection, tools.judge.run, now)
        wanted = feeds.due(connection, now, url=only) if only else []
    if only and not wanted:
        raise TreatywatchError(
            f"{only} is not in the list of feeds; add it to the file that feeds.file names", reason="feed"
        )
    report = PassReport()
    # A pass over one feed does not show that the others are looked after.
    logged = nullcontext() if only else written_down(database, tools.clock, report)
    with logged:
        async with at_work(database, settings) as lease:
            work = Work(
                tools=tools, database=database, settings=settings, run_id=run_id, lease=lease,
                watcher=watcher or Quiet(), stopping=stopping, report=report,
            )  # fmt: skip
            with Judging(work) as judging:
                await judging.rejudge()
                await (Polls(work).poll_one(only) if only else Polls(work).poll(at_once))
                await Pages(work, judging).read(at_once, wanted[0].id if wanted else None)
    return report


async def rejudge(
    tools: Tools, database: Database, settings: PollSettings, *, watcher: Watcher | None = None
) -> PassReport:
    """Judge the stored texts that this run (model, codebook, heads) has not judged. Fetches nothing."""
    with database.write() as connection:
        run_id = scores.ensure_run(connection, tools.judge.run, tools.clock())
    async with at_work(database, settings) as lease:
        work = Work(
            tools=tools, database=database, settings=settings, run_id=run_id, lease=lease,
            watcher=watcher or Quiet(), stopping=bool,
        )  # fmt: skip
        with Judging(work) as judging:
            await judging.rejudge()
    return work.report
