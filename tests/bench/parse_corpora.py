"""Run the feed parser over public corpora of feeds and print how it fares.

    python tests/bench/parse_corpora.py [--list]

(1) Every file ends in entries or in a typed error, and how long it takes. (2) Where a corpus says what should come
out (gofeed, feed-rs, rss-parser), how many titles, links, ids and dates agree; --list prints the others. Reads
../shared/corpora.
"""

from __future__ import annotations

import json
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from pipeline.collect import plain  # noqa: E402
from pipeline.collect.addresses import resolve  # noqa: E402
from pipeline.collect.dates import parse_date  # noqa: E402
from pipeline.collect.parse import parse  # noqa: E402
from pipeline.errors import ParseError  # noqa: E402
from pipeline.records import Entry, Fetched, ParsedFeed  # noqa: E402

CORPORA = REPOSITORY.parent / "shared" / "corpora"
BASE = "https://outlet.example/feed/"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
FIELDS = ("title", "link", "guid", "date")


class Expected(NamedTuple):
    """What another parser's test suite expects of one entry; None where it expects nothing."""

    title: str | None
    link: str | None
    guid: str | None
    date: datetime | None


@dataclass
class Survey:
    """What became of the files: outcomes by name, tracebacks, and the slowest."""

    outcomes: Counter[str] = field(default_factory=Counter)
    tracebacks: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")


@dataclass
class Agreement:
    """Compared values by field, the ones that differ as (file, field, expected, got), and those that can't be
    compared by reason.
    """

    compared: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    differing: list[tuple[str, str, object, object]] = field(default_factory=list)

    def share(self) -> float:
        """Agreeing values among the compared ones."""
        return 1 - len(self.differing) / max(self.compared.total(), 1)


def archives() -> list[Path]:
    """The archives of feeds; empty where the corpora are absent."""
    return sorted((CORPORA / "feeds_realworld").glob("*/data.tar.gz")) + sorted(CORPORA.glob("*feed*/data.tar.gz"))


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file in an archive."""
    with tarfile.open(archive) as tar:
        for member in tar:
            body = tar.extractfile(member) if member.isfile() else None
            if body is not None:
                yield f"{archive.parent.name}/{member.name.removeprefix('./')}", body.read()


def fetched(body: bytes, content_type: str = "application/octet-stream") -> Fetched:
    return Fetched(url=BASE, final_url=BASE, status=200, body=body, content_type=content_type, fetched_at=NOW)


def survey() -> Survey:
    """Parse every file of every archive."""
    result = Survey()
    for archive in archives():
        for name, body in files(archive):
            begun = time.perf_counter()
            result.outcomes[_outcome(name, body, result)] += 1
            result.slowest = max(result.slowest, (time.perf_counter() - begun, name))
    return result


def _outcome(name: str, body: bytes, result: Survey) -> str:
    try:
        found = parse(fetched(body), max_entries=500)
    except ParseError as error:
        return f"error {error.reason}"
    except Exception as error:  # noqa: BLE001 - finding them is the purpose
        result.tracebacks.append(f"{name}: {error!r}")
        return "TRACEBACK"
    return f"{'degraded ' + found.degraded if found.degraded else 'read'}{'' if found.entries else ', no entries'}"


def agreement() -> Agreement:
    """Compare with the expected output that comes with three corpora."""
    result = Agreement()
    for archive in archives():
        contents = dict(files(archive))
        for name, body in contents.items():
            expected = _expected(name, contents)
            if expected is None:
                continue
            try:
                found: ParsedFeed | None = parse(fetched(body), max_entries=100_000)
            except ParseError:
                found = None
            _compare(name, body, expected, found.entries if found else (), result)
    return result


def _expected(name: str, contents: dict[str, bytes]) -> list[Expected] | None:
    stem, _, suffix = name.rpartition(".")
    if name.startswith("feed-rs/") and f"{stem}.serde.json" in contents:
        return [_of_feed_rs(entry) for entry in json.loads(contents[f"{stem}.serde.json"])["entries"]]
    if name.startswith("rss-parser/input/"):
        output = contents.get(f"{stem.replace('/input/', '/output/')}.json")
        return [_of_rss_parser(entry) for entry in _json(output)["feed"]["items"]] if output else None
    if name.startswith("gofeed/") and suffix == "xml" and f"{stem}.json" in contents:
        document = json.loads(contents[f"{stem}.json"])
        return [_of_gofeed(entry) for entry in document.get("items") or document.get("entries") or []]
    if name.startswith("gofeed/") and f"{stem}_expected.json" in contents:
        return [_of_gofeed(entry) for entry in json.loads(contents[f"{stem}_expected.json"]).get("items") or []]
    return None


def _json(body: bytes) -> Any:
    """One expected output of rss-parser is Latin-1."""
    try:
        return json.loads(body)
    except UnicodeDecodeError:
        return json.loads(body.decode("latin-1"))


def _of_feed_rs(entry: dict[str, Any]) -> Expected:
    links = [link["href"] for link in entry["links"] if link.get("rel") in (None, "alternate")]
    made_up = len(entry["id"]) == 32 and all(digit in "0123456789abcdef" for digit in entry["id"])
    return Expected(
        (entry.get("title") or {}).get("content"),
        links[0] if links else None,
        None if made_up else entry["id"],
        _date(entry.get("published") or entry.get("updated")),
    )


def _of_rss_parser(entry: dict[str, Any]) -> Expected:
    guid = entry.get("guid") or entry.get("id")
    title = entry.get("title")
    return Expected(
        title if isinstance(title, str) else None,
        entry.get("link"),
        guid if isinstance(guid, str) else None,
        _date(entry.get("isoDate")),
    )


def _of_gofeed(entry: dict[str, Any]) -> Expected:
    guid, title = entry.get("guid") or entry.get("id"), entry.get("title")
    dates = ("publishedParsed", "pubDateParsed", "date_published", "updatedParsed", "date_modified")
    return Expected(
        title if isinstance(title, str) else None,
        entry.get("link") or entry.get("url") or _atom_link(entry.get("links") or []),
        guid.get("value") if isinstance(guid, dict) else guid,
        _date(next((entry[key] for key in dates if entry.get(key)), None)),
    )


def _atom_link(links: list[Any]) -> str | None:
    alternates = [
        link["href"] for link in links if isinstance(link, dict) and link.get("rel") == "alternate" and "href" in link
    ]
    return alternates[0] if alternates else None


def _date(raw: str | None) -> datetime | None:
    return parse_date(raw, now=NOW) if raw else None


def _compare(name: str, body: bytes, expected: list[Expected], got: tuple[Entry, ...], result: Agreement) -> None:
    if len(expected) != len(got):
        expected = [entry for entry in expected if entry.title or entry.link or entry.guid]  # ours say something
    if len(expected) != len(got):
        result.compared.update(dict.fromkeys(FIELDS, len(expected)))
        result.differing += [(name, field, f"{len(expected)} entries", len(got)) for field in FIELDS] * len(expected)
        return
    for want, have in zip(expected, got, strict=True):
        for key, value, read in zip(FIELDS, want, (have.title, have.link, have.guid, have.published_at), strict=True):
            if value is None or value == "":
                continue
            if reason := _incomparable(key, value, body):
                result.set_aside[reason] += 1
                continue
            result.compared[key] += 1
            if not _same(key, value, read):
                result.differing.append((name, key, value, read))


def _incomparable(key: str, value: Any, body: bytes) -> str:
    """Why an expected value is the other parser's own doing, or ""."""
    if key == "guid" and escape(value.strip(), quote=False).encode() not in body and value.strip().encode() not in body:
        return "id made up by the other parser"
    if key == "title" and "\ufffd" in value:
        return "title misread by the other parser"
    if key == "link" and "/~r/" in value and b":origLink>" in body:
        return "address of a feed service, where we take the outlet's own from feedburner:origLink"
    return ""


def _same(key: str, expected: Any, got: Any) -> bool:
    """Titles agree as plain text of up to 500 characters, links after resolving, dates to the second."""
    if key == "title":
        texts = (expected, plain.from_html(expected))
        return any(plain.one_line(text, limit=500) == got for text in texts)
    if key == "link":
        return resolve(BASE, expected.strip()) == got
    if key == "guid":
        return expected.strip() == got
    return got is not None and expected.replace(microsecond=0) == got


def main() -> None:
    if not archives():
        sys.exit(f"no corpora under {CORPORA}: nothing to measure")
    result = survey()
    seconds, slowest = result.slowest
    print(
        f"(1) {result.outcomes.total()} files, {len(result.tracebacks)} tracebacks, slowest {seconds:.2f} s ({slowest})"
    )
    for outcome, count in result.outcomes.most_common():
        print(f"    {count:5d} {outcome}")
    print(*result.tracebacks, sep="\n")
    agreed = agreement()
    print(f"(2) {agreed.share():.4f} of {agreed.compared.total()} values agree")
    for key in FIELDS:
        wrong = sum(1 for _, field_, _, _ in agreed.differing if field_ == key)
        print(f"    {key:6s} {agreed.compared[key] - wrong:5d} / {agreed.compared[key]}")
    for reason, count in agreed.set_aside.most_common():
        print(f"    not compared: {count} x {reason}")
    if "--list" in sys.argv:
        for name, key, want, got in agreed.differing:
            print(f"    {name}: {key}: expected {want!r:.100}, got {got!r:.100}")


if __name__ == "__main__":
    main()
