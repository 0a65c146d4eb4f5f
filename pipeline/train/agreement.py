"""How far two coders agree who labelled the same articles blindly: the ceiling for any model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from config.codebook import Codebook
from config.corpus import LabelledArticle
from pipeline.records import FAMILIES, VOICES
from pipeline.train.corpus import family_of
from pipeline.train.figures import Figures
from pipeline.train.measure import f1, macro_f1, nominal_alpha, ordinal_alpha

_VOICES: tuple[str, ...] = VOICES
Pair = tuple[LabelledArticle, LabelledArticle]


def paired(first: Iterable[LabelledArticle], second: Iterable[LabelledArticle]) -> list[Pair]:
    """The articles that both have coded."""
    by_id = {article.id: article for article in first}
    return [(by_id[article.id], article) for article in second if article.id in by_id]


def agreement(pairs: Sequence[Pair], codebook: Codebook) -> Figures:
    """Figures of agreement on articles and on the sentences of relevant ones (titles left out)."""
    relevant = [(a, b) for a, b in pairs if a.relevant and b.relevant]
    sentences = [both for a, b in relevant for both in zip(a.sentences(), b.sentences(), strict=True)]
    families = _columns([[family_of(label, codebook) for label in both] for both in sentences])
    codes = _columns([[[code in label.codes for code in codebook.codes] for label in both] for both in sentences])
    facts = _columns([[[fact in _facts(article) for fact in codebook.facts] for article in both] for both in relevant])
    voiced = [both for both in sentences if all(label.voice and label.codes for label in both)]
    voices = _columns([[_VOICES.index(label.voice or "") for label in both] for both in voiced])
    tones = _columns([[article.tone or 0.0 for article in both] for both in relevant])
    return {
        "articles": float(len(pairs)),
        "sentences": float(len(sentences)),
        "relevance agreement": float(np.mean([a.relevant == b.relevant for a, b in pairs])),
        "family macro-F1": macro_f1(families[0], families[1], len(FAMILIES)),
        "family alpha": nominal_alpha(families[0], families[1]),
        "code micro-F1": f1(codes[0], codes[1]),
        "voice macro-F1": macro_f1(voices[0], voices[1], len(VOICES)),
        "omission F1": f1(~facts[0], ~facts[1]),
        "tone ordinal alpha": ordinal_alpha(tones[0], tones[1]),
        "tone mean absolute error": float(np.abs(tones[0] - tones[1]).mean()),
    }


def _columns(pairs: Sequence[Sequence[object]]) -> list[npt.NDArray[Any]]:
    return [np.array(side) for side in zip(*pairs, strict=True)]


def _facts(article: LabelledArticle) -> set[str]:
    return {fact for label in article.sentences() for fact in label.facts}
