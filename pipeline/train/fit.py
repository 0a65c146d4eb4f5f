"""Fit the heads that judge a passage, with thresholds and calibration taken from authors unseen in training.

Folds are disjoint in authors (an author is one outlet with its own style), within every language. Whatever a later
step learns from (thresholds, calibration, the article's tone, its interval) are out-of-fold predictions of the
earlier step: what a head says of its own training sentences would be too good to learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from pipeline.analyse.features import coding_inputs, voice_inputs
from pipeline.analyse.gate import Gate
from pipeline.analyse.heads import Floats, Linear, sigmoid, softmax
from pipeline.train.corpus import UNKNOWN, Example
from pipeline.train.measure import macro_f1

Ints = npt.NDArray[np.int64]
Passages = dict[str, Linear]


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """Inverse regularisation of the logistic heads (scikit-learn's C), and Ridge's alpha for the tone."""

    family: float = 0.02
    codes: float = 0.02
    voice: float = 0.1
    facts: float = 0.1
    topic: float = 0.1
    relevance: float = 1.0
    tone: float = 30.0


def folds(examples: Sequence[Example], count: int) -> Ints:
    """The fold (0 <= fold < count) of each example: authors are dealt out in order, language by language."""
    chosen: dict[str, int] = {}
    for language in sorted({example.source.language for example in examples}):
        groups = sorted({example.group for example in examples if example.source.language == language})
        chosen |= {group: number % count for number, group in enumerate(groups)}
    return np.array([chosen[example.group] for example in examples])


def fit_linear(inputs: Floats, targets: Ints, strength: float) -> Linear:
    """A logistic unit for two classes, one unit a class for more. Classes weigh alike whatever their number.

    Inputs are centred and scaled as one block, so that the embedding keeps its geometry.
    """
    mean, scale = inputs.mean(axis=0), np.full(inputs.shape[1], inputs.std() or 1, np.float32)
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000, tol=1e-5)
    model.fit((inputs - mean) / scale, targets)
    return Linear(
        weights=_narrow(model.coef_), bias=_narrow(model.intercept_), mean=_narrow(mean), scale=_narrow(scale)
    )


def _narrow(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, np.float32)


def _stack(units: Sequence[Linear]) -> Linear:
    """Units on the same inputs as one block."""
    return replace(
        units[0], weights=np.vstack([u.weights for u in units]), bias=np.concatenate([u.bias for u in units])
    )


def fit_passages(examples: Sequence[Example], strengths: Strengths) -> Passages:
    """The heads that judge a passage: family, codes, facts, voice, topic."""
    inputs = np.vstack([coding_inputs(e.embedded) for e in examples])
    voiced = np.vstack([voice_inputs(e.embedded) for e in examples])
    codes, facts = (np.vstack([getattr(e, name) for e in examples]) for name in ("codes", "facts"))
    voices = np.concatenate([e.voices for e in examples])
    known = voices != UNKNOWN
    vectors = np.vstack([e.embedded.vectors for e in examples])
    on_topic, usable = _topic_targets(examples)
    return {
        "family": fit_linear(inputs, np.concatenate([e.families for e in examples]), strengths.family),
        "codes": _stack([fit_linear(inputs, codes[:, i], strengths.codes) for i in range(codes.shape[1])]),
        "facts": _stack([fit_linear(vectors, facts[:, i], strengths.facts) for i in range(facts.shape[1])]),
        "voice": fit_linear(voiced[known], voices[known], strengths.voice),
        "topic": fit_linear(vectors[usable], on_topic[usable], strengths.topic),
    }


def _topic_targets(examples: Sequence[Example]) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """A passage is on topic if it is coded or gives a fact, off topic in an irrelevant article.

    The rest is left open, also a passage of an irrelevant article that by itself speaks of the talks, in passing.
    """
    gate = Gate.from_terms()

    def off_topic(example: Example) -> list[bool]:
        language = example.source.language
        return [
            not example.source.relevant and not gate.matches("", passage.text, language).passed
            for passage in example.embedded.passages
        ]

    positive = np.concatenate([e.codes.any(axis=1) | e.facts.any(axis=1) for e in examples])
    negative = np.concatenate([off_topic(e) for e in examples])
    return positive.astype(np.int64), positive | negative


def out_of_fold_passages(examples: Sequence[Example], strengths: Strengths, count: int) -> tuple[Ints, list[Passages]]:
    """The fold of each example, and for each fold the heads trained on the others."""
    fold = folds(examples, count)
    trained = [[e for e, f in zip(examples, fold, strict=True) if f != k] for k in range(count)]
    return fold, [fit_passages(rest, strengths) for rest in trained]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Maps activations to honest log-odds: `scale` (k x k) and `shift` (k), one line of thresholds a head."""

    scale: dict[str, Floats]
    shift: dict[str, Floats]
    thresholds: dict[str, Floats]

    def applied(self, heads: Passages) -> Passages:
        """The same heads with the calibration worked into their weights."""
        return heads | {
            name: replace(
                heads[name],
                weights=_narrow(scale @ heads[name].weights),
                bias=_narrow(scale @ heads[name].bias + self.shift[name]),
            )
            for name, scale in self.scale.items()
        }


def calibrate(examples: Sequence[Example], fold: Ints, heads: Sequence[Passages]) -> Calibration:
    """Learn from out-of-fold activations how far each head can be believed, and where to cut.

    Family: multinomial regression on its three activations; codes, facts and topic: Platt scaling (Platt 1999).
    """
    contexts = [coding_inputs(e.embedded) for e in examples]
    vectors = [e.embedded.vectors for e in examples]
    said = {
        "family": _activations(heads, "family", contexts, fold),
        "codes": _activations(heads, "codes", contexts, fold),
        "facts": _activations(heads, "facts", vectors, fold),
        "topic": _activations(heads, "topic", vectors, fold),
    }
    families = np.concatenate([e.families for e in examples])
    on_topic, usable = _topic_targets(examples)
    truth = {
        "codes": np.vstack([e.codes for e in examples]),
        "facts": np.vstack([e.facts for e in examples]),
        "topic": on_topic[:, None],
    }
    scale, shift = {}, {}
    scale["family"], shift["family"] = _multinomial(said["family"], families)
    for name, marks in truth.items():
        rows = usable if name == "topic" else np.full(marks.shape[0], True)
        width = marks.shape[1]
        slopes, shifts = zip(*(_platt(said[name][rows, i], marks[rows, i]) for i in range(width)), strict=True)
        scale[name], shift[name] = np.diag(slopes), np.array(shifts)
    calibrated = {name: said[name] @ scale[name].T + shift[name] for name in said}
    thresholds = {
        "family": _family_weights(calibrated["family"], families),
        "codes": _cuts(sigmoid(calibrated["codes"]), truth["codes"]),
        "facts": _cuts(sigmoid(calibrated["facts"]), truth["facts"]),
    }
    return Calibration(scale=scale, shift=shift, thresholds=thresholds)


def _activations(heads: Sequence[Passages], name: str, inputs: Sequence[Floats], fold: Ints) -> Floats:
    return np.vstack([heads[k][name](x) for x, k in zip(inputs, fold, strict=True)])


def _multinomial(activations: Floats, truth: Ints) -> tuple[Floats, Floats]:
    model = LogisticRegression(C=100.0, max_iter=1000).fit(activations, truth)
    return _narrow(model.coef_), _narrow(model.intercept_)


def _platt(activations: Floats, truth: Ints) -> tuple[float, float]:
    model = LogisticRegression(C=100.0, max_iter=1000).fit(activations[:, None], truth)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _cuts(shares: Floats, truth: Ints) -> Floats:
    """For each column the probability from which calling it gives the best F1."""
    return _narrow([_best_cut(shares[:, i], truth[:, i]) for i in range(truth.shape[1])])


def _best_cut(shares: Floats, truth: Ints) -> float:
    order = np.argsort(-shares, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    return float(shares[order][int(f1.argmax())])


def _family_weights(activations: Floats, truth: Ints) -> Floats:
    """How much each family's share counts against the others for the best macro-F1; neutral counts 1."""
    shares, grid = softmax(activations), np.geomspace(0.6, 2.5, 15)
    best = max((macro_f1(truth, (shares * [o, v, 1]).argmax(axis=1), 3), -abs(o - v), o, v) for o in grid for v in grid)
    return _narrow([best[2], best[3], 1])
