"""The marks that sentences are cut at, with their surroundings, and what brackets hold together."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

ENDERS = ".!?…‼⁇⁈⁉。！？｡．"
CLOSERS = "\"'”’»›“)]}」』）】〉》〕］｝｣\u200b\u2060\ufeff"
CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
IS_CJK = re.compile(f"[{CJK}]")
PARENTHESES = dict(zip("([（［〔【「『〈《｛｢", ")]）］〕】」』〉》｝｣", strict=True))
QUOTES_TOO = PARENTHESES | {"“": "”", "‘": "’", "«": "»"}

# A run of marks with what closes behind it and the number of a footnote; or the end of a Japanese quotation.
END = re.compile(rf"(?P<run>[{ENDERS}]+)(?P<closers>(?:[{re.escape(CLOSERS)}]|\[\d{{1,3}}\])*)|(?P<speech>[」』])")
SPACE = re.compile(r"\s{0,8}")
# What comes next: space, signs (an opening quotation mark, a dash, a bullet), then the start of a word.
NEXT = re.compile(r"(?P<space>\s*)(?P<signs>(?:[^\w\s]\s?){0,4})(?P<word>\w{0,24})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in `line` where a sentence that began at `begin` could end.

    [start, end): the run of marks with the closing brackets and quotation marks behind it; the run is empty
    where a Japanese quotation ends without one. `space`, `signs`, `word`: what comes next.
    """

    line: str
    begin: int
    start: int
    end: int
    run: str
    closers: str
    space: str
    signs: str
    word: str

    @classmethod
    def of(cls, found: re.Match[str], begin: int) -> Mark:
        """The mark that END found, in a sentence that began at `begin`."""
        following = NEXT.match(found.string, found.end())
        assert following is not None, "every part of the pattern may be empty"  # noqa: S101
        space, signs, word = following.groups()
        return cls(
            line=found.string,
            begin=begin,
            start=found.start(),
            end=found.end(),
            run=found["run"] or "",
            closers=found["closers"] or found["speech"] or "",
            space=space,
            signs=signs,
            word=word,
        )

    @property
    def before(self) -> str:
        """The character before the run, or ''."""
        return self.line[max(0, self.start - 1) : self.start]

    @property
    def after(self) -> str:
        """The character right behind, or ''."""
        return self.line[self.end : self.end + 1]

    def opens_at(self, at: int) -> bool:
        """Whether the offset lies at the sentence's beginning, or before."""
        return at <= self.begin + len(SPACE.match(self.line, self.begin)[0])  # type: ignore[index]


class Brackets:
    """The outermost closed bracket pairs of a line.

    A bracket without its partner is no pair, so it can't swallow the rest.
    """

    def __init__(self, line: str, pairs: Mapping[str, str], *, longest: int) -> None:
        self._line, self._pairs, self._longest = line, pairs, longest

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return _outermost(sorted(_closed(self._line, self._pairs, self._longest)))

    def around(self, at: int) -> tuple[int, int] | None:
        """The pair [open, close] that holds the offset, as a span, if any."""
        index = bisect_right(self._spans, at, key=lambda span: span[0]) - 1
        return self._spans[index] if index >= 0 and at < self._spans[index][1] else None


def _closed(line: str, pairs: Mapping[str, str], longest: int) -> Sequence[tuple[int, int]]:
    opened: dict[str, list[int]] = {closer: [] for closer in pairs.values()}
    found = []
    for bracket in re.finditer("[" + re.escape("".join((*pairs, *opened))) + "]", line):
        at, sign = bracket.start(), bracket[0]
        if sign in pairs:
            opened[pairs[sign]].append(at)
        elif opened[sign] and at - (start := opened[sign].pop()) <= longest:
            found.append((start, at + 1))
    return found


def _outermost(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
