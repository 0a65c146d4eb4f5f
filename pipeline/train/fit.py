"""Fit everything: tune the encoder, fit the passage heads, calibrate them, and fit the article heads.

Folds are disjoint in authors (an author is one outlet with its own style), within every language. Whatever a later
step learns from is what the earlier step says of authors it has not seen: what a head says of its own training
sentences would be too good to learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from config.codebook import Codebook
from pipeline.analyse.coding import Coder
from pipeline.analyse.embed import SentenceEmbedder
from pipeline.analyse.heads import Floats, Heads, Linear, sigmoid
from pipeline.analyse.reading import Reading, readings, units
from pipeline.analyse.wording import wording
from pipeline.records import CodedPassage
from pipeline.train.articles import ToneHeads, fit_relevance, fit_tone, relevance_table, tone_table
from pipeline.train.calibrate import Said, calibrate
from pipeline.train.corpus import Example, Ints, folds
from pipeline.train.passages import WORDING, fit_units
from pipeline.train.targets import targets
from pipeline.train.tune import EPOCHS, Lower, Tuned, Tuner

KEPT = 1 / 2  # of the encoder's layers stay as they are
Watch = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """What was said of each example by heads that had not seen its author; lists and rows run along `examples`.

    `relevance` (n): probabilities, 0 where the gate refuses, NaN for single sentences. `tone`, `expected` (n): tone and
    the error expected of it, NaN where there is none. `ratios` (n): absolute error over expected error.
    """

    examples: Sequence[Example]
    fold: Ints
    readings: list[Reading]
    coded: list[tuple[CodedPassage, ...]]
    relevance: Floats
    tone: Floats
    expected: Floats
    ratios: Floats


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The passage heads before calibration: the tuned encoder with its units, and the units on the wording."""

    tuned: Tuned
    wording: Floats
    bias: Floats


class Trainer:
    """Trains the passage heads of the examples' passages, on all of them or without some."""

    def __init__(
        self, examples: Sequence[Example], codebook: Codebook, embedder: SentenceEmbedder, watch: Watch
    ) -> None:
        self._examples, self._codebook, self._watch = examples, codebook, watch
        texts = [passage.text for example in examples for passage in example.passages]
        self._wording = wording(texts)
        self._owner = np.repeat(np.arange(len(examples)), [len(e.passages) for e in examples])
        self._truth = targets(examples)
        encoder = embedder.encoder()
        below = round(KEPT * len(encoder.encoder.layer))
        lower = Lower(encoder, embedder.tokens(texts), below, lambda done: watch("reading", done, len(texts)))
        self._tuner = Tuner(encoder, lower, examples, codebook, below)

    def train(self, stage: str, learnt: Ints, judged: Ints) -> tuple[Trained, Said]:
        """Train on the examples with the numbers `learnt`; what it says of the passages of `judged` comes with it."""
        total = EPOCHS * len(learnt)
        tuned, meaning = self._tuner.tune(
            learnt.tolist(), judged.tolist(), lambda done: self._watch(stage, done, total)
        )
        own, others = np.isin(self._owner, learnt), np.isin(self._owner, judged)
        weights, bias = fit_units(self._wording[own], self._truth.rows(own), self._codebook, WORDING)
        said = Said(meaning=meaning, wording=np.asarray(self._wording[others] @ weights.T + bias, np.float32))
        return Trained(tuned=tuned, wording=weights, bias=bias), said


def unseen_said(trainer: Trainer, examples: Sequence[Example], codebook: Codebook, fold: Ints) -> Said:
    """What is said of every passage by heads trained without its author."""
    of = np.repeat(fold, [len(e.passages) for e in examples])
    shape = (len(of), units(codebook)["topic"].stop)
    meaning, words = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for k in range(fold.max() + 1):
        name = f"without authors {k + 1} of {fold.max() + 1}"
        _, said = trainer.train(name, np.flatnonzero(fold != k), np.flatnonzero(fold == k))
        meaning[of == k], words[of == k] = said.meaning, said.wording
    return Said(meaning=meaning, wording=words)


def judge_unseen(examples: Sequence[Example], codebook: Codebook, said: Said, fold: Ints) -> Unseen:
    """Judge each fold with calibration, thresholds and article heads that were fitted on the others."""
    lengths = [len(e.passages) for e in examples]
    of = np.repeat(fold, lengths)
    truth = targets(examples)
    count = len(examples)
    read: list[Reading | None] = [None] * count
    coded: list[tuple[CodedPassage, ...]] = [()] * count
    relevance, tone, expected = (np.full(count, np.nan, np.float32) for _ in range(3))
    for k in range(fold.max() + 1):
        calibration = calibrate(said.rows(np.flatnonzero(of != k)), truth.rows(of != k), codebook)
        everything = readings(calibration.applied(said), lengths, units(codebook))
        coder = Coder(calibration.thresholds, codebook)
        own, rest = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        for i in own.tolist():
            read[i], coded[i] = everything[i], coder.code(examples[i].passages, everything[i])
        articles = Articles(examples, everything)
        heads = articles.fit(rest, fold)
        relevance[own], tone[own], expected[own] = articles.judge(heads, own)
    truth_tone = np.array([np.nan if e.source.tone is None else e.source.tone for e in examples], np.float32)
    return Unseen(
        examples=examples,
        fold=fold,
        readings=[r for r in read if r is not None],
        coded=coded,
        relevance=relevance,
        tone=tone,
        expected=expected,
        ratios=np.abs(tone - truth_tone) / expected,
    )


@dataclass(frozen=True, kw_only=True)
class ArticleHeads:
    """What judges articles."""

    relevance: Linear
    tone: ToneHeads


class Articles:
    """Fits and applies article heads on the readings of the examples."""

    def __init__(self, examples: Sequence[Example], read: Sequence[Reading]) -> None:
        self._relevance = relevance_table(examples, read)
        self._tone = tone_table(examples, read)
        self._screened = np.array([not e.single and e.subjects is not None for e in examples])
        self._whole = np.array([not e.single for e in examples])
        self._relevant = np.array([e.source.relevant for e in examples])
        self._truth = np.array([np.nan if e.source.tone is None else e.source.tone for e in examples], np.float32)

    def fit(self, chosen: Ints, fold: Ints) -> ArticleHeads:
        """Heads learnt from the chosen examples (by number)."""
        screened = chosen[self._screened[chosen]]
        toned = chosen[self._screened[chosen] & self._relevant[chosen]]
        return ArticleHeads(
            relevance=fit_relevance(self._relevance[screened], self._relevant[screened].astype(np.int64)),
            tone=fit_tone(self._tone[toned], self._truth[toned], fold[toned]),
        )

    def judge(self, heads: ArticleHeads, chosen: Ints) -> tuple[Floats, Floats, Floats]:
        """Relevance, tone and expected error of the chosen examples, as in Unseen."""
        relevance = np.where(self._screened, sigmoid(heads.relevance(self._relevance))[:, 0], 0)
        relevance = np.where(self._whole, relevance, np.nan)
        tone, expected = heads.tone(self._tone)
        toned = self._whole & self._relevant
        tone, expected = (np.where(toned, values, np.nan) for values in (tone, expected))
        return relevance[chosen], tone[chosen], expected[chosen]


def fit(
    examples: Sequence[Example], codebook: Codebook, embedder: SentenceEmbedder, watch: Watch
) -> tuple[Heads, Unseen]:
    """Train everything.

    Deterministic: equal examples give equal bytes on the same processor and number of threads. Also gives what was
    said of authors unseen in training.
    """
    fold = folds(examples)
    trainer = Trainer(examples, codebook, embedder, watch)
    said = unseen_said(trainer, examples, codebook, fold)
    trained, _ = trainer.train("with all authors", np.arange(len(examples)), np.arange(0))
    return assemble(examples, codebook, trained, said, fold, embedder.weights)


def assemble(
    examples: Sequence[Example], codebook: Codebook, trained: Trained, said: Said, fold: Ints, weights: str
) -> tuple[Heads, Unseen]:
    """Calibrate the passage heads, fit the article heads, and put everything together."""
    unseen = judge_unseen(examples, codebook, said, fold)
    calibration = calibrate(said, targets(examples), codebook)
    read = readings(calibration.applied(said), [len(e.passages) for e in examples], units(codebook))
    articles = Articles(examples, read).fit(np.arange(len(examples)), fold)
    meaning, words = calibration.merged(trained.tuned.meaning, trained.wording, trained.bias)
    ratios = unseen.ratios[np.isfinite(unseen.ratios)]
    heads = Heads(
        tuning=trained.tuned.tuning,
        linear={
            "meaning": meaning,
            "relevance": articles.relevance,
            "tone": articles.tone.tone,
            "spread": articles.tone.spread,
        },
        wording=words,
        thresholds=calibration.thresholds,
        residuals=np.sort(ratios).astype(np.float32),
        weights=weights,
        codebook=codebook.hash,
        hash="",
        about={"codes": list(codebook.codes), "facts": list(codebook.facts)},
    )
    return heads, unseen
