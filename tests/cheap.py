"""The whole program with a judge that costs nothing: for tests of how passes share their work, and of how they die.

Run as a program it makes one pass on a new database for every commit of a pass, is killed there, makes another pass,
and prints as JSON lines what each kill left: `python -m tests.cheap URL SETTINGS`. With `serve` in front it is the
service.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from config.settings import Settings, load
from config.sources import load_feeds
from pipeline.analyse.judge import Judgement
from pipeline.collect.extract import extract, from_summary
from pipeline.collect.fetch import Fetcher, utc_now
from pipeline.collect.parse import parse
from pipeline.passes import PassReport, Tools
from pipeline.records import Article, Entry, Feed, Fetched, ParsedFeed
from pipeline.run import run_once
from pipeline.service import serve
from storage.database import Database, open_database
from storage.leases import LEASED
from storage.schema import articles, entries, feeds, metadata, scores
from tests.rows import rows_of
from tests.samples import RELEVANT, RUN, embedded, score


class CheapJudge:
    """Finds every article relevant and of the same tone, after some seconds."""

    run = RUN

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def judge(self, article: Article) -> Judgement:
        time.sleep(self._seconds)
        return Judgement(relevance=RELEVANT, embedded=embedded(article), score=score(article))


class Mortal(Database):
    """A database whose process dies when it has begun so many transactions: before the commit, or right after it."""

    def __init__(self, database: Database, transactions: int, *, before: bool) -> None:
        super().__init__(database._engine)
        self._left, self._before = transactions, before

    @contextmanager
    def write(self) -> Iterator[Connection]:
        self._left -= 1
        with super().write() as connection:
            yield connection
            if self._left == 0 and self._before:
                os.kill(os.getpid(), signal.SIGKILL)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def cheap_pass(
    database: Database,
    settings: Settings,
    *,
    judge: Any = None,
    stopping: Callable[[], bool] = bool,
    change: Callable[[Tools], Tools] = lambda tools: tools,
    **options: Any,
) -> Any:
    """A pass with a cheap judge, which reads bodies in this process. To be awaited."""

    async def read_feed(fetched: Fetched) -> ParsedFeed:
        return parse(fetched, max_entries=settings.poll.max_entries)

    async def read_page(page: Fetched, entry: Entry, feed: Feed) -> Article:
        return extract(page, entry, feed, settings.extract)

    async def go() -> PassReport:
        async with Fetcher(settings.fetch) as fetcher:
            tools = Tools(
                fetch=fetcher.fetch, parse=read_feed, extract=read_page, from_summary=from_summary, canonical=str,
                judge=judge or CheapJudge(), clock=utc_now,
            )  # fmt: skip
            sources = load_feeds(settings.feeds.path())
            return await run_once(change(tools), database, sources, settings.poll, stopping=stopping, **options)

    return go()


def held(database: Database) -> int:
    """How many rows bear a lease."""
    with database.read() as connection:
        counts = (select(func.count()).where(table.c.lease_owner.is_not(None)) for table in LEASED)
        return sum(connection.scalars(count).one() for count in counts)


def ahead(database: Database) -> int:
    """Feeds whose validators are kept though no entry is."""
    known = select(func.count()).where(entries.c.feed_id == feeds.c.id).scalar_subquery()
    with database.read() as connection:
        return connection.scalars(select(func.count()).where(feeds.c.body_hash.is_not(None), known == 0)).one()


def half_kept(database: Database) -> int:
    """Articles without their score."""
    with database.read() as connection:
        kept = (connection.scalars(select(func.count()).select_from(table)).one() for table in (articles, scores))
        return abs(next(kept) - next(kept))


def _forked(work: Callable[[], Any]) -> int:
    """The wait status of a child that does the work."""
    if (child := os.fork()) == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a child must not come back
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def _clear(database: Database) -> None:
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    database.close()


def _run(database: Database, settings: Settings, transactions: int = 0, *, before: bool = False) -> None:
    asyncio.run(cheap_pass(Mortal(database, transactions, before=before), settings, at_once=4))


def kills(database: Database, settings: Settings) -> None:
    """Print what a kill at each transaction leaves, and whether the pass after it mends that."""
    _clear(database)
    _run(database, settings)
    undisturbed = rows_of(database)
    for step in range(2, 1000):
        number, before = step // 2, step % 2 == 0
        _clear(database)  # which also closes the connections, so that no child inherits one
        died = _forked(lambda: _run(database, settings, number, before=before))  # noqa: B023 - done before the next
        torn = ahead(database), half_kept(database)
        database.close()
        mended = _forked(lambda: _run(database, settings))
        rows, left = rows_of(database), held(database)
        print(json.dumps({
            "transaction": number, "before": before, "died": died, "ahead": torn[0], "half_kept": torn[1],
            "mended": mended, "same": rows == undisturbed, "held": left, "entries": len(rows["entries"]),
        }), flush=True)  # fmt: skip
        if died == 0:
            return


def main(arguments: list[str]) -> None:
    """Run as the docstring says."""
    if arguments[0] == "serve":
        url, file, seconds = arguments[1:]
        settings = load(Path(file), environ={})
        chosen = settings.model_copy(update={"storage": settings.storage.model_copy(update={"url": url})})
        judge: Any = CheapJudge(float(seconds))
        asyncio.run(serve(chosen, open_database(url), None, scheduled=True, judge=judge))
    else:
        kills(open_database(arguments[0]), load(Path(arguments[1]), environ={}))


if __name__ == "__main__":
    main(sys.argv[1:])
