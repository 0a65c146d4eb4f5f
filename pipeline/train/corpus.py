"""The labelled corpus as arrays: what the trainer fits and the evaluator judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from config.codebook import Codebook, LabelledArticle, LabelledPassage
from pipeline.analyse.embed import Embedder, embed
from pipeline.records import FAMILIES, VOICES, Article, EmbeddedArticle, Passage

UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class Example:
    """One labelled article, embedded; row i of every array is passage i.

    `families` (n): in FAMILIES; `codes` (n x codes), `facts` (n x facts): 0 or 1; `voices` (n): in VOICES, or
    UNKNOWN where nothing is coded. `single`: a sentence without an article around it.
    """

    source: LabelledArticle
    embedded: EmbeddedArticle
    families: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    facts: npt.NDArray[np.int64]
    voices: npt.NDArray[np.int64]
    single: bool

    @property
    def group(self) -> str:
        """Language and author: folds never split a group."""
        return f"{self.source.language}/{self.source.author}"


def examples(
    corpus: Iterable[LabelledArticle],
    codebook: Codebook,
    embedder: Embedder,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Example]:
    """Embed a corpus. Lists of single sentences become one example a sentence. `progress` hears the passages done."""
    made = []
    for article in corpus:
        parts = [article] if article.title is not None else _singles(article)
        for part in parts:
            made.append(_example(part, codebook, embedder, single=article.title is None))
        progress(sum(1 for _ in article.passages()))
    return made


def _singles(article: LabelledArticle) -> list[LabelledArticle]:
    from dataclasses import replace

    return [replace(article, paragraphs=((passage,),)) for passage in article.passages()]


def family_of(labels: LabelledPassage, codebook: Codebook) -> int:
    """The family that most of a passage's codes belong to; the first code decides a tie."""
    families = [codebook.codes[code].family for code in labels.codes]
    best = max(families, key=lambda family: (families.count(family), -families.index(family)), default="neutral")
    return [str(family) for family in FAMILIES].index(best)


def _example(article: LabelledArticle, codebook: Codebook, embedder: Embedder, *, single: bool) -> Example:
    labels = list(article.passages())
    return Example(
        source=article,
        embedded=embed(_bare(article), _passages(article), embedder),
        families=np.array([family_of(label, codebook) for label in labels]),
        codes=np.array([[code in label.codes for code in codebook.codes] for label in labels], np.int64),
        facts=np.array([[fact in label.facts for fact in codebook.facts] for label in labels], np.int64),
        voices=np.array([_voice(label) for label in labels]),
        single=single,
    )


def _voice(label: LabelledPassage) -> int:
    return [str(voice) for voice in VOICES].index(label.voice) if label.voice and label.codes else UNKNOWN


def _bare(article: LabelledArticle) -> Article:
    return Article(
        url=f"corpus:{article.id}",
        outlet=article.outlet,
        title=article.title.text if article.title else "",
        text=article.text,
        language=article.language,
        content_hash=sha256(article.text.encode()).hexdigest()[:16],
    )


def _passages(article: LabelledArticle) -> tuple[Passage, ...]:
    """The coder's own sentences, located in the text: training must not depend on our splitter."""
    passages, at, text = [], 0, article.text
    for position, label in enumerate(article.passages(), 0 if article.title else 1):
        if position == 0:
            start, part = 0, "title"
        else:
            start, part = text.index(label.text, at), "text"
            at = start + len(label.text)
        passages.append(
            Passage(position=position, part=part, start=start, end=start + len(label.text), text=label.text)  # type: ignore[arg-type]
        )
    return tuple(passages)
