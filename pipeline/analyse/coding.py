"""Code the passages of an article against the codebook."""

from __future__ import annotations

from collections.abc import Mapping

from config.codebook import Codebook
from pipeline.analyse.features import coding_inputs, voice_inputs
from pipeline.analyse.heads import Floats, Heads, sigmoid, softmax
from pipeline.records import FAMILIES, VOICES, CodedPassage, EmbeddedArticle, Family

LEAST = 0.0001  # a code that is borne has some strength


class Coder:
    """Codes passages: first the family, then the codes within it.

    A passage is neutral unless a family outweighs neutrality; it then bears that family's codes above their
    thresholds, at least the one nearest its own, so that no passage leans without saying why.
    """

    def __init__(self, heads: Heads, codebook: Codebook) -> None:
        self._heads = heads
        self._codes = tuple(codebook.codes)
        self._facts = tuple(codebook.facts)
        self._members = {
            family: [i for i, code in enumerate(self._codes) if codebook.codes[code].family == family]
            for family in codebook.families
        }

    def code(self, article: EmbeddedArticle) -> tuple[CodedPassage, ...]:
        """One record a passage, in order."""
        if not article.passages:
            return ()
        linear, thresholds = self._heads.linear, self._heads.thresholds
        inputs = coding_inputs(article)
        leanings = softmax(linear["family"](inputs))
        families = (leanings * thresholds["family"]).argmax(axis=1)
        codes = sigmoid(linear["codes"](inputs))
        facts = sigmoid(linear["facts"](article.vectors)) >= thresholds["facts"]
        voices = linear["voice"](voice_inputs(article)).argmax(axis=1)
        return tuple(
            CodedPassage(
                passage=passage,
                family=FAMILIES[families[i]],
                codes=self._pick(FAMILIES[families[i]], codes[i]),
                voice=VOICES[voices[i]],
                leanings=(float(leanings[i, 0]), float(leanings[i, 1]), float(leanings[i, 2])),
                facts=tuple(fact for fact, given in zip(self._facts, facts[i], strict=True) if given),
            )
            for i, passage in enumerate(article.passages)
        )

    def _pick(self, family: Family, strengths: Floats) -> Mapping[str, float]:
        if family == "neutral":
            return {}
        members = self._members[family]
        least = self._heads.thresholds["codes"]
        chosen = [i for i in members if strengths[i] >= least[i]] or [
            max(members, key=lambda i: strengths[i] / least[i])
        ]
        chosen.sort(key=lambda i: -strengths[i])
        return {self._codes[i]: max(round(float(strengths[i]), 4), LEAST) for i in chosen}
