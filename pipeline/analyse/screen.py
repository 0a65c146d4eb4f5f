"""Decide whether an article is about the talks: the trained second step, after the lexical gate let it through."""

from __future__ import annotations

from pipeline.analyse.features import relevance_inputs
from pipeline.analyse.gate import Gate, GateResult
from pipeline.analyse.heads import Heads, sigmoid
from pipeline.analyse.reading import Reading
from pipeline.records import Article, Relevance

DECIMALS = 4
MISSED = 2.0  # extra articles that are as bad as one that is missed


def even_threshold() -> float:
    """The probability at which keeping an article and losing it cost the same."""
    return 1 / (1 + MISSED)


class Screen:
    """Two steps: `gate` costs next to nothing and refuses most of the news; `judge` needs vectors and decides.

    `threshold`: probability from which an article is kept; 0 takes the one at which keeping costs as much as
    losing, where a missed article counts as MISSED extra ones.
    """

    def __init__(self, gate: Gate, heads: Heads, *, threshold: float = 0.0) -> None:
        self._gate = gate
        self._heads = heads
        self.threshold = threshold or even_threshold()

    def gate(self, article: Article) -> GateResult:
        """Whether the words at least allow the subject."""
        return self._gate.matches(article.title, article.text, article.language)

    def refuse(self, found: GateResult) -> Relevance:
        """The relevance of an article that the gate refused."""
        return Relevance(relevant=False, value=0.0, reason=found.reason, terms=found.terms)

    def judge(self, reading: Reading, found: GateResult) -> Relevance:
        """The probability that a coder would call the article relevant."""
        inputs = relevance_inputs(reading.topic, len(found.subjects))
        value = round(float(sigmoid(self._heads.linear["relevance"](inputs[None, :]))[0, 0]), DECIMALS)
        kept = value >= self.threshold
        reason = "about_the_talks" if kept else "not_about_the_talks"
        return Relevance(relevant=kept, value=value, reason=reason, terms=found.terms)
