"""Leases: how processes share the work on one database, and what becomes of it when they end at any point."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select, update

from config.settings import Settings, load
from pipeline.errors import StorageError, TreatywatchError
from pipeline.passes import Tools
from pipeline.records import Fetched, NotModified
from storage import articles, leases, scores
from storage import feeds as stored_feeds
from storage.database import Database, open_database
from storage.leases import Lease
from storage.presence import Presence
from storage.schema import entries, feeds, passes, revisions
from storage.schema import scores as scores_table
from tests.cheap import CheapJudge, cheap_pass, half_kept, held
from tests.crowd import Crowd
from tests.samples import HOUR, NOW, RUN, add_article, add_feed, article, entry, source

ROOT = Path(__file__).parents[1]
A, B = (Lease(owner=f"host:{n}:0000000{n}", length=timedelta(minutes=2)) for n in (1, 2))
ALIKE = (feeds, entries, revisions)


def filled(database: Database, n: int = 3) -> int:
    """As many feeds with a waiting entry and a text to be judged each; returns the run."""
    with database.write() as connection:
        for number in range(n):
            address = f"https://{number}.example/feed"
            text = article(f"https://{number}.example/done", text=f"Text {number}. It is one.")
            add_article(connection, text, feed=source(address))
            articles.add_entries(
                connection, add_feed(connection, source(address))[0], [entry(link=f"{address}/1")], NOW
            )
        return scores.ensure_run(connection, RUN, NOW)


def taken(database: Database, table: Table, lease: Lease, limit: int | None = None, run_id: int = 1) -> list[int]:
    """What is taken, by id."""
    with database.write() as connection:
        if table is feeds:
            return [one.id for one in stored_feeds.due(connection, NOW, limit, lease=lease)]
        if table is entries:
            return [one.id for one in articles.pending(connection, NOW, limit, lease=lease)]
        return [one.revision_id for one in articles.unscored(connection, run_id, limit, lease=lease)]


def set_until(database: Database, table: Table, ahead: timedelta) -> None:
    with database.write() as connection:
        connection.execute(update(table).values(lease_until=leases.clock(connection) + ahead))


@pytest.mark.parametrize("table", ALIKE, ids=lambda table: table.name)
def test_what_one_took_another_does_not_get(database: Database, table: Table) -> None:
    run_id = filled(database)
    first = taken(database, table, A, 2, run_id)
    second = taken(database, table, B, 2, run_id)
    third = taken(database, table, A, 2, run_id)
    assert (len(first), len(second), third) == (2, 1, [])
    assert not set(first) & set(second)


@pytest.mark.parametrize("table", ALIKE, ids=lambda table: table.name)
@pytest.mark.parametrize(
    ("ahead", "free"),
    [(timedelta(seconds=60), False), (timedelta(seconds=-1), True), (timedelta(days=2), True)],
    ids=["it lasts", "it ran out", "a wrong clock wrote it"],
)
def test_a_lease_is_free_again_when_it_ran_out_or_can_only_come_of_a_wrong_clock(
    database: Database, table: Table, ahead: timedelta, free: bool
) -> None:
    run_id = filled(database, 1)
    taken(database, table, A, run_id=run_id)
    set_until(database, table, ahead)
    assert bool(taken(database, table, B, run_id=run_id)) == free


def test_a_row_that_another_is_about_to_take_is_passed_over_without_waiting(postgres: Any) -> None:
    database: Database = postgres.database
    with database.write() as connection:
        connection.execute(update(feeds).values(active=False))
        ids = add_feed(connection, source("https://x.example/1"), source("https://x.example/2"))
    with database.write() as one, database.write() as two:
        first = stored_feeds.due(one, NOW, 1, lease=A)
        second = stored_feeds.due(two, NOW, 1, lease=B)
    assert sorted(found.id for found in first + second) == sorted(ids)[: len(first + second)]
    assert len({found.id for found in first + second}) == 2


def test_an_entry_of_a_page_that_somebody_reads_is_not_taken(database: Database) -> None:
    with database.write() as connection:
        for feed_id in add_feed(connection, source("https://a.example/1"), source("https://a.example/2")):
            articles.add_entries(connection, feed_id, [entry()], NOW)
    assert [len(taken(database, entries, lease)) for lease in (A, B)] == [1, 0]


def test_who_lost_a_lease_keeps_nothing(database: Database) -> None:
    filled(database, 1)
    [mine] = taken(database, entries, A)
    set_until(database, entries, timedelta(seconds=-1))
    taken(database, entries, B)
    with pytest.raises(StorageError) as lost, database.write() as connection:
        articles.store(connection, mine, article("https://late.example/"), NOW)
        leases.release(connection, entries, mine, A)
    with database.read() as connection:
        states = connection.scalars(select(entries.c.state).where(entries.c.id == mine)).all()
        late = connection.scalar(articles.articles.select().where(articles.articles.c.url == "https://late.example/"))
    assert (lost.value.reason, states, late) == (leases.LOST, ["announced"], None)


def test_a_lease_that_ran_out_unnoticed_is_good_enough_to_end_with(database: Database) -> None:
    filled(database, 1)
    [mine] = taken(database, feeds, A)
    set_until(database, feeds, timedelta(seconds=-1))
    with database.write() as connection:
        leases.release(connection, feeds, mine, A)
    assert held(database) == 0


def test_renewing_counts_for_everything_that_is_held_and_for_nothing_else(database: Database) -> None:
    run_id = filled(database)
    for table in ALIKE:
        taken(database, table, A, 1, run_id)
        taken(database, table, B, 1, run_id)
        set_until(database, table, timedelta(seconds=-1))
    with database.write() as connection:
        renewed = leases.renew(connection, A)
    again = [len(taken(database, table, Lease(owner="c", length=HOUR / 2), run_id=run_id)) for table in ALIKE]
    assert (renewed, again) == (3, [2, 2, 2])


def test_a_new_version_of_an_entry_that_somebody_reads_is_read_again(database: Database) -> None:
    with database.write() as connection:
        feed_id = add_feed(connection)[0]
        articles.add_entries(connection, feed_id, [entry()], NOW)
        articles.store(connection, articles.pending(connection, NOW)[0].id, article(), NOW)
        articles.add_entries(connection, feed_id, [entry(title="Changed once")], NOW)
    [mine] = taken(database, entries, A)
    with database.write() as connection:
        articles.add_entries(connection, feed_id, [entry(title="Changed twice")], NOW)
    with pytest.raises(StorageError), database.write() as connection:
        leases.release(connection, entries, mine, A)
    assert taken(database, entries, B) == [mine]


def test_what_the_dead_held_is_free_at_once_and_what_the_living_hold_is_not(database: Database) -> None:
    filled(database, 2)
    with Presence(database) as alive:
        mine = Lease(owner=alive.owner, length=HOUR / 2)
        [first] = taken(database, feeds, mine, 1)
        taken(database, feeds, A, 1)  # of a process that is not there
        with Presence(database):
            dead = set(taken(database, feeds, B))
    with Presence(database):
        rest = set(taken(database, feeds, Lease(owner="c", length=HOUR / 2)))
    if database.dialect == "postgresql":
        assert (first not in dead, len(dead), len(rest)) == (True, 1, 2)
    else:  # a file can't tell whose lock it is: only when all are gone, the leases are
        assert (dead, len(rest)) == (set(), 2)


def crowd_settings(crowd: Crowd, home: Path, *flags: str) -> Settings:
    return load(crowd.settings(home), flags, environ={})


def rows(database: Database, table: Table) -> int:
    with database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def test_two_passes_side_by_side_read_each_feed_and_page_once(database: Database, tmp_path: Path) -> None:
    with Crowd(4, 20) as crowd:
        settings = crowd_settings(crowd, tmp_path)

        async def go() -> list[Any]:
            announced = await cheap_pass(database, settings, stopping=lambda: rows(database, entries) == 80)
            passes = (cheap_pass(database, settings, at_once=4, judge=CheapJudge(0.01)) for _ in range(2))
            return [announced, *await asyncio.gather(*passes)]

        reports = asyncio.run(go())
    shares = [report.counts["new"] for report in reports]
    assert (sum(len(report.feeds) for report in reports), sum(shares), min(shares[1:]) > 10) == (4, 80, True)
    assert set(crowd.pages.values()) == {1}
    assert [rows(database, table) for table in (entries, revisions, scores_table)] == [80, 80, 80]
    assert held(database) == 0


def test_one_feed_that_another_process_reads_is_refused_in_one_line(database: Database, tmp_path: Path) -> None:
    with Crowd(1, 1) as crowd:
        settings = crowd_settings(crowd, tmp_path)
        asyncio.run(cheap_pass(database, settings))
        with Presence(database) as other:
            with database.write() as connection:
                stored_feeds.due(
                    connection, NOW + 99 * 365 * 24 * HOUR, lease=Lease(owner=other.owner, length=HOUR / 2)
                )
            with pytest.raises(TreatywatchError, match="another process is reading") as refused:
                asyncio.run(cheap_pass(database, settings, only=f"{crowd.base}/0/rss.xml"))
    assert refused.value.reason == "leased"


class Slow:
    """A fetch that takes its time over every page."""

    def __init__(self, tools: Tools, seconds: float) -> None:
        self._fetch, self._seconds = tools.fetch, seconds

    async def __call__(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Any:
        if url.endswith(".html"):
            await asyncio.sleep(self._seconds)
        return await self._fetch(url, etag=etag, last_modified=last_modified)


def slowly(seconds: float) -> Callable[[Tools], Tools]:
    return lambda tools: replace(tools, fetch=Slow(tools, seconds))


def test_work_that_takes_longer_than_a_lease_keeps_it(database: Database, tmp_path: Path) -> None:
    with Crowd(1, 2) as crowd:
        settings = crowd_settings(crowd, tmp_path, "poll.lease_s=1")

        async def go() -> list[Any]:
            first = asyncio.create_task(cheap_pass(database, settings, change=slowly(3)))
            await asyncio.sleep(2)
            second = await cheap_pass(database, settings)
            return [await first, second]

        first, second = asyncio.run(go())
    assert (first.counts["new"], second.counts["new"], crowd.pages.keys()) == (2, 0, {"/0/0.html", "/0/1.html"})
    assert set(crowd.pages.values()) == {1}


class Stuck:
    """A fetch during which the whole process sleeps, and others find its leases run out."""

    def __init__(self, tools: Tools, meanwhile: Callable[[], None]) -> None:
        self._fetch, self._meanwhile = tools.fetch, meanwhile

    async def __call__(
        self, url: str, *, etag: str | None = None, last_modified: str | None = None
    ) -> Fetched | NotModified:
        answer = await self._fetch(url, etag=etag, last_modified=last_modified)
        if url.endswith(".html"):
            self._meanwhile()
        return answer


def test_a_process_that_wakes_up_after_others_took_over_does_not_interfere(database: Database, tmp_path: Path) -> None:
    def taken_over() -> None:
        set_until(database, entries, timedelta(seconds=-1))
        taken(database, entries, B)

    with Crowd(1, 2) as crowd:
        settings = crowd_settings(crowd, tmp_path)
        change = lambda tools: replace(tools, fetch=Stuck(tools, taken_over))  # noqa: E731
        report = asyncio.run(cheap_pass(database, settings, change=change))
        kept = rows(database, revisions)
        with database.write() as connection:
            leases.release_all(connection, [B.owner])
        again = asyncio.run(cheap_pass(database, settings))
    assert (report.failed, kept, again.counts["new"], rows(database, scores_table)) == (False, 0, 2, 2)


def test_a_pass_that_is_to_stop_ends_what_it_began_and_frees_the_rest(database: Database, tmp_path: Path) -> None:
    with Crowd(1, 40) as crowd:
        settings = crowd_settings(crowd, tmp_path)
        stopping = lambda: rows(database, revisions) >= 3  # noqa: E731
        report = asyncio.run(cheap_pass(database, settings, at_once=4, stopping=stopping))
        left = held(database), half_kept(database)
        again = asyncio.run(cheap_pass(database, settings))
    assert (3 <= report.counts["new"] <= 8, left) == (True, (0, 0))
    assert report.counts["new"] + again.counts["new"] == 40
    assert set(crowd.pages.values()) == {1}


def test_F51_a_pass_killed_at_any_transaction_is_mended_by_the_next(empty_url: str, tmp_path: Path) -> None:
    with Crowd(1, 2) as crowd:
        command = [sys.executable, "-m", "tests.cheap", empty_url, str(crowd.settings(tmp_path))]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"transaction"')]
    killed, last = found[:-1], found[-1]
    assert (done.returncode, last["died"], len(killed) >= 20) == (0, 0, True), done.stderr[-2000:]
    assert {one["died"] for one in killed} == {signal.SIGKILL}
    for one in found:
        wanted = {"mended": 0, "ahead": 0, "half_kept": 0, "same": True, "held": 0, "entries": 2}
        assert {name: one[name] for name in wanted} == wanted, one


def test_the_log_of_passes_tells_of_passes_side_by_side(database: Database, tmp_path: Path) -> None:
    with Crowd(2, 2) as crowd:
        settings = crowd_settings(crowd, tmp_path)

        async def go() -> None:
            await asyncio.gather(*(cheap_pass(database, settings) for _ in range(3)))

        asyncio.run(go())
    with database.read() as connection:
        outcomes = connection.execute(select(passes.c.outcome, passes.c.feeds)).all()
    assert ({outcome for outcome, _ in outcomes}, sum(n for _, n in outcomes)) == ({"ok"}, 2)


def test_a_restored_database_is_not_held_by_whoever_held_the_old_one(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    filled(database)
    taken(database, entries, A)
    with Presence(database):
        assert len(taken(database, entries, B)) == 3
    database.close()
