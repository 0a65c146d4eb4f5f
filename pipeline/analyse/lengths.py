"""Cut what is longer than the model reads, at the best place there is."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator

from pipeline.analyse.marks import CJK, CLOSERS, ENDERS

Span = tuple[int, int]

_BREAK = rf"[{re.escape(CLOSERS)}]*(?=[\s{CJK}])"
# From the best place to cut behind to the worst.
PLACES = (
    re.compile(rf"[{re.escape(ENDERS)}]{_BREAK}"),
    re.compile(rf"[;:；：]{_BREAK}|\s(?=[-–—]\s)"),
    re.compile(rf"[,、，]{_BREAK}"),
    re.compile(r"\s"),
)
WHITE = re.compile(r"\s*")
JOINERS = "\u200d\ufe0e\ufe0f"
FIRST_GUESS = 256  # characters


def fitting(text: str, span: Span, fits: Callable[[str], bool]) -> Iterator[Span]:
    """Spans of `text` inside `span` that fit, without outer white space; a single character always fits."""
    start, end = trimmed(text, span)
    while start < end:
        stop = _reach(text, start, end, fits)
        while stop < end:
            cut = _best(text, start, stop)
            if cut - start == 1 or fits(text[start:cut].rstrip()):
                stop = cut
                break
            stop = max(start + 1, cut - max(1, (cut - start) // 4))
        yield trimmed(text, (start, stop))
        start = WHITE.match(text, stop, end).end()  # type: ignore[union-attr]


def trimmed(text: str, span: Span) -> Span:
    """The span without white space at its ends; empty if there is nothing else."""
    start, end = span
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return start, max(start, start + len(piece.strip()))


def _reach(text: str, start: int, end: int, fits: Callable[[str], bool]) -> int:
    """The furthest offset up to which the text fits, found without reading much more than that."""
    size = FIRST_GUESS
    while start + size < end and fits(text[start : start + size]):
        size *= 2
    bound = min(start + size, end)
    if bound == end and fits(text[start:end]):
        return end
    lengths = range(1, bound - start)
    return start + max(1, bisect_right(lengths, False, key=lambda length: not fits(text[start : start + length])))


def _best(text: str, start: int, stop: int) -> int:
    """The best cut in the second half of [start, stop)."""
    half = start + (stop - start) // 2
    for place in PLACES:
        *_, last = (None, *place.finditer(text, half, stop + 1))
        if last is not None and start < last.end() <= stop:
            return last.end()
    return _between_characters(text, start, stop)


def _between_characters(text: str, start: int, stop: int) -> int:
    for cut in range(stop, max(start, stop - 8), -1):
        if not (unicodedata.combining(text[cut]) or text[cut] in JOINERS or text[cut - 1] == "\u200d"):
            return cut
    return stop
