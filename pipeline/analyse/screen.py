"""Decide whether an article is about the talks: the trained second step, after the lexical gate let it through."""

from __future__ import annotations

from pipeline.analyse.features import relevance_inputs
from pipeline.analyse.gate import Gate, GateResult
from pipeline.analyse.heads import Heads, sigmoid
from pipeline.records import Article, EmbeddedArticle, Relevance

DECIMALS = 4


class Screen:
    """Two steps: `gate` costs next to nothing and refuses most of the news; `judge` needs vectors and decides.

    `threshold`: probability from which an article is kept; 0 takes the one that training found.
    """

    def __init__(self, gate: Gate, heads: Heads, *, threshold: float = 0.0) -> None:
        self._gate = gate
        self._heads = heads
        self.threshold = threshold or float(heads.thresholds["relevance"][0])

    def gate(self, article: Article) -> GateResult:
        """Whether the words at least allow the subject."""
        return self._gate.matches(article.title, article.text, article.language)

    def refuse(self, found: GateResult) -> Relevance:
        """The relevance of an article that the gate refused."""
        return Relevance(relevant=False, value=0.0, reason=found.reason, terms=found.terms)

    def judge(self, article: EmbeddedArticle, found: GateResult) -> Relevance:
        """The probability that a coder would call the article relevant."""
        topic = sigmoid(self._heads.linear["topic"](article.vectors))[:, 0]
        inputs = relevance_inputs(topic, len(found.subjects))
        value = round(float(sigmoid(self._heads.linear["relevance"](inputs[None, :]))[0, 0]), DECIMALS)
        kept = value >= self.threshold
        reason = "about_the_talks" if kept else "not_about_the_talks"
        return Relevance(relevant=kept, value=value, reason=reason, terms=found.terms)
