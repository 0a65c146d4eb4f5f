"""The labelled corpus as arrays: what the trainer fits and the evaluator judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from config.codebook import Codebook
from config.corpus import LabelledArticle, LabelledPassage
from pipeline.analyse.gate import Gate
from pipeline.records import FAMILIES, VOICES, Article, Passage

Ints = npt.NDArray[np.int64]
UNKNOWN = -1
FOLDS = 3


@dataclass(frozen=True, kw_only=True)
class Example:
    """One labelled article; row i of every array is passage i.

    `families` (n): in FAMILIES; `codes` (n x codes), `facts` (n x facts): 0 or 1; `voices` (n): in VOICES, or
    UNKNOWN where nothing is coded; `topics` (n): 1 about the talks, 0 not, or UNKNOWN.
    `subjects`: how many terms of the subject the gate finds, None where it refuses the article.
    `single`: a sentence without an article around it.
    """

    source: LabelledArticle
    article: Article
    passages: tuple[Passage, ...]
    families: Ints
    codes: Ints
    facts: Ints
    voices: Ints
    topics: Ints
    subjects: int | None
    single: bool

    @property
    def group(self) -> str:
        """Language and author: folds never split a group."""
        return f"{self.source.language}/{self.source.author}"


def examples(corpus: Iterable[LabelledArticle], codebook: Codebook) -> list[Example]:
    """The articles of a corpus. Lists of single sentences become one example a sentence."""
    gate = Gate.from_terms()
    return [
        _example(part, codebook, gate, single=article.title is None)
        for article in corpus
        for part in ([article] if article.title is not None else _singles(article))
    ]


def _singles(article: LabelledArticle) -> Iterator[LabelledArticle]:
    for passage in article.passages():
        yield replace(article, paragraphs=((passage,),))


def folds(examples: Sequence[Example], count: int = FOLDS) -> Ints:
    """The fold (0 <= fold < count) of each example: authors are dealt out in order, language by language."""
    chosen: dict[str, int] = {}
    for language in sorted({example.source.language for example in examples}):
        groups = sorted({example.group for example in examples if example.source.language == language})
        chosen |= {group: number % count for number, group in enumerate(groups)}
    return np.array([chosen[example.group] for example in examples])


def family_of(labels: LabelledPassage, codebook: Codebook) -> int:
    """The family that most of a passage's codes belong to; the first code decides a tie."""
    families = [codebook.codes[code].family for code in labels.codes]
    best = max(families, key=lambda family: (families.count(family), -families.index(family)), default="neutral")
    return [str(family) for family in FAMILIES].index(best)


def _example(source: LabelledArticle, codebook: Codebook, gate: Gate, *, single: bool) -> Example:
    labels = list(source.passages())
    article = bare(source)
    found = gate.matches(article.title, article.text, article.language)
    return Example(
        source=source,
        article=article,
        passages=_passages(source),
        families=np.array([family_of(label, codebook) for label in labels]),
        codes=np.array([[code in label.codes for code in codebook.codes] for label in labels], np.int64),
        facts=np.array([[fact in label.facts for fact in codebook.facts] for label in labels], np.int64),
        voices=np.array([voice_of(label) for label in labels]),
        topics=np.array([_topic(label, source, gate) for label in labels]),
        subjects=len(found.subjects) if found.passed else None,
        single=single,
    )


def voice_of(label: LabelledPassage) -> int:
    """The voice's place in VOICES, or UNKNOWN where nothing is coded."""
    return [str(voice) for voice in VOICES].index(label.voice) if label.voice and label.codes else UNKNOWN


def _topic(label: LabelledPassage, source: LabelledArticle, gate: Gate) -> int:
    """About the talks if it is coded or gives a fact; not, in an irrelevant article.

    Open: the rest of a relevant article, and what mentions the talks in passing in an irrelevant one.
    """
    if label.codes or label.facts:
        return 1
    passing = source.relevant or gate.matches("", label.text, source.language).passed
    return UNKNOWN if passing else 0


def bare(source: LabelledArticle) -> Article:
    """The article without its labels."""
    return Article(
        url=f"corpus:{source.id}",
        outlet=source.outlet,
        title=source.title.text if source.title else "",
        text=source.text,
        language=source.language,
        content_hash=sha256(source.text.encode()).hexdigest()[:16],
    )


def _passages(source: LabelledArticle) -> tuple[Passage, ...]:
    """The coder's own sentences, located in the text: training must not depend on our splitter."""
    passages, at, text = [], 0, source.text
    for position, label in enumerate(source.passages(), 0 if source.title else 1):
        if position == 0:
            start, part = 0, "title"
        else:
            start, part = text.index(label.text, at), "text"
            at = start + len(label.text)
        passages.append(
            Passage(position=position, part=part, start=start, end=start + len(label.text), text=label.text)  # type: ignore[arg-type]
        )
    return tuple(passages)
