"""The whole analysis of one article, from text to score, in the order of its stages."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from config.codebook import Codebook, home, load_codebook
from config.settings import Settings
from pipeline.analyse.coding import Coder
from pipeline.analyse.embed import Embedder, SentenceEmbedder, as_stored, embed
from pipeline.analyse.gate import Gate
from pipeline.analyse.heads import Heads, load_heads
from pipeline.analyse.passages import MAX_TOKENS, split
from pipeline.analyse.reading import Reader, Reading
from pipeline.analyse.score import Scorer
from pipeline.analyse.screen import Screen
from pipeline.errors import ModelError
from pipeline.records import Article, CodedPassage, EmbeddedArticle, Relevance, Run, Score, Vectors

HEADS = "heads.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the analysis found.

    `embedded` is missing where the gate refused the article, `score` where it is not relevant.
    """

    relevance: Relevance
    embedded: EmbeddedArticle | None = None
    score: Score | None = None


class Judge:
    """Judges one article at a time; the same text always gets the same judgement."""

    def __init__(self, embedder: Embedder, heads: Heads, codebook: Codebook, settings: Settings) -> None:
        self._embedder = embedder
        self.heads = heads
        self._screen = Screen(Gate.from_terms(), heads, threshold=settings.screen.threshold)
        self._reader = Reader(heads, codebook)
        self._coder = Coder(heads.thresholds, codebook)
        self._scorer = Scorer(heads, codebook, coverage=settings.score.coverage)
        self.run = Run(
            model=embedder.name,
            model_hash=embedder.weights,
            engine=f"{embedder.engine} {_chosen(settings)}",
            codebook=f"{codebook.name} {codebook.version}",
            codebook_hash=codebook.hash,
            heads_hash=heads.hash,
            version=version("treatywatch"),
        )

    def judge(self, article: Article) -> Judgement:
        """Screen, embed, code and score. Raises ModelError when the model fails."""
        found = self._screen.gate(article)
        if not found.passed:
            return Judgement(relevance=self._screen.refuse(found))
        embedded, reading = self._read(article)
        relevance = self._screen.judge(reading, found)
        if not relevance.relevant:
            return Judgement(relevance=relevance, embedded=embedded)
        score = self._scorer.score(article, self._coder.code(embedded.passages, reading), reading)
        return Judgement(relevance=relevance, embedded=embedded, score=score)

    def code(self, article: Article) -> tuple[CodedPassage, ...]:
        """Code the passages of an article, whatever it is about. Raises ModelError when the model fails."""
        embedded, reading = self._read(article)
        return self._coder.code(embedded.passages, reading)

    def meaning(self, text: str) -> Vectors:
        """The vector (d, unit length) of a short text, to compare with those of passages."""
        return np.asarray(as_stored(self._embedder.encode([text]))[0], np.float32)

    def _read(self, article: Article) -> tuple[EmbeddedArticle, Reading]:
        passages = split(
            article.title,
            article.text,
            article.language,
            count_tokens=self._embedder.count_tokens,
            max_tokens=min(MAX_TOKENS, self._embedder.max_tokens),
        )
        embedded = embed(article, passages, self._embedder)
        return embedded, self._reader.read(embedded)


def _chosen(settings: Settings) -> str:
    """The settings that change a judgement, for the stamp."""
    prompt, threshold, coverage = settings.embed.prompt, settings.screen.threshold, settings.score.coverage
    return f"prompt={prompt!r} threshold={threshold:g} coverage={coverage:g}"


def load_judge(settings: Settings) -> Judge:
    """The judge that the settings describe. Loads the model: some seconds. Raises ModelError with what to do."""
    codebook = load_codebook()
    models = settings.storage.directory() / "models"
    embedder = SentenceEmbedder(settings.embed, models)
    heads = _heads_for(models, embedder, codebook)
    embedder.tune(heads.tuning)
    return Judge(embedder, heads, codebook, settings)


def _heads_for(models: Path, embedder: Embedder, codebook: Codebook) -> Heads:
    """Heads trained here for this model and codebook, if there are any; else those that ship with treatywatch."""
    own = models / f"heads-{embedder.weights}.npz"
    with contextlib.suppress(ModelError):
        return load_heads(own, weights=embedder.weights, codebook=codebook.hash)
    return load_heads(home().joinpath(HEADS), weights=embedder.weights, codebook=codebook.hash)
