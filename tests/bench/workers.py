"""What it costs to read feeds and pages in worker processes instead of in the process itself.

    python tests/bench/workers.py [ROUNDS]

Prints for bodies of several sizes the median milliseconds per call in-process and in a worker, one after the other,
their difference and ratio; then the seconds of a batch of pages in-process and in all workers at once; then how long
the first answer takes, and the first after a worker was killed.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from config.settings import load
from pipeline.collect import ready  # noqa: F401 - in-process calls shall be warm as well
from pipeline.collect.extract import extract
from pipeline.collect.parse import parse
from pipeline.collect.workers import COUNT, Workers
from pipeline.errors import ExtractError
from pipeline.records import Entry, Feed, Fetched
from tests import hostile

NOW = datetime(2026, 11, 24, tzinfo=UTC)
URL = "https://outlet.example/1"
SETTINGS = load(environ={})
ENTRY = Entry(guid="1", link=URL, title="Talks go on", summary="", published_at=NOW)
FEED = Feed(url=URL, outlet="Outlet", country="GB", language="en", kind="wire", format="rss")
SENTENCE = "Japan and Russia held talks on a peace treaty, and officials said that they would go on, number {n}. "
BATCH = 100


def body(text: str) -> Fetched:
    return Fetched(url=URL, final_url=URL, status=200, body=text.encode(), content_type="", fetched_at=NOW)


def feed(items: int) -> Fetched:
    listed = "".join(
        f"<item><title>Talks {n}</title><link>{URL}/{n}</link>"
        f"<description>{SENTENCE.format(n=n) * 3}</description></item>"
        for n in range(items)
    )
    return body(f'<rss version="2.0"><channel><title>Outlet</title>{listed}</channel></rss>')


def page(paragraphs: int) -> Fetched:
    text = "".join(f"<p>{SENTENCE.format(n=n) * 3}</p>" for n in range(paragraphs))
    menu = "<ul>" + f"<li><a href='{URL}'>Section</a></li>" * (2 * paragraphs) + "</ul>"
    return body(f"<html><title>Talks</title><body>{menu}<article><h1>Talks</h1>{text}</article></body></html>")


def milliseconds(began: float) -> float:
    return 1000 * (time.perf_counter() - began)


async def compare(
    name: str, fetched: Fetched, here: Callable[[], Any], there: Callable[[], Awaitable[Any]], n: int
) -> None:
    """Call both in turn, so that a busy machine slows both down."""
    inside, outside = [], []
    await there()
    for _ in range(n):
        began = time.perf_counter()
        expected = here()
        inside.append(milliseconds(began))
        began = time.perf_counter()
        found = await there()
        outside.append(milliseconds(began))
        assert found == expected
    mine, theirs = statistics.median(inside), statistics.median(outside)
    size = f"{len(fetched.body) / 1000:8.1f} kB"
    print(f"{name:<22} {size}  {mine:8.2f} ms  {theirs:8.2f} ms  {theirs - mine:+7.2f} ms  ratio {theirs / mine:.2f}")


async def main(rounds: int = 30) -> None:
    async with Workers(SETTINGS.workers) as workers:
        began = time.perf_counter()
        await workers.run(ExtractError, URL, hostile.pid)
        first = milliseconds(began)
        print(f"{'body':<22} {'size':>11}  {'in-process':>11}  {'worker':>11}  {'overhead':>10}")
        for items in (1, 20, 100, 500):
            fetched = feed(items)

            def here(fetched: Fetched = fetched) -> Any:
                return parse(fetched, max_entries=500)

            def there(fetched: Fetched = fetched) -> Awaitable[Any]:
                return workers.parse(fetched, max_entries=500)

            await compare(f"feed of {items} entries", fetched, here, there, rounds)
        for paragraphs in (3, 20, 200):
            fetched = page(paragraphs)

            def read(fetched: Fetched = fetched) -> Any:
                return extract(fetched, ENTRY, FEED, SETTINGS.extract)

            def sent(fetched: Fetched = fetched) -> Awaitable[Any]:
                return workers.extract(fetched, ENTRY, FEED, SETTINGS.extract)

            await compare(f"page of {paragraphs} paragraphs", fetched, read, sent, rounds)
        pages = [page(20)] * BATCH
        began = time.perf_counter()
        for fetched in pages:
            extract(fetched, ENTRY, FEED, SETTINGS.extract)
        mine = milliseconds(began)
        began = time.perf_counter()
        await asyncio.gather(*(workers.extract(fetched, ENTRY, FEED, SETTINGS.extract) for fetched in pages))
        theirs = milliseconds(began)
        print(
            f"{BATCH} pages of 20 paragraphs: {mine / 1000:.2f} s in-process, {theirs / 1000:.2f} s in {COUNT} workers"
        )
    async with Workers(SETTINGS.workers) as workers:
        began = time.perf_counter()
        await workers.run(ExtractError, URL, hostile.pid)
        warm = milliseconds(began)
        await asyncio.gather(workers.run(ExtractError, URL, hostile.killed), return_exceptions=True)
        began = time.perf_counter()
        await workers.run(ExtractError, URL, hostile.pid)
        print(
            f"first answer: {first:.0f} ms with the server that workers are forked from, {warm:.0f} ms after that, "
            f"{milliseconds(began):.0f} ms after a kill"
        )


if __name__ == "__main__":
    asyncio.run(main(*(int(argument) for argument in sys.argv[1:])))
