"""From coded passages to an article's tone.

The tone is what a human coder would give the article as a whole, on the codebook's scale from -1 (vigilant) to +1
(credulous). It is predicted from the coded passages, where they stand, and the context facts that the article gives
(`docs/method.md`). Outlook and scrutiny are plain shares that anyone can recount.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from config.codebook import Codebook
from pipeline.analyse.features import tone_inputs
from pipeline.analyse.heads import Floats, Heads, sigmoid
from pipeline.analyse.reading import Reading
from pipeline.analyse.unusual import unusual
from pipeline.records import Article, CodedPassage, Score

DECIMALS = 4
NARROWEST = np.float32(0.1)  # half a tenth of the scale


class Scorer:
    """Scores coded articles. `coverage`: the share of articles whose human tone the interval is to hold."""

    def __init__(self, heads: Heads, codebook: Codebook, *, coverage: float) -> None:
        self._tone, self._spread = heads.linear["tone"], heads.linear["spread"]
        self._facts = tuple(codebook.facts)
        self._errors = quantile(heads.residuals, coverage)

    def score(self, article: Article, coded: Sequence[CodedPassage], reading: Reading) -> Score:
        """The score of one article from its passages, which must not be none, as coded and as read."""
        inputs = tone_inputs([passage.passage for passage in coded], reading)[None, :]
        tone = float(expected_tone(self._tone(inputs))[0])
        error = float(expected_error(self._spread(inputs)[:, 0])[0])
        leanings = np.array([passage.leanings for passage in coded])
        given = _given(coded)
        omitted = tuple(fact for fact in self._facts if fact not in given)
        return Score(
            tone=round(tone, DECIMALS),
            expected_error=round(error, DECIMALS),
            interval=interval(tone, error * self._errors),
            outlook=round(float(leanings[:, 0].mean()), DECIMALS),
            scrutiny=round(float(leanings[:, 1].mean()), DECIMALS),
            credulity=round(credulity(tone, coded, len(omitted) / len(self._facts)), DECIMALS),
            omitted=omitted,
            given=given,
            unusual=unusual(article),
            codes=_strongest(coded),
            coded=tuple(coded),
        )


def interval(tone: float, half_width: float) -> tuple[float, float]:
    """Tone plus and minus its half width, on the scale."""
    return round(max(-1.0, tone - half_width), DECIMALS), round(min(1.0, tone + half_width), DECIMALS)


def credulity(tone: float, coded: Sequence[CodedPassage], omitted: float) -> float:
    """Hope, on words left standing, without context: max(tone, 0) x standing x omitted, in [0, 1].

    `standing`: the share of the optimistic passages that are the outlet's own words or quoted without distance.
    `omitted`: the share of the context facts that no passage gives.
    """
    voices = [passage.voice for passage in coded if passage.family == "optimistic"]
    standing = sum(voice != "quoted_distanced" for voice in voices) / len(voices) if voices else 0.0
    return max(tone, 0.0) * standing * omitted


def expected_tone(activations: Floats) -> Floats:
    """The expected step of n articles, in [-1, 1], from log-odds (n x 4) of lying above each step but the last.

    Frank and Hall, "A Simple Approach to Ordinal Classification" (ECML 2001).
    """
    return np.asarray(sigmoid(activations).sum(axis=1) / 2 - 1, np.float32)


def expected_error(spread: Floats) -> Floats:
    """The size of the tone's error that the spread head expects of n articles, never below NARROWEST."""
    return np.maximum(spread, NARROWEST)


def quantile(residuals: Floats, coverage: float) -> float:
    """The ceil((n + 1) * coverage)-th smallest of n absolute errors, each in units of the error expected.

    The rank is that of split-conformal prediction with locally weighted residuals (Lei et al., "Distribution-Free
    Predictive Inference for Regression", JASA 113, 2018), whose guarantee does not carry over: the errors are those of
    sibling models, on few authors.
    """
    rank = int(np.ceil((len(residuals) + 1) * coverage - 1e-9))  # products such as 100 * 0.55 come out just above
    return np.inf if rank > len(residuals) else float(np.sort(residuals)[rank - 1])


def _given(coded: Sequence[CodedPassage]) -> dict[str, int]:
    """Each context fact found, with the position of the first passage that gives it."""
    given: dict[str, int] = {}
    for passage in coded:
        for fact in passage.facts:
            given.setdefault(fact, passage.passage.position)
    return given


def _strongest(coded: Sequence[CodedPassage]) -> dict[str, float]:
    """Each code that occurs, with its greatest strength, strongest first."""
    codes: dict[str, float] = {}
    for passage in coded:
        for code, strength in passage.codes.items():
            codes[code] = max(strength, codes.get(code, 0.0))
    return dict(sorted(codes.items(), key=lambda item: (-item[1], item[0])))
