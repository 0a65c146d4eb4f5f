"""How much a decoded text looks like Russian, Japanese or western writing, and not like the wrong charset's reading of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

SAMPLE = 4000  # characters beyond ASCII that decide; more would cost time and change nothing
FREQUENT_FIRST = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
UKRAINIAN_AND_BELARUSIAN = "іїєґў"
HALF_KANA = re.compile("[\uff61-\uff9f]")
TYPOGRAPHY = frozenset("“”‘’„«»–—…•·€£°©®™§№\xa0")
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
    point = ord(char)
    if point == 0xFFFD:
        return -5.0
    if 0x400 <= point <= 0x4FF:
        return _cyrillic(char, before)
    if 0x3040 <= point <= 0x30FF or 0x3000 <= point <= 0x301F:
        return 1.0 if point < 0x30A0 else 0.7
    if 0x4E00 <= point <= 0x9FFF or 0xAC00 <= point <= 0xD7A3:
        return 0.75 if char in _everyday_kanji() else 0.0
    if char in TYPOGRAPHY or 0xFF01 <= point <= 0xFF5E:
        return 0.3
    if 0xC0 <= point <= 0x17F and point not in (0xD7, 0xF7):
        return (0.5 if before.isalpha() and before.islower() == char.islower() else 0.2) - crowd
    return -0.8 if HALF_KANA.match(char) or point > 0xFF else -1.0


def _cyrillic(char: str, before: str) -> float:
    """Rarer letters weigh less; a capital after a small letter is what KOI8-R and Windows-1251 make of each other."""
    small = char.lower()
    if small in UKRAINIAN_AND_BELARUSIAN:
        return 0.3
    rank = FREQUENT_FIRST.find(small)
    if rank < 0:
        return -0.8
    misplaced = char.isupper() and before.islower()
    return 1.1 - 0.035 * rank - 0.15 * char.isupper() - 1.0 * misplaced


@cache
def _everyday_kanji() -> frozenset[str]:
    """JIS level 1: the 2,965 kanji of everyday writing, cp932 rows 0x88 to 0x98."""
    cells = (bytes((lead, trail)) for lead in range(0x88, 0x99) for trail in range(0x40, 0xFD))
    return frozenset(cell.decode("cp932", "ignore") for cell in cells if (0x889F <= int.from_bytes(cell) <= 0x9872))
