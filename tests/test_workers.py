"""Worker processes: real ones, that are really killed."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from config.settings import load
from pipeline.collect import extract, parse
from pipeline.collect.workers import COUNT, TASKS, Workers
from pipeline.errors import LETHAL, CollectError, ExtractError, FetchError, ParseError, TreatywatchError
from pipeline.records import Entry, Feed, Fetched
from tests import hostile

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
URL = "https://outlet.example/item"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EXTRACT = load(environ={}).extract
ENTRY = Entry(guid="1", link=URL, title="Talks go on", summary="The talks go on.", published_at=NOW)
FEED = Feed(url=URL, outlet="Outlet", country="GB", language="en", kind="wire", format="rss")
SENTENCE = "Japan and Russia held talks on a peace treaty, and officials said that they would go on. "
ITEM = "<item><title>{title}</title><link>https://outlet.example/1</link><author>{author}</author></item>"
RSS = f'<rss version="2.0"><channel><title>Outlet</title>{ITEM}</channel></rss>'
# feedparser takes quadratic time to look for a mail address in it
AUTHOR = "a@" + "a." * 30_000 + "!"


def body(text: str, content_type: str = "text/html; charset=utf-8") -> Fetched:
    return Fetched(url=URL, final_url=URL, status=200, body=text.encode(), content_type=content_type, fetched_at=NOW)


def page(inner: str) -> Fetched:
    return body(f"<html><title>Talks</title><body>{inner}</body></html>")


def working(use: Callable[[Workers], Awaitable[T]], timeout_s: float = 20, memory_mb: int = 64) -> T:
    """What `use` makes of workers that are closed afterwards."""

    async def go() -> T:
        flags = [f"workers.timeout_s={timeout_s}", f"workers.memory_mb={memory_mb}"]
        async with Workers(load(flags=flags, environ={}).workers) as workers:
            return await use(workers)

    return asyncio.run(go())


def fate_of(read: Callable[..., Any], *arguments: Any, kind: Any = ExtractError, **limits: float) -> str:
    """The reason of the error that `read` ends in, after which the workers still work."""

    async def use(workers: Workers) -> str:
        with pytest.raises(CollectError) as caught:
            await workers.run(kind, URL, read, *arguments)
        assert type(caught.value) is kind
        assert (caught.value.url, caught.value.retry, caught.value.lethal) == (URL, True, True)
        assert await workers.run(kind, URL, hostile.pid) > 0
        return caught.value.reason

    return working(use, **limits)  # type: ignore[arg-type]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def wait_until(done: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


# Results and errors


@pytest.mark.parametrize(
    "text",
    [
        RSS.format(title="Talks", author="A. Author"),
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>1</id><title>Talks</title></entry></feed>',
        '{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": "1", "title": "Talks"}]}',
    ],
)
def test_a_feed_comes_back_as_it_was_parsed(text: str) -> None:
    found = working(lambda workers: workers.parse(body(text), max_entries=10))
    assert found == parse.parse(body(text), max_entries=10)
    assert found.entries[0].title == "Talks"


def test_an_article_comes_back_as_it_was_extracted() -> None:
    fetched = page(f"<article><p>{SENTENCE * 3}</p><p>{SENTENCE * 4}</p></article>")
    found = working(lambda workers: workers.extract(fetched, ENTRY, FEED, EXTRACT))
    assert found == extract.extract(fetched, ENTRY, FEED, EXTRACT)


@pytest.mark.parametrize("text", ["", "<html><body>Log in</body></html>", "<rss><channel><item><title>a"])
def test_a_typed_error_comes_back_unchanged(text: str) -> None:
    with pytest.raises(ParseError) as here:
        parse.parse(body(text), max_entries=10)
    with pytest.raises(ParseError) as there:
        working(lambda workers: workers.parse(body(text), max_entries=10))
    assert (str(there.value), vars(there.value)) == (str(here.value), {**vars(here.value)})
    assert there.value.reason in ("empty", "not_a_feed", "malformed")


def test_every_error_travels_whole() -> None:
    sent = [
        TreatywatchError("a", reason="b"),
        FetchError("a", url=URL, reason="http_status", retry=False, status=503, retry_after_s=5.0),
        ExtractError("a", url=URL, reason="no_text"),
    ]
    for error in sent:
        got = pickle.loads(pickle.dumps(error))
        assert (type(got), str(got), vars(got)) == (type(error), str(error), vars(error))


def test_an_unexpected_exception_is_told_with_its_traceback_and_costs_no_worker() -> None:
    async def use(workers: Workers) -> tuple[int, str, int]:
        before = await workers.run(ParseError, URL, hostile.pid)
        with pytest.raises(RuntimeError) as caught:
            await workers.run(ParseError, URL, hostile.fault)
        return before, f"{caught.value} {caught.value.__notes__}", await workers.run(ParseError, URL, hostile.pid)

    before, message, after = working(use)
    assert before == after
    assert "LookupError" in message
    assert "in fault" in message


@pytest.mark.parametrize(
    ("name", "declared", "shown"),
    [
        ("F25 billion laughs", '<!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>', "&b;"),
        ("F25 external entity", '<!DOCTYPE r [<!ENTITY b SYSTEM "file:///etc/passwd">]>', "&b;"),
        ("F27 illegal references", "", "\ufffd"),
    ],
)
def test_F25_F27_entities_and_illegal_references_are_as_harmless_in_a_worker(
    name: str, declared: str, shown: str
) -> None:
    text = declared + RSS.format(title="&#xD800;" if "F27" in name else "&b;", author="a")
    assert working(lambda workers: workers.parse(body(text), max_entries=10)).entries[0].title == shown


@pytest.mark.parametrize("text", ["/etc/passwd", "http://127.0.0.1/", "file:///etc/passwd"])
def test_F26_a_body_that_is_a_path_or_address_is_no_feed_in_a_worker_either(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        working(lambda workers: workers.parse(body(text), max_entries=10))
    assert caught.value.reason == "not_a_feed"


# Limits


def test_F28_an_author_that_takes_quadratic_time_is_cut_short_where_nothing_else_shields() -> None:
    began = time.monotonic()
    text = RSS.format(title="a", author=AUTHOR)
    assert fate_of(hostile.unguarded, text.encode(), kind=ParseError, timeout_s=1) == "parse_timeout"
    assert time.monotonic() - began < 10
    assert working(lambda workers: workers.parse(body(text), max_entries=10)).entries[0].title == "a"


def test_F40_a_bottomless_page_gives_its_text_in_a_worker() -> None:
    fetched = page("<div>" * 5000 + f"<p>{SENTENCE * 5}</p>" + "</div>" * 5000)
    assert SENTENCE.strip() in working(lambda workers: workers.extract(fetched, ENTRY, FEED, EXTRACT)).text


def test_F41_a_page_that_takes_too_long_is_an_extract_timeout() -> None:
    fetched = page("<article>" + "<p>ab c.</p>" * 50_000)
    assert fate_of(extract.extract, fetched, ENTRY, FEED, EXTRACT, timeout_s=0.1) == "extract_timeout"


def test_F41_a_page_that_takes_too_much_memory_is_extract_memory() -> None:
    fetched = page("<p>" + "x" * 5_000_000)
    assert fate_of(extract.extract, fetched, ENTRY, FEED, EXTRACT) == "extract_memory"


def test_F41_the_time_limit_holds_where_only_c_code_runs_and_the_service_goes_on_meanwhile() -> None:
    async def use(workers: Workers) -> tuple[str, int]:
        hanging = asyncio.create_task(workers.run(ParseError, URL, hostile.hang))
        ticks = 0
        while not hanging.done():
            await asyncio.sleep(0.02)
            ticks += 1
        error = hanging.exception()
        assert isinstance(error, ParseError)
        return error.reason, ticks

    reason, ticks = working(use, timeout_s=1)
    assert reason == "parse_timeout"
    assert ticks > 20


@pytest.mark.parametrize("read", [hostile.hog, hostile.swallow])
def test_F41_memory_is_limited_even_where_a_library_hides_that_it_ran_out(read: Callable[..., Any]) -> None:
    assert fate_of(read, kind=ParseError) == "parse_memory"


# Deaths


@pytest.mark.parametrize("read", [hostile.segfault, hostile.killed, hostile.leave])
def test_F43_a_worker_that_dies_takes_only_its_own_body_with_it(read: Callable[..., Any]) -> None:
    async def use(workers: Workers) -> list[Any]:
        innocent = [workers.run(ExtractError, f"{URL}/{n}", hostile.pause, 0.02) for n in range(8)]
        guilty = workers.run(ExtractError, URL, read)
        return await asyncio.gather(*innocent[:3], guilty, *innocent[3:], return_exceptions=True)

    found = working(use)
    (error,) = (answer for answer in found if not isinstance(answer, int))
    assert isinstance(error, ExtractError)
    assert (error.reason, error.url, found.index(error)) == ("extract_crash", URL, 3)


def test_F43_the_message_names_the_signal_or_limit() -> None:
    async def use(workers: Workers) -> list[str]:
        deaths = [workers.run(ParseError, URL, read) for read in (hostile.segfault, hostile.hog, hostile.hang)]
        return [str(error) for error in await asyncio.gather(*deaths, return_exceptions=True)]

    crash, memory, timeout = working(use, timeout_s=2)
    assert "SIGSEGV" in crash
    assert "64 MB (workers.memory_mb)" in memory
    assert "2 s (workers.timeout_s)" in timeout


def test_F43_an_idle_worker_that_was_killed_is_replaced_unnoticed() -> None:
    async def use(workers: Workers) -> tuple[int, int]:
        first = await workers.run(ParseError, URL, hostile.pid)
        os.kill(first, signal.SIGKILL)
        return first, await workers.run(ParseError, URL, hostile.pid)

    first, second = working(use)
    assert first != second


def test_F43_a_body_is_not_blamed_for_a_worker_that_was_told_to_stop(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    async def use(workers: Workers) -> str:
        reading = asyncio.create_task(workers.run(ParseError, URL, hostile.linger, str(note)))
        await asyncio.to_thread(wait_until, lambda: note.exists() and note.read_text() != "")
        os.kill(int(note.read_text()), signal.SIGTERM)
        return await reading

    assert working(use) == "second"


def test_F43_a_body_is_not_blamed_when_all_processes_but_the_service_are_told_to_stop(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    async def use(workers: Workers) -> str:
        reading = asyncio.create_task(workers.run(ParseError, URL, hostile.linger, str(note)))
        await asyncio.to_thread(wait_until, lambda: note.exists() and note.read_text() != "")
        worker = int(note.read_text())
        server = parent_of(worker)
        assert server != os.getpid()
        for process in (server, worker):
            os.kill(process, signal.SIGTERM)
        return await reading

    assert working(use) == "second"


def test_a_worker_ends_with_its_limit_although_the_service_was_killed(tmp_path: Path) -> None:
    program = (
        "import asyncio\nfrom config.settings import load\nfrom pipeline.collect.workers import Workers\n"
        "from pipeline.errors import ParseError\nfrom tests import hostile\n"
        "async def go():\n"
        "    async with Workers(load(flags=['workers.timeout_s=2'], environ={}).workers) as workers:\n"
        f"        await workers.run(ParseError, 'u', hostile.linger, {str(tmp_path / 'pid')!r})\n"
        "asyncio.run(go())\n"
    )
    note = tmp_path / "pid"
    service = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_until(lambda: note.exists() and note.read_text() != "", 60)
    service.kill()
    service.wait()
    wait_until(lambda: not is_running(int(note.read_text())))


# Economy


def test_workers_are_few_and_used_again_start_when_needed_and_are_gone_after_the_close() -> None:
    async def use(workers: Workers) -> list[int]:
        return await asyncio.gather(*(workers.run(ParseError, URL, hostile.pause, 0.02) for _ in range(12)))

    used = set(working(use))
    assert len(used) == COUNT
    wait_until(lambda: not any(map(is_running, used)))


def test_a_worker_is_replaced_after_its_share_of_tasks() -> None:
    async def use(workers: Workers) -> list[int]:
        return [await workers.run(ParseError, URL, hostile.pid) for _ in range(TASKS + 1)]

    found = working(use)
    assert len(set(found[:TASKS])) == 1
    assert found[TASKS] != found[0]


def test_a_reading_that_is_given_up_costs_its_worker_and_nothing_else() -> None:
    async def use(workers: Workers) -> tuple[int, int]:
        first = await workers.run(ParseError, URL, hostile.pid)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workers.run(ParseError, URL, hostile.pause, 60), 0.3)
        return first, await workers.run(ParseError, URL, hostile.pid)

    first, second = working(use)
    assert first != second
    assert not is_running(first)


def test_a_worker_imports_no_more_than_it_needs() -> None:
    heavy = {"torch", "transformers", "sentence_transformers", "sklearn", "sqlalchemy", "fastapi", "apscheduler"}
    assert working(lambda workers: workers.run(ParseError, URL, hostile.loaded)) & heavy == set()


def test_the_lethal_reasons_are_those_that_the_workers_give() -> None:
    assert set(LETHAL) == {f"{read}_{fate}" for read in ("parse", "extract") for fate in ("timeout", "memory", "crash")}
