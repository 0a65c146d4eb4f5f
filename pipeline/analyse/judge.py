"""The whole analysis of one article, from text to score, in the order of its stages."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources.abc import Traversable
from pathlib import Path

from config.codebook import Codebook, home, load_codebook
from config.settings import Settings
from pipeline.analyse.coding import Coder
from pipeline.analyse.embed import Embedder, SentenceEmbedder, embed
from pipeline.analyse.gate import Gate
from pipeline.analyse.heads import Heads, load_heads
from pipeline.analyse.passages import split
from pipeline.analyse.score import Scorer
from pipeline.analyse.screen import Screen
from pipeline.records import Article, EmbeddedArticle, Relevance, Run, Score

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
        self._screen = Screen(Gate.from_terms(), heads, threshold=settings.screen.threshold)
        self._coder = Coder(heads, codebook)
        self._scorer = Scorer(heads, codebook, coverage=settings.score.coverage)
        self.run = Run(
            model=embedder.name,
            model_hash=embedder.weights,
            engine=embedder.engine,
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
        passages = split(article.title, article.text, article.language, count_tokens=self._embedder.count_tokens)
        embedded = embed(article, passages, self._embedder)
        relevance = self._screen.judge(embedded, found)
        score = self._scorer.score(self._coder.code(embedded)) if relevance.relevant else None
        return Judgement(relevance=relevance, embedded=embedded, score=score)


def load_judge(settings: Settings) -> Judge:
    """The judge that the settings describe. Loads the model: some seconds. Raises ModelError with what to do."""
    codebook = load_codebook()
    models = settings.storage.directory() / "models"
    embedder = SentenceEmbedder(settings.embed, models)
    heads = load_heads(heads_file(models, embedder.weights), weights=embedder.weights, codebook=codebook.hash)
    return Judge(embedder, heads, codebook, settings)


def heads_file(models: Path, weights: str) -> Path | Traversable:
    """Heads trained here for this model, if there are any; else those that ship with treatywatch."""
    own = models / f"heads-{weights}.npz"
    return own if own.is_file() else home().joinpath(HEADS)
