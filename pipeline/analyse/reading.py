"""What the trained heads make of each passage of an article: calibrated shares, before anything is decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.codebook import Codebook
from pipeline.analyse.heads import Floats, Heads, sigmoid, softmax
from pipeline.analyse.wording import wording
from pipeline.records import FAMILIES, VOICES, EmbeddedArticle, Vectors

WHOLE, AROUND = np.float32(0.5), np.float32(0.3)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Probabilities, a row a passage: `family` (n x 3) and `voice` (n x 3) sum to 1, `codes`, `facts` and `topic`
    (n) are each by themselves.
    """

    family: Floats
    codes: Floats
    voice: Floats
    facts: Floats
    topic: Floats


class Reader:
    """Reads articles with trained heads."""

    def __init__(self, heads: Heads, codebook: Codebook) -> None:
        self._meaning, self._wording = heads.linear["meaning"], heads.wording
        self._units = units(codebook)

    def read(self, article: EmbeddedArticle) -> Reading:
        """The reading of an article of n passages; n may be 0."""
        texts = [passage.text for passage in article.passages]
        return reading(self._meaning(in_context(article.vectors)) + wording(texts) @ self._wording, self._units)


def units(codebook: Codebook) -> dict[str, slice]:
    """Which units of the passage heads judge what, in order."""
    sizes = {"family": len(FAMILIES), "codes": len(codebook.codes), "voice": len(VOICES)}
    sizes |= {"facts": len(codebook.facts), "topic": 1}
    ends = np.cumsum(list(sizes.values())).tolist()
    return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}


def reading(activations: Floats, of: dict[str, slice]) -> Reading:
    """Shares from calibrated activations (n x units)."""
    return Reading(
        family=softmax(activations[:, of["family"]]),
        codes=sigmoid(activations[:, of["codes"]]),
        voice=softmax(activations[:, of["voice"]]),
        facts=sigmoid(activations[:, of["facts"]]),
        topic=sigmoid(activations[:, of["topic"]])[:, 0],
    )


def in_context(vectors: Vectors) -> Floats:
    """Each passage in its context (n x 3d): its own vector, the article's mean, the mean of the two neighbours.

    The context weighs less than the passage (WHOLE, AROUND), so that it tips the scales without deciding alone.
    """
    around = np.zeros_like(vectors)
    around[1:] += vectors[:-1] / 2
    around[:-1] += vectors[1:] / 2
    whole = np.broadcast_to(vectors.mean(axis=0) if len(vectors) else vectors.sum(axis=0), vectors.shape)
    return np.hstack([vectors, WHOLE * whole, AROUND * around])


def readings(activations: Floats, lengths: Sequence[int], of: dict[str, slice]) -> list[Reading]:
    """One reading an article, from the activations of all their passages on end."""
    return [reading(rows, of) for rows in np.split(activations, np.cumsum(lengths)[:-1])]
