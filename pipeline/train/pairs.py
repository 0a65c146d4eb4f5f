"""Whether the heads follow the verdict or the topic words: sentences that share their words but not their meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from config.corpus import LabelledPassage, MinimalPair
from pipeline.analyse.judge import Judge
from pipeline.records import Article
from pipeline.train.figures import Figures


def pair_figures(
    pairs: Sequence[MinimalPair], judge: Judge, watch: Callable[[int], None] = lambda _: None
) -> dict[str, Figures]:
    """For each kind of pair, each language and all: the share of pairs that are ranked right, and right on both sides.

    `ranked`: the optimistic sentence leans more to optimistic (against vigilant) than its twin; chance is one half.
    `both right`: each of the two leans to its own side; chance is one quarter, or less.
    """
    leanings = []
    for pair in pairs:
        leanings.append([_leaning(part, pair.language, judge) for part in (pair.optimistic, pair.vigilant)])
        watch(1)
    found = np.array(leanings)
    kinds, languages = ([getattr(pair, name) for pair in pairs] for name in ("kind", "language"))
    groups = [*dict.fromkeys(kinds), *sorted(set(languages))]
    masks = {name: [name in both for both in zip(kinds, languages, strict=True)] for name in groups}
    return {name: _figures(found[np.array(mask)]) for name, mask in masks.items()} | {"all": _figures(found)}


def _leaning(sentence: LabelledPassage, language: str, judge: Judge) -> float:
    """Share of optimistic less share of vigilant, of a sentence without an article around it."""
    alone = Article(url="", outlet="", title="", text=sentence.text, language=language, content_hash="")
    return float(np.mean([coded.leanings[0] - coded.leanings[1] for coded in judge.code(alone)]))


def _figures(leanings: Iterable[Sequence[float]]) -> Figures:
    optimistic, vigilant = np.array(leanings).T
    return {
        "pairs": float(len(optimistic)),
        "ranked": float(np.mean(optimistic > vigilant)),
        "both right": float(np.mean((optimistic > 0) & (vigilant < 0))),
    }
