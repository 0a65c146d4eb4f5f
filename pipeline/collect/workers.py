"""Feeds and pages are read in processes of their own, so that no body can hang or kill the service.

    Workers.parse, Workers.extract -> run -> a worker: parse.parse, extract.extract -> the result, or its typed error

A body is foreign words for C libraries (libxml2, expat, regular expressions): one that never ends, takes all memory
or hits a bug there costs a worker, and comes back as a typed error. Each worker has a pool of its own: the workers of
one pool share a lock, and one that died while it held it would hold up the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from traceback import format_exc
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from config.sections import ExtractSettings, WorkersSettings
from pipeline.collect import extract, parse
from pipeline.errors import ExtractError, ParseError, TreatywatchError
from pipeline.records import Article, Entry, Feed, Fetched, ParsedFeed

T = TypeVar("T")
COUNT = 2
TASKS = 200  # after so many a worker is replaced: libraries leak, and heaps crumble
GRACE_S = 30.0  # beyond the time limit: for starting a worker on a busy machine
TRIES = 3  # for a body whose worker came to an end through no fault of the body's
OUT_OF_MEMORY = 77  # an exit status that no library uses
# Ends that no body can bring about: the system stops the service, or the server that workers are forked from is gone.
INNOCENT = frozenset((-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, 255))
READS = {ParseError: "parse", ExtractError: "extract"}
MEGABYTE = 1024 * 1024


class Workers:
    """Two processes that read bodies and may die of them; started when first needed, gone when it is closed."""

    def __init__(self, settings: WorkersSettings) -> None:
        self._settings = settings
        self._free = asyncio.Semaphore(COUNT)
        self._idle: list[ProcessPool] = []

    async def __aenter__(self) -> Workers:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the workers, whatever they are at."""
        while self._idle:
            await asyncio.to_thread(_end, self._idle.pop())

    async def parse(self, fetched: Fetched, *, max_entries: int) -> ParsedFeed:
        """As parse.parse. Raises ParseError also with the reasons `parse_timeout parse_memory parse_crash`."""
        return await self.run(ParseError, fetched.url, parse.parse, fetched, max_entries=max_entries)

    async def extract(self, page: Fetched, entry: Entry, feed: Feed, settings: ExtractSettings) -> Article:
        """As extract.extract. Raises ExtractError also with `extract_timeout extract_memory extract_crash`."""
        return await self.run(ExtractError, page.url, extract.extract, page, entry, feed, settings)

    async def run(
        self, kind: type[ParseError | ExtractError], url: str, read: Callable[..., T], *arguments: Any, **options: Any
    ) -> T:
        """What `read` makes of `arguments` in a worker, or the error it raises. All must be importable and picklable.

        Raises `kind` if it took too long, too much memory, or the worker's life; RuntimeError for what `read` should
        not have raised.
        """
        async with self._free:
            for _ in range(TRIES):
                try:
                    found, error = await self._once(read, arguments, options)
                except ProcessExpired as death:
                    if death.exitcode not in INNOCENT:
                        raise self._guilty(kind, url, death.exitcode) from None
                except (RuntimeError, TimeoutError):  # an idle worker was killed, or pebble is stuck
                    continue
                else:
                    if error is not None:
                        raise error
                    return found  # type: ignore[no-any-return]
        raise self._guilty(kind, url, None)

    async def _once(self, read: Callable[..., T], arguments: Any, options: Any) -> tuple[Any, Exception | None]:
        """One try. A worker that came to an end, or whose answer nobody awaits any more, is not used again."""
        pool = self._idle.pop() if self._idle else await asyncio.to_thread(self._start)
        limit_s = self._settings.timeout_s
        try:
            future = pool.schedule(_read, (self._settings, read, arguments, options))
            answer = await asyncio.wait_for(asyncio.wrap_future(future), limit_s + GRACE_S)
        except BaseException:
            await asyncio.to_thread(_end, pool)
            raise
        self._idle.append(pool)
        return answer

    def _start(self) -> ProcessPool:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["pipeline.collect.ready"])
        pool = ProcessPool(1, TASKS, initializer=_begin, initargs=(self._settings.memory_mb,), context=context)
        if not pool.active:  # asking starts it
            raise BrokenProcessPool("the worker did not start")
        return pool

    def _guilty(self, kind: type[ParseError | ExtractError], url: str, status: int | None) -> ParseError | ExtractError:
        fate, message = "crash", f"reading it ended the process that read it ({_name(status)})"
        if status == -signal.SIGALRM:
            fate, message = "timeout", f"reading it took more than {self._settings.timeout_s:g} s (workers.timeout_s)"
        elif status == OUT_OF_MEMORY:
            fate, message = "memory", f"reading it took more than {self._settings.memory_mb} MB (workers.memory_mb)"
        return kind(f"{url}: {message}", url=url, reason=f"{READS[kind]}_{fate}")


def _name(status: int | None) -> str:
    if status is None:
        return "again and again"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"exit status {status}"


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


# In the worker


def _begin(memory_mb: int) -> None:
    """Make ready to be killed: at once by whoever asks, before the service if the system runs out of memory.

    The hard limit is RLIMIT_DATA, which on Linux counts every private writable page. RLIMIT_AS would count what
    libraries and threads merely reserve as well, which differs with the number of cores; RLIMIT_RSS is not enforced.
    It stands at twice what a body may take: extractors swallow a MemoryError now and then and go on with half a
    page, so that a result is only believed (`_read`) where memory never came near to being refused.
    """
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)  # a handler in Python would wait for the C code that hangs
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    _fresh()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_DATA, _allocated() + 2 * memory_mb * MEGABYTE)


def _limit(what: int, wanted: int) -> None:
    _, hard = resource.getrlimit(what)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(what, (limit, limit))


def _allocated() -> int:
    """Bytes that count for RLIMIT_DATA so far; 0 where there is no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _peak() -> int:
    """Bytes that this process had in memory at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@cache
def _fresh() -> int:
    """The peak when the worker began, which asks first."""
    return _peak()


def _read(
    settings: WorkersSettings, read: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, Exception | None]:
    """The result or the error, or the end of this process.

    The worker sets its own alarm: it rings even while C code runs, and even if the service was killed meanwhile.
    """
    answer = _outcome(settings.timeout_s, read, arguments, options)
    if _peak() > _fresh() + settings.memory_mb * MEGABYTE:
        os._exit(OUT_OF_MEMORY)
    return answer


def _outcome(
    limit_s: float, read: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, Exception | None]:
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return read(*arguments, **options), None
    except TreatywatchError as error:
        return None, error
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as fault:  # noqa: BLE001 - a library's exceptions may not travel; their text does
        unexpected = RuntimeError(f"{fault!r} in a worker")
        unexpected.add_note(format_exc())
        return None, unexpected
    except BaseException:  # noqa: BLE001 - SystemExit would end the service
        os._exit(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
