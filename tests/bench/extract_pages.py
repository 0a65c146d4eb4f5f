"""Serve the article extraction benchmark over loopback, fetch and extract its pages, and print the F1:

`python tests/bench/extract_pages.py [--worst N]`.

The measure is the benchmark's own (https://github.com/scrapinghub/article-extraction-benchmark): 4-grams of words,
counted, each page weighing the same; precision and recall are means over the pages, F1 is their harmonic mean.
Reads ../shared/corpora.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from config.settings import load  # noqa: E402
from pipeline.collect.extract import extract  # noqa: E402
from pipeline.collect.fetch import Fetcher  # noqa: E402
from pipeline.errors import ExtractError  # noqa: E402
from pipeline.records import Entry, Feed, Fetched  # noqa: E402
from tests.loopback import Loopback, answer  # noqa: E402

BENCHMARK = REPOSITORY.parent / "shared" / "corpora" / "article_extraction_benchmark"
WORD = re.compile(r"\w+")
SHINGLE = 4


class Shares(NamedTuple):
    """Shares of a page's shingles that are right, too many and missing; they sum to 1, or are all 0."""

    right: float
    extra: float
    missing: float


def pages() -> Iterator[tuple[str, str, bytes, str]]:
    """Key, URL, HTML and expected text of every page; nothing where the benchmark is absent."""
    truth = BENCHMARK / "ground-truth.json"
    for key, row in json.loads(truth.read_text(encoding="utf-8")).items() if truth.exists() else ():
        body = gzip.decompress((BENCHMARK / "html" / f"{key}.html.gz").read_bytes())
        yield key, row["url"], body, row["articleBody"]


def fetched(bodies: dict[str, bytes]) -> dict[str, Fetched]:
    """The pages by key, served over loopback, compressed, and fetched as a run fetches them."""
    routes = {
        f"/{key}.html": answer(gzip.compress(body), content_type="text/html", content_encoding="gzip")
        for key, body in bodies.items()
    }
    flags = ["fetch.allow_networks=['127.0.0.0/8']", "fetch.host_delay_s=0", "fetch.host_concurrency=8"]

    async def fetch_all(server: Loopback) -> dict[str, Fetched]:
        async with Fetcher(load(flags=flags, environ={}).fetch) as fetcher:
            got = await asyncio.gather(*(fetcher.fetch(server.url(f"/{key}.html")) for key in bodies))
        return {key: page for key, page in zip(bodies, got, strict=True) if isinstance(page, Fetched)}

    with Loopback(routes) as server:
        return asyncio.run(fetch_all(server))


def extracted(url: str, page: Fetched) -> str:
    """The text that treatywatch finds, with its shipped settings and knowing nothing from a feed."""
    entry = Entry(guid=url, link=url, title="", summary="", published_at=None)
    feed = Feed(url=url, outlet="", country="XX", language="", kind="wire", format="rss")
    try:
        return extract(page, entry, feed, load(environ={}).extract).text
    except ExtractError:
        return ""


def compare(expected: str, got: str) -> Shares:
    wanted, found = _shingles(expected), _shingles(got)
    right = (wanted & found).total()
    extra, missing = (found - wanted).total(), (wanted - found).total()
    whole = right + extra + missing
    return Shares(right / whole, extra / whole, missing / whole) if whole else Shares(0, 0, 0)


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = WORD.findall(text)
    return Counter(tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1)) if words)


def f1(shares: list[Shares]) -> tuple[float, float, float]:
    """F1, precision and recall over the pages."""
    precision = statistics.mean(_ratio(page.right, page.extra) for page in shares if page.right + page.extra > 0)
    recall = statistics.mean(_ratio(page.right, page.missing) for page in shares if page.right + page.missing > 0)
    return 2 * precision * recall / (precision + recall), precision, recall


def _ratio(right: float, wrong: float) -> float:
    return right / (right + wrong)


def measure() -> tuple[dict[str, Shares], float]:
    """The shares by URL, and the seconds of the slowest page."""
    found, slowest = {}, 0.0
    served = fetched({key: body for key, _, body, _ in pages()})
    for key, url, _, expected in pages():
        begun = time.perf_counter()
        text = extracted(url, served[key])
        slowest = max(slowest, time.perf_counter() - begun)
        found[url] = compare(expected, text)
    return found, slowest


def main() -> None:
    begun = time.perf_counter()
    found, slowest = measure()
    if not found:
        sys.exit(f"no benchmark under {BENCHMARK}: nothing to measure")
    score, precision, recall = f1(list(found.values()))
    taken = time.perf_counter() - begun
    print(f"{len(found)} pages: F1 {score:.4f}, precision {precision:.4f}, recall {recall:.4f}")
    print(f"{taken:.1f} s in all, slowest page {slowest:.2f} s")
    if "--worst" in sys.argv:
        for url in sorted(found, key=lambda url: found[url].right)[: int(sys.argv[-1])]:
            right, extra, missing = found[url]
            print(f"    {right:.2f} right, {extra:.2f} extra, {missing:.2f} missing: {url}")


if __name__ == "__main__":
    main()
