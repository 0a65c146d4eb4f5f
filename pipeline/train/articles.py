"""Fit the heads that judge an article, on what the passage heads say of authors they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import Ridge

from config.codebook import Codebook
from pipeline.analyse.coding import Coder
from pipeline.analyse.features import relevance_inputs, tone_inputs
from pipeline.analyse.gate import Gate
from pipeline.analyse.heads import Floats, Heads, Linear, sigmoid
from pipeline.records import CodedPassage
from pipeline.train.corpus import Example
from pipeline.train.fit import (
    Calibration,
    Ints,
    Passages,
    Strengths,
    calibrate,
    fit_linear,
    fit_passages,
    out_of_fold_passages,
)

FOLDS = 6


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """What heads that never saw an example's author say of it; lists and rows run along `examples`.

    `tone` and `relevance` are NaN for single sentences, `tone` also for irrelevant articles.
    """

    examples: Sequence[Example]
    coded: list[tuple[CodedPassage, ...]]
    relevance: Floats
    tone: Floats
    cut: float


def fit(
    examples: Sequence[Example], codebook: Codebook, *, weights: str, strengths: Strengths | None = None
) -> tuple[Heads, Unseen]:
    """Fit all heads.

    Deterministic: equal examples give equal bytes. Also gives what was predicted for unseen authors.
    """
    strengths = strengths or Strengths()
    fold, partial = out_of_fold_passages(examples, strengths, _fold_count(examples))
    calibration = calibrate(examples, fold, partial)
    by_fold = [_heads(calibration.applied(heads), calibration, weights, codebook) for heads in partial]
    coded = [Coder(by_fold[k], codebook).code(e.embedded) for e, k in zip(examples, fold, strict=True)]

    relevance_x = _relevance_table(examples, fold, by_fold)
    whole = np.array([not e.single for e in examples])
    relevant = np.array([e.source.relevant for e in examples])
    relevance = np.full(len(examples), np.nan, np.float32)
    relevance[whole] = _cross_relevance(relevance_x[whole], relevant[whole], fold[whole], strengths)
    cut = _relevance_cut(relevance[whole], relevant[whole])

    toned = whole & relevant
    tone_x = np.stack([tone_inputs(c, tuple(codebook.codes), tuple(codebook.facts)) for c in coded])
    tone_y = np.array([e.source.tone if e.source.tone is not None else np.nan for e in examples], np.float32)
    tone = np.full(len(examples), np.nan, np.float32)
    tone[toned] = _cross_tone(tone_x[toned], tone_y[toned], fold[toned], strengths)

    passages: Passages = calibration.applied(fit_passages(examples, strengths))
    passages["relevance"] = fit_linear(relevance_x[whole], relevant[whole].astype(np.int64), strengths.relevance)
    passages["tone"] = fit_tone(tone_x[toned], tone_y[toned], strengths.tone)
    residuals = np.sort(np.abs(np.clip(tone[toned], -1, 1) - tone_y[toned])).astype(np.float32)
    heads = _heads(passages, calibration, weights, codebook, cut=cut, residuals=residuals)
    return heads, Unseen(examples=examples, coded=coded, relevance=relevance, tone=tone, cut=cut)


def _fold_count(examples: Sequence[Example]) -> int:
    """As many folds as the language with the fewest authors allows, at most FOLDS."""
    languages = {e.source.language for e in examples}
    return min(
        [
            FOLDS,
            *(len({e.group for e in examples if e.source.language == language}) for language in languages),
        ]
    )


def _heads(
    linear: Passages,
    calibration: Calibration,
    weights: str,
    codebook: Codebook,
    *,
    cut: float = 0.5,
    residuals: Floats | None = None,
) -> Heads:
    return Heads(
        linear=linear,
        thresholds=calibration.thresholds | {"relevance": np.array([cut], np.float32)},
        residuals=np.zeros(0, np.float32) if residuals is None else residuals,
        weights=weights,
        codebook=codebook.hash,
        hash="",
        about={"codes": list(codebook.codes), "facts": list(codebook.facts)},
    )


def _relevance_table(examples: Sequence[Example], fold: Ints, by_fold: Sequence[Heads]) -> Floats:
    gate = Gate.from_terms()
    rows = []
    for example, k in zip(examples, fold, strict=True):
        article = example.embedded.article
        topic = sigmoid(by_fold[k].linear["topic"](example.embedded.vectors))[:, 0]
        rows.append(relevance_inputs(topic, len(gate.matches(article.title, article.text, article.language).subjects)))
    return np.stack(rows)


def _cross_relevance(inputs: Floats, truth: Ints, fold: Ints, strengths: Strengths) -> Floats:
    said = np.zeros(len(truth), np.float32)
    for k in sorted(set(fold)):
        head = fit_linear(inputs[fold != k], truth[fold != k].astype(np.int64), strengths.relevance)
        said[fold == k] = sigmoid(head(inputs[fold == k]))[:, 0]
    return said


def _relevance_cut(said: Floats, truth: Ints) -> float:
    """The probability from which keeping articles gives the best F1, half-way to the next one below."""
    order = np.sort(said)
    cuts = (order[1:] + order[:-1]) / 2
    scores = [2 * np.sum((said >= c) & truth) / (np.sum(said >= c) + truth.sum()) for c in cuts]
    return float(cuts[int(np.argmax(scores))])


def fit_tone(inputs: Floats, tone: Floats, alpha: float) -> Linear:
    """Ridge regression of the coder's tone on standardised inputs."""
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0) + np.float32(1e-6)
    model = Ridge(alpha=alpha).fit((inputs - mean) / scale, tone)
    weights = np.asarray(model.coef_, np.float32)[None, :]
    return Linear(weights=weights, bias=np.array([model.intercept_], np.float32), mean=mean, scale=scale)


def _cross_tone(inputs: Floats, tone: Floats, fold: Ints, strengths: Strengths) -> Floats:
    said = np.zeros(len(tone), np.float32)
    for k in sorted(set(fold)):
        said[fold == k] = fit_tone(inputs[fold != k], tone[fold != k], strengths.tone)(inputs[fold == k])[:, 0]
    return said
