"""How much a decoded text looks like Russian, Japanese or western writing, and not like the wrong charset's reading
of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

SAMPLE = 4000  # characters beyond ASCII that decide; more would cost time and change nothing
FREQUENT_FIRST = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
UKRAINIAN_AND_BELARUSIAN = "іїєґў"
CYRILLIC = re.compile("[\u0400-\u04ff]")
IDEOGRAPH = re.compile("[\u4e00-\u9fff]")
ACCENTED = re.compile("[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f]")
WEIGHTS = (
    (re.compile("[\u3000-\u301f\u3040-\u309f]"), 1.0),  # hiragana and East Asian punctuation
    (re.compile("[\u30a0-\u30ff\uac00-\ud7a3]"), 0.7),  # katakana, hangul
    (re.compile("[“”‘’„«»–—…•·€£°©®™§№\u00a0\uff01-\uff5e]"), 0.3),
    (re.compile("\ufffd"), -5.0),
    (re.compile("[\u0080-\u00ff]"), -1.0),  # controls and signs; what is left, such as half-width kana, is rare too
)
RUN = re.compile(r"[^\x00-\x7f]+")


def plausibility(text: str) -> float:
    """The mean of the characters' weights, about 1 for fluent text and below 0 for mojibake; 0 for pure ASCII."""
    weights = list(islice(_weights(text), SAMPLE))
    return sum(weights) / len(weights) if weights else 0.0


def _weights(text: str) -> Iterator[float]:
    for run in RUN.finditer(text):
        chunk = run.group()[:SAMPLE]
        crowd = 0.6 * (len(chunk) > 3)  # accents come one by one in western text, never word by word
        before = text[run.start() - 1 : run.start()]
        if _inside_latin_word(before, chunk[0]) or _inside_latin_word(text[run.end() : run.end() + 1], chunk[-1]):
            yield -1.0
        for char in chunk:
            yield _weight(char, before, crowd)
            before = char


def _inside_latin_word(neighbour: str, char: str) -> bool:
    """Whether a letter of another script touches a small Latin letter, as a misread accent or apostrophe would."""
    return "a" <= neighbour <= "z" and char.isalpha() and char > "\u03ff"


def _weight(char: str, before: str, crowd: float) -> float:
    if CYRILLIC.match(char):
        return _cyrillic(char, before)
    if IDEOGRAPH.match(char):
        return 0.75 if char in _everyday_kanji() else 0.0
    if ACCENTED.match(char):
        return (0.5 if before.isalpha() and before.islower() == char.islower() else 0.2) - crowd
    return next((weight for pattern, weight in WEIGHTS if pattern.match(char)), -0.8)


def _cyrillic(char: str, before: str) -> float:
    """Rarer letters weigh less; a capital after a small letter is what KOI8-R and Windows-1251 make of each other."""
    small = char.lower()
    if small in UKRAINIAN_AND_BELARUSIAN:
        return 0.3
    rank = FREQUENT_FIRST.find(small)
    if rank < 0:
        return -0.8
    misplaced = char.isupper() and before.islower()
    return 1.2 - 0.05 * rank - 0.1 * char.isupper() - 1.0 * misplaced


@cache
def _everyday_kanji() -> frozenset[str]:
    """JIS level 1: the 2,965 kanji of everyday writing, cp932 rows 0x88 to 0x98."""
    cells = (bytes((lead, trail)) for lead in range(0x88, 0x99) for trail in range(0x40, 0xFD))
    return frozenset(cell.decode("cp932", "ignore") for cell in cells if (0x889F <= int.from_bytes(cell) <= 0x9872))
