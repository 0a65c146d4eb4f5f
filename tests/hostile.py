"""Readers that do to a worker what the worst bodies do, in a module that workers can import."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import re
import signal
import sys
import time
from pathlib import Path

import feedparser

from config.sections import ExtractSettings
from pipeline.collect.extract import extract
from pipeline.collect.parse import parse
from pipeline.records import Article, Entry, Feed, Fetched, ParsedFeed


def pid() -> int:
    """Harmless: the worker's process."""
    return os.getpid()


def pause(seconds: float) -> int:
    """Harmless, but slow."""
    time.sleep(seconds)
    return os.getpid()


def loaded() -> set[str]:
    """Harmless: the packages that the worker has imported."""
    return {name.partition(".")[0] for name in sys.modules}


def unguarded(body: bytes) -> int:
    """feedparser without anything that shields it."""
    return len(feedparser.parse(io.BytesIO(body), sanitize_html=False)["entries"])


def segfault() -> None:
    """What a bug in a C library does."""
    ctypes.string_at(0)


def killed() -> None:
    """What a system without memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    """What a library does that thinks it is the program."""
    sys.exit("goodbye")


def hang() -> None:
    """C code that doesn't end, and lets no handler in Python run."""
    re.match(r"(a+)+$", "a" * 60 + "b")


def hog() -> int:
    """Memory without end."""
    return sum(len(piece) for piece in [b"x" * 1_000_000 for _ in range(100_000)])


def swallow() -> str:
    """Memory almost without end, by a library that hides it and gives half a result."""
    with contextlib.suppress(MemoryError):
        hog()
    return "half"


def fault() -> None:
    """An exception that can't travel."""
    raise LookupError(lambda: None)


def linger(note: str) -> str:
    """Tell which process this is and wait to be killed; whoever comes second is let off."""
    file = Path(note)
    if file.exists():
        return "second"
    file.write_text(str(os.getpid()), encoding="ascii")
    time.sleep(60)
    return "first"


def deadly_page(page: Fetched, entry: Entry, feed: Feed, settings: ExtractSettings) -> Article:
    """Extract, but die of pages that say so."""
    if b"segfault" in page.body:
        segfault()
    return extract(page, entry, feed, settings)


def deadly_feed(fetched: Fetched, *, max_entries: int) -> ParsedFeed:
    """Parse, but die of feeds that say so."""
    if b"segfault" in fetched.body:
        segfault()
    return parse(fetched, max_entries=max_entries)
