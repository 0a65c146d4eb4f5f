"""Cuts a piece out of a text that shows what was searched for, and says where the marks go; it writes no mark-up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from storage.folding import fold, folded_with_places

LONGEST = 200_000  # characters of a text that are looked at
MOST_MARKS = 50
Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """`text` is [start, start + len(text)) of the original; `marks`: [from, to) within it, in order, apart.

    `before`, `after`: whether something was left out there.
    """

    text: str
    start: int
    marks: tuple[Span, ...]
    before: bool
    after: bool


def snippet(text: str, terms: Iterable[str], width: int = 200) -> Snippet:
    """The `width` characters or so where the most different terms stand close together; the beginning if none does.

    `terms`: as `queries.terms` reads a search. Terms match as in a search.
    """
    found = _found(text[:LONGEST], terms)
    start, end = _window(text, _densest(found, width), width)
    inside = [(max(a, start) - start, min(b, end) - start) for a, b, _ in found if a < end and b > start]
    return Snippet(
        text=text[start:end],
        start=start,
        marks=tuple(_apart(inside)),
        before=start > 0,
        after=end < len(text),
    )


def _found(text: str, terms: Iterable[str]) -> list[tuple[int, int, str]]:
    """Where in `text` terms stand, in order; at most MOST_MARKS places a term."""
    needles = {needle for term in terms if (needle := fold(term))}
    if not needles:
        return []
    folded, places = folded_with_places(text)
    found = []
    for needle in needles:
        at = folded.find(needle)
        for _ in range(MOST_MARKS):
            if at < 0:
                break
            found.append((places[at], _end(places, at + len(needle) - 1), needle))
            at = folded.find(needle, at + len(needle))
    return sorted(found)


def _end(places: list[int], last: int) -> int:
    """Where that ends which the folded character at `last` comes from."""
    end = last + 1
    while end < len(places) - 1 and places[end] == places[last]:
        end += 1
    return places[end]


def _densest(found: list[tuple[int, int, str]], width: int) -> Span:
    """The first stretch within which the most different terms stand."""
    best, most = (0, 0), 0
    for number, (start, end, _) in enumerate(found):
        inside = [one for one in found[number:] if one[1] <= start + width] or [(start, end, "")]
        different = len({needle for *_, needle in inside})
        if different > most:
            best, most = (start, max(one[1] for one in inside)), different
    return best


def _window(text: str, kept: Span, width: int) -> Span:
    """`width` characters around what is kept, begun and ended at a blank where one is near."""
    start = max(0, kept[0] - max(0, width - (kept[1] - kept[0])) // 3)
    end = min(len(text), start + width)
    start = max(0, min(start, end - width))
    if start and (blank := text.find(" ", start, min(kept[0], start + 20))) >= 0:
        start = blank + 1
    if end < len(text) and (blank := text.rfind(" ", max(kept[1], end - 20), end)) >= 0:
        end = blank
    return start, end


def _apart(spans: list[Span]) -> list[Span]:
    """The spans, with those that touch joined."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
