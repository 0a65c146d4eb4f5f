"""Code the passages of an article against the codebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from config.codebook import Codebook
from pipeline.analyse.heads import Floats
from pipeline.analyse.reading import Reading
from pipeline.records import FAMILIES, VOICES, CodedPassage, Passage

Ints = npt.NDArray[np.int64]
LEAST = 0.0001  # a code that is borne has some strength


class Coder:
    """Codes passages: first the family, then the codes.

    A passage is neutral unless a family outweighs neutrality. One that leans bears the codes above the threshold, at
    least the strongest of its family, so that no passage leans without saying why.
    """

    def __init__(self, thresholds: Mapping[str, Floats], codebook: Codebook) -> None:
        self._thresholds = thresholds
        self._codes = tuple(codebook.codes)
        self._facts = tuple(codebook.facts)
        self._members = members(codebook)

    def code(self, passages: Sequence[Passage], reading: Reading) -> tuple[CodedPassage, ...]:
        """One record a passage, in order."""
        families = (reading.family * self._thresholds["family"]).argmax(axis=1)
        voices = (reading.voice * self._thresholds["voice"]).argmax(axis=1)
        chosen = borne(reading.codes, families, self._members, float(self._thresholds["codes"][0]))
        given = reading.facts >= self._thresholds["facts"]
        return tuple(
            CodedPassage(
                passage=passage,
                family=FAMILIES[families[i]],
                codes=self._strengths(reading.codes[i], chosen[i]),
                voice=VOICES[voices[i]],
                leanings=tuple(reading.family[i].tolist()),
                facts=tuple(fact for fact, found in zip(self._facts, given[i], strict=True) if found),
            )
            for i, passage in enumerate(passages)
        )

    def _strengths(self, strengths: Floats, chosen: npt.NDArray[np.bool_]) -> Mapping[str, float]:
        order = sorted(np.flatnonzero(chosen).tolist(), key=lambda i: -strengths[i])
        return {self._codes[i]: max(round(float(strengths[i]), 4), LEAST) for i in order}


def members(codebook: Codebook) -> Ints:
    """The place in FAMILIES of each code's family."""
    names = [str(family) for family in FAMILIES]
    return np.array([names.index(code.family) for code in codebook.codes.values()])


def borne(strengths: Floats, families: Ints, members: Ints, threshold: float) -> npt.NDArray[np.bool_]:
    """Which codes (n x k) passages bear, given the strength of each and the families (n) that the passages lean to."""
    leaning = families != FAMILIES.index("neutral")
    chosen = np.asarray((strengths >= threshold) & leaning[:, None])
    own = members[None, :] == families[:, None]
    silent = np.flatnonzero(leaning & ~(chosen & own).any(axis=1))
    chosen[silent, np.where(own, strengths, -1)[silent].argmax(axis=1)] = True
    return chosen
