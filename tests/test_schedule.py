"""The schedule: late ticks, overruns, errors and jumping clocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import tomli_w

from config.settings import load
from pipeline.passes import Tools
from pipeline.records import Fetched
from pipeline.schedule import Schedule
from pipeline.service import _Passes
from storage import passes
from storage.database import Database
from tests.samples import RUN


async def until(met: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not come to that"
        await asyncio.sleep(0.02)


class Ticks:
    """Counts ticks; the first may `fail` or take some `seconds`."""

    def __init__(self, *, fail: bool = False, seconds: float = 0.0) -> None:
        self.n, self._fail, self._seconds = 0, fail, seconds

    async def __call__(self) -> None:
        self.n += 1
        if self.n == 1:
            await asyncio.sleep(self._seconds)
            if self._fail:
                raise RuntimeError("half way")


def test_the_first_tick_comes_at_once_and_the_others_on_time() -> None:
    async def go() -> tuple[int, int]:
        ticks = Ticks()
        schedule = Schedule(ticks, 0.1)
        schedule.start()
        await until(lambda: schedule.counts["done"] >= 4)
        schedule.stop()
        return schedule.counts["missed"], schedule.counts["error"]

    assert asyncio.run(go()) == (0, 0)


def test_F56_a_tick_that_a_blocked_event_loop_made_late_is_made_up_for_once() -> None:
    async def go() -> tuple[int, int]:
        ticks = Ticks()
        schedule = Schedule(ticks, 0.5)
        schedule.start()
        await until(lambda: ticks.n == 1)
        time.sleep(3.5)  # noqa: ASYNC251 - seven ticks, and more than APScheduler's own patience
        before = ticks.n
        await asyncio.sleep(0.1)
        late = ticks.n - before
        schedule.stop()
        return late, schedule.counts["missed"]

    assert asyncio.run(go()) == (1, 0)


def test_a_tick_that_fails_is_counted_and_the_next_comes_all_the_same() -> None:
    async def go() -> int:
        ticks = Ticks(fail=True)
        schedule = Schedule(ticks, 0.1)
        schedule.start()
        await until(lambda: schedule.counts["done"] >= 2)
        schedule.stop()
        return schedule.counts["error"]

    assert asyncio.run(go()) == 1


def test_ticks_left_out_while_one_is_under_way_are_counted_as_overrun() -> None:
    async def go() -> bool:
        ticks = Ticks(seconds=0.5)
        schedule = Schedule(ticks, 0.1)
        schedule.start()
        await until(lambda: schedule.counts["done"] >= 2)
        schedule.stop()
        return schedule.counts["overrun"] >= 2

    assert asyncio.run(go())


class SetClock:
    """The time, as a clock tells it that was set `ahead` by so much."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def test_F59_a_clock_that_is_set_back_does_not_put_the_next_tick_out_of_reach() -> None:
    async def go() -> tuple[int, int, int]:
        ticks, clock = Ticks(), SetClock()
        schedule = Schedule(ticks, 600, clock=clock)
        schedule.start()
        await until(lambda: ticks.n == 1)
        schedule.mend()
        untouched = ticks.n
        clock.ahead = -timedelta(days=2)
        schedule.mend()
        await until(lambda: ticks.n == 2)
        clock.ahead = timedelta(0)
        schedule.mend()
        await asyncio.sleep(0.1)
        schedule.stop()
        return untouched, ticks.n, schedule.counts["mended"]

    assert asyncio.run(go()) == (1, 2, 1)


def test_F59_a_clock_that_is_set_ahead_brings_one_tick_not_many() -> None:
    async def go() -> tuple[int, int]:
        ticks, clock = Ticks(), SetClock()
        schedule = Schedule(ticks, 600, clock=clock)
        schedule.start()
        await until(lambda: ticks.n == 1)
        clock.ahead = timedelta(days=300)
        schedule.mend()
        await asyncio.sleep(0.1)
        schedule.stop()
        return ticks.n, schedule.counts["mended"]

    assert asyncio.run(go()) == (1, 0)


def test_the_watch_on_the_clock_goes_on_by_itself() -> None:
    async def go() -> int:
        ticks, clock = Ticks(), SetClock()
        clock.ahead = -timedelta(days=2)
        schedule = Schedule(ticks, 0.2, clock=clock)
        schedule.start()
        await until(lambda: schedule.counts["mended"] >= 2)
        schedule.stop()
        return schedule.counts["error"]

    assert asyncio.run(go()) == 0


class Hanging:
    """A fetch that hangs until it is told not to."""

    def __init__(self) -> None:
        self.free = asyncio.Event()

    async def __call__(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Fetched:
        await self.free.wait()
        body = b'<rss version="2.0"><channel><title>a</title></channel></rss>'
        now = datetime.now(UTC)
        return Fetched(
            url=url, final_url=url, status=200, body=body, content_type="application/rss+xml", fetched_at=now
        )


class Idle:
    """A judge that is never asked."""

    run = RUN


def test_F57_a_pass_that_hangs_is_broken_off_and_the_next_one_is_made(database: Database, tmp_path: Path) -> None:
    from pipeline.collect.parse import parse

    feed = {"url": "https://a.example/f", "outlet": "A", "country": "GB", "language": "en", "kind": "wire"}
    (tmp_path / "feeds.toml").write_text(tomli_w.dumps({"feed": [{**feed, "format": "rss"}]}))
    flags = [f"feeds.file={tmp_path / 'feeds.toml'}", "poll.tick_s=0.2", "poll.pass_timeout_s=0.5"]
    fetch = Hanging()
    tools = Tools(
        fetch=fetch, parse=lambda fetched: parse(fetched, max_entries=9), extract=None, from_summary=None,
        canonical=str, judge=Idle(), clock=lambda: datetime.now(UTC),
    )  # type: ignore[arg-type]  # fmt: skip

    def outcomes() -> dict[str, int]:
        with database.read() as connection:
            return dict(passes.counts(connection))

    async def go() -> None:
        async with _Passes(tools, database, load(flags=flags, environ={})):
            await until(lambda: outcomes().get("failed", 0) >= 2)
            fetch.free.set()
            await until(lambda: "ok" in outcomes())

    asyncio.run(go())
    with database.read() as connection:
        failed, good = passes.last(connection, "failed"), passes.last(connection, "ok")
    assert failed is not None
    assert "poll.pass_timeout_s" in failed.detail
    assert (good is not None, good and good.id > failed.id) == (True, True)
