"""Turn what the passage heads say of unseen authors into probabilities that can be believed, and choose where to cut.

Yes-or-no units: Platt scaling (Platt, "Probabilistic Outputs for Support Vector Machines", 1999); families and voices:
multinomial regression. Both weigh meaning and wording against each other in the same step (Wolpert, "Stacked
Generalization", 1992).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from config.codebook import Codebook
from pipeline.analyse.coding import borne, members
from pipeline.analyse.heads import Floats, Linear
from pipeline.analyse.reading import reading, units
from pipeline.train.corpus import Ints
from pipeline.train.measure import f1, macro_f1
from pipeline.train.passages import fit_logistic
from pipeline.train.targets import CLASSES, Targets, known

WEAK = 100.0  # scikit-learn's C: hardly any pull towards zero
GRID = np.geomspace(1 / 3, 3, 17)
CUTS = np.arange(0.15, 0.6, 0.025)


@dataclass(frozen=True, kw_only=True)
class Said:
    """Activations (passages x units) of heads that had not seen the passage's author: by meaning and by wording."""

    meaning: Floats
    wording: Floats

    def rows(self, chosen: Ints) -> Said:
        """Those of some passages."""
        return Said(meaning=self.meaning[chosen], wording=self.wording[chosen])


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """log-odds = meaning @ by_meaning.T + wording @ by_wording.T + shift; `thresholds` as in Heads."""

    by_meaning: Floats
    by_wording: Floats
    shift: Floats
    thresholds: dict[str, Floats]

    def applied(self, said: Said) -> Floats:
        """Calibrated activations (passages x units)."""
        activations = said.meaning @ self.by_meaning.T + said.wording @ self.by_wording.T + self.shift
        return np.asarray(activations, np.float32)

    def merged(self, meaning: Linear, wording: Floats, bias: Floats) -> tuple[Linear, Floats]:
        """Heads with the calibration worked in: meaning with all constants, and wording (buckets x units)."""
        shift = self.by_meaning @ meaning.bias + self.by_wording @ bias + self.shift
        calibrated = replace(meaning, weights=_narrow(self.by_meaning @ meaning.weights), bias=_narrow(shift))
        return calibrated, _narrow((self.by_wording @ wording).T)


def calibrate(said: Said, truth: Targets, codebook: Codebook) -> Calibration:
    """Learn from passages by authors that the heads had not seen."""
    of = units(codebook)
    size = of["topic"].stop
    by_meaning, by_wording, shift = np.zeros((size, size)), np.zeros((size, size)), np.zeros(size)
    for name, place in of.items():
        goal = truth.of(name)
        rows = known(goal)
        blocks = [place] if name in CLASSES else [slice(i, i + 1) for i in range(place.start, place.stop)]
        for number, block in enumerate(blocks):
            both = np.hstack([said.meaning[rows, block], said.wording[rows, block]])
            aim = goal[rows] if name in CLASSES else goal[rows, number]
            width = block.stop - block.start
            weights, shift[block] = fit_logistic(LogisticRegression(C=WEAK, max_iter=1000), both, aim, width)
            by_meaning[block, block], by_wording[block, block] = weights[:, :width], weights[:, width:]
    uncut = Calibration(
        by_meaning=_narrow(by_meaning), by_wording=_narrow(by_wording), shift=_narrow(shift), thresholds={}
    )
    return replace(uncut, thresholds=_thresholds(uncut.applied(said), truth, codebook))


def _narrow(values: Floats) -> Floats:
    return np.asarray(values, np.float32)


def _thresholds(activations: Floats, truth: Targets, codebook: Codebook) -> dict[str, Floats]:
    said, voiced = reading(activations, units(codebook)), known(truth.voice)
    favours = _favours(said.family, truth.family)
    families = (said.family * favours).argmax(axis=1)
    return {
        "family": favours,
        "voice": _favours(said.voice[voiced], truth.voice[voiced]),
        "codes": _narrow(np.array([_code_cut(said.codes, families, members(codebook), truth.codes)])),
        "facts": _cuts(said.facts, truth.facts),
    }


def _code_cut(strengths: Floats, families: Ints, of: Ints, truth: Ints) -> float:
    """The one strength from which bearing a code gives the best micro-F1, all codes together."""
    return float(max(CUTS, key=lambda cut: f1(truth, borne(strengths, families, of, cut))))


def _favours(shares: Floats, truth: Ints) -> Floats:
    """How much each of three classes' share counts against the others' for the best macro-F1; the last counts 1."""
    best = max(
        (macro_f1(truth, (shares * [a, b, 1]).argmax(axis=1), 3), -abs(np.log(a)) - abs(np.log(b)), a, b)
        for a in GRID
        for b in GRID
    )
    return _narrow(np.array([best[2], best[3], 1]))


def _cuts(shares: Floats, truth: Ints) -> Floats:
    """For each column the probability from which calling it gives the best F1."""
    return _narrow(np.array([_best_cut(shares[:, i], truth[:, i]) for i in range(truth.shape[1])]))


def _best_cut(shares: Floats, truth: Ints) -> float:
    order = np.argsort(-shares, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    return float(shares[order][int(f1.argmax())])
