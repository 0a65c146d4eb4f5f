"""Fit the heads that judge an article, on what the passage heads say of authors they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from pipeline.analyse.features import relevance_inputs, tone_inputs
from pipeline.analyse.heads import Floats, Linear
from pipeline.analyse.reading import Reading
from pipeline.analyse.score import expected_error
from pipeline.train.corpus import Example, Ints

ALPHA, SPREAD_ALPHA = 30.0, 300.0
RELEVANCE = 1.0  # scikit-learn's C


@dataclass(frozen=True, kw_only=True)
class ToneHeads:
    """`tone`: what a coder would say; `spread`: how far off it is expected to be (both of one unit)."""

    tone: Linear
    spread: Linear

    def __call__(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Tone, clipped to the scale, and expected error of articles (n x d)."""
        return np.clip(self.tone(inputs)[:, 0], -1, 1), expected_error(self.spread(inputs)[:, 0])


def tone_table(examples: Sequence[Example], readings: Sequence[Reading]) -> Floats:
    """The tone inputs of articles, one a row."""
    return np.stack([tone_inputs(e.passages, r) for e, r in zip(examples, readings, strict=True)])


def fit_tone(inputs: Floats, tone: Floats, fold: Ints) -> ToneHeads:
    """Ridge regressions of the coder's tone, and of the absolute error on articles of other folds."""
    said = np.zeros(len(tone), np.float32)
    for k in sorted(set(fold.tolist())):
        said[fold == k] = fit_ridge(inputs[fold != k], tone[fold != k], ALPHA)(inputs[fold == k])[:, 0]
    errors = np.abs(np.clip(said, -1, 1) - tone)
    return ToneHeads(tone=fit_ridge(inputs, tone, ALPHA), spread=fit_ridge(inputs, errors, SPREAD_ALPHA))


def fit_ridge(inputs: Floats, goal: Floats, alpha: float) -> Linear:
    """Ridge regression on standardised inputs (n x d)."""
    mean, scale = _standard(inputs)
    model = Ridge(alpha=alpha).fit((inputs - mean) / scale, goal)
    return _unit(model, mean, scale)


def relevance_table(examples: Sequence[Example], readings: Sequence[Reading]) -> Floats:
    """The relevance inputs of articles that the gate let pass, one a row."""
    return np.stack([relevance_inputs(r.topic, e.subjects or 0) for e, r in zip(examples, readings, strict=True)])


def fit_relevance(inputs: Floats, relevant: Ints) -> Linear:
    """Logistic regression, classes as frequent as they are: its activation is the log-odds of being relevant."""
    mean, scale = _standard(inputs)
    model = LogisticRegression(C=RELEVANCE, max_iter=1000).fit((inputs - mean) / scale, relevant)
    return _unit(model, mean, scale)


def _standard(inputs: Floats) -> tuple[Floats, Floats]:
    return inputs.mean(axis=0), inputs.std(axis=0) + np.float32(1e-6)


def _unit(model: Ridge | LogisticRegression, mean: Floats, scale: Floats) -> Linear:
    weights = np.asarray(model.coef_, np.float32).reshape(1, -1)
    return Linear(weights=weights, bias=np.asarray(model.intercept_, np.float32).reshape(1), mean=mean, scale=scale)
