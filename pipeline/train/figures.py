"""The figures that tell how far a score can be trusted, for any group of judged articles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.analyse.heads import Floats
from pipeline.analyse.score import interval, quantile
from pipeline.records import FAMILIES, VOICES
from pipeline.train.corpus import UNKNOWN
from pipeline.train.judged import Judged, joined
from pipeline.train.measure import (
    calibration_error,
    f1,
    macro_f1,
    ordinal_alpha,
    precision,
    recall,
    spearman,
    weighted_kappa,
)

Figures = dict[str, float]
COVERAGES = (0.8, 0.95)


def figures(judged: Sequence[Judged], residuals: Floats) -> Figures:
    """All figures of a group of articles; what can't be measured there is missing.

    Sentences are those of relevant articles, titles left out. Irrelevant articles and those that the screen refused
    have no tone.
    """
    whole = [item for item in judged if not item.single]
    relevant = [item for item in whole if item.source.relevant]
    found = {"articles": float(len(whole)), "sentences": float(sum(len(item.sentences) for item in relevant))}
    if whole:
        found |= _relevance(whole)
    if relevant:
        found |= _sentences(relevant)
    toned = [item for item in relevant if item.toned]
    found |= _tone(toned, residuals) if len(toned) > 2 else {}
    return {measure: value for measure, value in found.items() if not np.isnan(value)}


def _relevance(judged: Sequence[Judged]) -> Figures:
    truth, kept = [item.source.relevant for item in judged], [item.kept for item in judged]
    return {
        "relevance precision": precision(truth, kept),
        "relevance recall": recall(truth, kept),
        "relevance F1": f1(truth, kept),
        "relevance ECE": calibration_error([item.relevance for item in judged], truth),
    }


def _sentences(judged: Sequence[Judged]) -> Figures:
    truth = joined([item.truth.rows(item.sentences) for item in judged])
    said = joined([item.said.rows(item.sentences) for item in judged])
    shares = np.concatenate([item.shares[item.sentences] for item in judged])
    shown, voiced = said.codes > 0, truth.voices != UNKNOWN
    found = {
        "family macro-F1": macro_f1(truth.families, said.families, len(FAMILIES)),
        "family ECE": calibration_error(shares, np.eye(len(FAMILIES))[truth.families]),
        "code micro-F1": f1(truth.codes, shown),
    }
    if shown.any():
        found["code ECE"] = calibration_error(said.codes[shown], truth.codes[shown])
    if voiced.any():
        found["voice macro-F1"] = macro_f1(truth.voices[voiced], said.voices[voiced], len(VOICES))
    facts = [(item.truth.facts.any(axis=0), item.said.facts.any(axis=0)) for item in judged if _has_facts(item)]
    if facts:
        found["omission F1"] = f1(*(~np.array(side) for side in zip(*facts, strict=True)))
    return found


def _has_facts(item: Judged) -> bool:
    return not item.source.codes_only


def _tone(judged: Sequence[Judged], residuals: Floats) -> Figures:
    truth = np.array([item.source.tone for item in judged], float)
    said = np.array([item.tone for item in judged], float)
    found = {
        "tone Spearman": spearman(truth, said),
        "tone ordinal alpha": ordinal_alpha(truth, said),
        "tone QWK": weighted_kappa(truth, said),
        "tone mean absolute error": float(np.abs(said - truth).mean()),
    }
    for coverage in COVERAGES:
        width = quantile(residuals, coverage)
        held = [_holds(item, width) for item in judged]
        found[f"intervals at {coverage:.0%} that hold it"] = float(np.mean(held))
    return found


def _holds(item: Judged, width: float) -> bool:
    low, high = interval(item.tone or 0.0, width * (item.expected or 0.0))
    return low <= (item.source.tone or 0.0) <= high


def parity_gap(judged: Iterable[Judged]) -> float:
    """Mean absolute gap of tone between two languages that tell the same story, over all pairs.

    Stories are known by what follows the language in the id: `p1-en-03` and `p1-ja-03` are one story.
    """
    stories: dict[str, list[float]] = {}
    for item in judged:
        if item.tone is not None:
            story = item.source.id.replace(f"-{item.source.language}-", "-")
            stories.setdefault(story, []).append(item.tone)
    gaps = [abs(a - b) for tones in stories.values() for i, a in enumerate(tones) for b in tones[i + 1 :]]
    return float(np.mean(gaps)) if gaps else float("nan")
