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
from pipeline.analyse.heads import Floats, Heads
from pipeline.records import CodedPassage, Score

DECIMALS = 4


class Scorer:
    """Scores coded articles. `coverage`: the share of articles whose human tone the interval is to hold."""

    def __init__(self, heads: Heads, codebook: Codebook, *, coverage: float) -> None:
        self._tone = heads.linear["tone"]
        self._codes, self._facts = tuple(codebook.codes), tuple(codebook.facts)
        self._half_width = half_width(heads.residuals, coverage)

    def score(self, coded: Sequence[CodedPassage]) -> Score:
        """The score of one article. `coded` must not be empty."""
        tone = float(np.clip(self._tone(tone_inputs(coded, self._codes, self._facts)[None, :])[0, 0], -1, 1))
        leanings = np.array([passage.leanings for passage in coded])
        given = {fact for passage in coded for fact in passage.facts}
        return Score(
            tone=round(tone, DECIMALS),
            interval=(
                round(max(-1.0, tone - self._half_width), DECIMALS),
                round(min(1.0, tone + self._half_width), DECIMALS),
            ),
            outlook=round(float(leanings[:, 0].mean()), DECIMALS),
            scrutiny=round(float(leanings[:, 1].mean()), DECIMALS),
            omitted=tuple(fact for fact in self._facts if fact not in given),
            codes=_strongest(coded),
            coded=tuple(coded),
        )


def half_width(residuals: Floats, coverage: float) -> float:
    """Half width of the interval: the ceil((n + 1) * coverage)-th smallest of the cross-validated absolute errors.

    The rank is that of split-conformal prediction (Lei et al., "Distribution-Free Predictive Inference for Regression",
    JASA 113, 2018), whose guarantee does not carry over: the errors are those of sibling models, on few authors.
    """
    rank = int(np.ceil((len(residuals) + 1) * coverage - 1e-9))  # products such as 100 * 0.55 come out just above
    return 2.0 if rank > len(residuals) else float(np.sort(residuals)[rank - 1])


def _strongest(coded: Sequence[CodedPassage]) -> dict[str, float]:
    """Each code that occurs, with its greatest strength, strongest first."""
    codes: dict[str, float] = {}
    for passage in coded:
        for code, strength in passage.codes.items():
            codes[code] = max(strength, codes.get(code, 0.0))
    return dict(sorted(codes.items(), key=lambda item: (-item[1], item[0])))
