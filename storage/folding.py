"""How texts and searches are made alike before they are compared, and the grams that an index finds them by.

Folded text is NFKC (full width is half width, a half-width kana is a kana), without case in any script, with ё as е and
with one blank for any white space. Grams are short runs of folded characters as 32-bit numbers: two or three letters
of an alphabet, one or two characters of a script that writes no blanks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import normalize
from zlib import crc32

import numpy as np
import numpy.typing as npt

from storage.columns import storable

Grams = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.uint32]
MOST_GRAMS = 24  # of one term: more than these hardly narrow it down any further
WIDE = 0x2E80  # from here on Unicode has the scripts of East Asia, and pictographs
_FACTORS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], np.uint32)  # odd, of no pattern
# A character with the marks that belong to it, or white space
_CLUSTER = re.compile(
    r"\s+|.[\u0300-\u036f\u0483-\u0487\u3099\u309a\uff9e\uff9f\u1ab0-\u1aff\u20d0-\u20ff]*", re.DOTALL
)


def fold(text: str) -> str:
    """`text` as it is compared."""
    return " ".join(normalize("NFKC", storable(text)).casefold().replace("ё", "е").split())


def folded_with_places(text: str) -> tuple[str, list[int]]:
    """Folded text, and for each of its characters, and its end, where in `text` that which it comes from begins.

    White space at the ends stays, as one blank.
    """
    pieces, places = [], []
    for found in _CLUSTER.finditer(text):
        piece = _piece(found.group())
        pieces.append(piece)
        places.extend([found.start()] * len(piece))
    return "".join(pieces), [*places, len(text)]


@lru_cache(maxsize=20_000)
def _piece(cluster: str) -> str:
    return " " if cluster.isspace() else normalize("NFKC", storable(cluster)).casefold().replace("ё", "е")


def grams(folded: str) -> Grams:
    """All grams of a folded text, each once, in order."""
    one, two, three, wide = _runs(folded)
    return _sorted(one[wide], two, three[~wide[: len(three)]])


def sought(folded: str) -> Grams:
    """Grams that every text with this term has; none for a single letter. At most MOST_GRAMS."""
    one, two, three, wide = _runs(folded)
    found = _sorted(two[wide[: len(two)]], three[~wide[: len(three)]])
    found = found if len(found) else _sorted(two) if len(two) else _sorted(one[wide])
    chosen = np.linspace(0, len(found) - 1, min(len(found), MOST_GRAMS)).astype(np.int64)
    return np.asarray(found[chosen], np.int32)


def of_language(language: str) -> Grams:
    """One number more for a text in this language, so that those in others need not be looked into."""
    return np.array([crc32(language.encode())], np.uint32).view(np.int32)


def _runs(folded: str) -> tuple[Numbers, Numbers, Numbers, npt.NDArray[np.bool_]]:
    """For each place the gram of one, two and three characters that begins there, and whether it is a wide one's."""
    points = np.frombuffer(folded.encode("utf-32-le", "replace"), "<u4")
    one = (points + np.uint32(1)) * _FACTORS[0]
    two = _mixed(one[:-1]) + points[1:] * _FACTORS[1]
    three = _mixed(two[:-1]) + points[2:] * _FACTORS[2]
    return _mixed(one), _mixed(two), _mixed(three), points >= WIDE


def _mixed(numbers: Numbers) -> Numbers:
    return np.asarray((numbers ^ (numbers >> np.uint32(15))) * _FACTORS[1], np.uint32)


def _sorted(*runs: Numbers) -> Grams:
    return np.unique(np.concatenate(runs)).view(np.int32)
