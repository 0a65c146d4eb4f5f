"""Cut an article into passages: its title, then its sentences, each with its place in the stored text.

Passages are what is embedded, coded and quoted as evidence. They keep the text as it is: nothing is
normalised, and nothing left out but the white space between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from pipeline.analyse.lengths import fitting, trimmed
from pipeline.analyse.marks import CLOSERS, ENDERS, IS_CJK
from pipeline.analyse.sentences import Span, sentences
from pipeline.records import Part, Passage

MAX_TOKENS = 480  # the e5 family reads 512, with its prompt and special tokens

ENDED = re.compile(rf"[{re.escape(ENDERS)}:：][{re.escape(CLOSERS)}]*\s*$")
WRAPPED_WIDTHS = range(20, 121)  # characters a line of hard-wrapped text has


def split(
    title: str,
    text: str,
    language: str,
    *,
    count_tokens: Callable[[str], int] | None = None,
    max_tokens: int = MAX_TOKENS,
) -> tuple[Passage, ...]:
    """The passages of an article, numbered from 0: the title, if it isn't blank, then the text's sentences.

    Every character but white space lies in exactly one passage; `start` and `end` are offsets into the part
    that the passage is from. What `count_tokens` finds longer than `max_tokens` (without it: what has more
    characters than that) is cut further.
    """
    count = count_tokens or len

    def fits(passage: str) -> bool:
        return count(passage) <= max_tokens

    parts: Iterable[tuple[Part, str, Iterable[Span]]] = (
        ("title", title, [(0, len(title))]),
        ("text", text, _sentences(text, language)),
    )
    cuts = (
        (part, source, span)
        for part, source, spans in parts
        for whole in spans
        for span in fitting(source, whole, fits)
    )
    return tuple(
        Passage(position=position, part=part, start=start, end=end, text=source[start:end])
        for position, (part, source, (start, end)) in enumerate(cuts)
    )


def _sentences(text: str, language: str) -> Iterator[Span]:
    for first, last in _paragraphs(text):
        for start, end in sentences(text[first:last], language):
            yield first + start, first + end


def _paragraphs(text: str) -> Iterator[Span]:
    """Lines, save that the lines of a hard-wrapped block are one paragraph."""
    block: list[Span] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            block.append((offset, offset + len(line)))
        else:
            yield from _unwrapped(text, block)
            block = []
        offset += len(line)
    yield from _unwrapped(text, block)


def _unwrapped(text: str, block: list[Span]) -> list[Span]:
    lines = [text[slice(*trimmed(text, span))] for span in block]
    return [(block[0][0], block[-1][1])] if _is_wrapped(lines) else block


def _is_wrapped(lines: list[str]) -> bool:
    """Whether a block was broken at a width: its lines are equally long and read on from each other."""
    *full, _ = lines or [""]
    if len(full) < 2 or len(full[0]) not in WRAPPED_WIDTHS:
        return False
    width = max(map(len, full))
    slack = 3 if IS_CJK.match(full[0][-1]) else width // 4
    even = min(map(len, full)) >= width - slack and len(lines[-1]) <= width
    reads_on = sum(after[0].islower() or bool(IS_CJK.match(after[0])) for after in lines[1:])
    return even and 2 * reads_on >= len(full) and 2 * sum(bool(ENDED.search(line)) for line in full) <= len(full)
