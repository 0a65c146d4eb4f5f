"""Fit the heads that judge an article, on what the passage heads say of authors they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from pipeline.analyse.features import relevance_inputs, tone_inputs
from pipeline.analyse.heads import Floats, Linear
from pipeline.analyse.reading import Reading
from pipeline.analyse.score import expected_error, expected_tone
from pipeline.train.corpus import Example, Ints
from pipeline.train.passages import fit_logistic

STEPS = (-1.0, -0.5, 0.0, 0.5)  # of the coder's scale; above the last there is one more
SPREAD_ALPHA = 300.0
ORDINAL, RELEVANCE = 0.03, 1.0  # scikit-learn's C


@dataclass(frozen=True, kw_only=True)
class ToneHeads:
    """`tone`: the log-odds that a coder lies above each step but the last; `spread`: the error expected (one unit)."""

    tone: Linear
    spread: Linear

    def __call__(self, inputs: Floats) -> tuple[Floats, Floats]:
        """Tone and expected error of articles (n x d)."""
        return expected_tone(self.tone(inputs)), expected_error(self.spread(inputs)[:, 0])


def tone_table(examples: Sequence[Example], readings: Sequence[Reading]) -> Floats:
    """The tone inputs of articles, one a row."""
    return np.stack([tone_inputs(e.passages, r) for e, r in zip(examples, readings, strict=True)])


def fit_tone(inputs: Floats, tone: Floats, fold: Ints) -> ToneHeads:
    """Ordinal regression of the coder's tone, and ridge regression of the absolute error on articles of other folds."""
    said = np.zeros(len(tone), np.float32)
    for k in sorted(set(fold.tolist())):
        said[fold == k] = expected_tone(fit_ordinal(inputs[fold != k], tone[fold != k])(inputs[fold == k]))
    errors = np.abs(said - tone)
    return ToneHeads(tone=fit_ordinal(inputs, tone), spread=fit_ridge(inputs, errors, SPREAD_ALPHA))


def fit_ordinal(inputs: Floats, tone: Floats) -> Linear:
    """For each step of the scale but the last a logistic regression that tells the tones above it from the others."""
    mean, scale = _standard(inputs)
    scaled = (inputs - mean) / scale
    model = LogisticRegression(C=ORDINAL, max_iter=2000)
    fitted = [fit_logistic(model, scaled, (tone > step).astype(np.int64), 1) for step in STEPS]
    return Linear(
        weights=np.vstack([weights for weights, _ in fitted]).astype(np.float32),
        bias=np.concatenate([bias for _, bias in fitted]).astype(np.float32),
        mean=mean,
        scale=scale,
    )


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
