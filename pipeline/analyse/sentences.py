"""Cut a line of running text into sentences, whatever the mix of scripts in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.analyse import japanese, western
from pipeline.analyse.marks import END, ENDERS, Mark

LONGEST_NAME = 24
# (Kyodo), （モスクワ共同）: the credit at the end of a paragraph belongs to its last sentence.
CREDIT = re.compile(rf"\s*[(（\[［〔【][^()（）{ENDERS}]{{1,30}}[)）\]］〕】]\s*")

Span = tuple[int, int]


def sentences(line: str, language: str) -> Iterator[Span]:
    """Spans [start, end) of the sentences of a line, in order and without gaps, white space included.

    `language` (en, ja, ru, or any other) tells which abbreviations are known; the marks themselves tell whose
    rules apply.
    """
    begin = 0
    for stop in _stops(line, language):
        yield begin, stop
        begin = stop
    yield begin, len(line)


def _stops(line: str, language: str) -> Iterator[int]:
    words = western.abbreviations(language)
    aside, quoted = western.brackets(line), japanese.Quotations(line)
    begin, first, last = 0, western.dateline(line), _last_word(line)
    for found in END.finditer(line, first):
        if found.end() > last or _only_credit(line, found.end()):
            return
        mark = Mark.of(found, begin)
        if line.endswith(words.names, max(begin, mark.start - LONGEST_NAME), mark.start + len(mark.run)):
            continue
        if japanese.ends(mark, quoted) if japanese.is_japanese(mark) else western.ends(mark, aside, words):
            begin = mark.end
            yield begin


def _last_word(line: str) -> int:
    """Offset of the last letter or digit: signs alone are no sentence and stay with the one before."""
    return next((at for at in range(len(line) - 1, -1, -1) if line[at].isalnum()), -1)


def _only_credit(line: str, start: int) -> bool:
    return len(line) - start < 40 and CREDIT.fullmatch(line, start) is not None
