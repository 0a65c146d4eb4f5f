"""Articles with what a coder found in them and what treatywatch says of them, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from config.codebook import Codebook
from config.corpus import LabelledArticle, LabelledPassage
from pipeline.analyse.heads import Floats
from pipeline.analyse.judge import Judge
from pipeline.records import FAMILIES, VOICES, Article, CodedPassage, Score
from pipeline.train.corpus import UNKNOWN, Ints, bare, family_of, voice_of
from pipeline.train.fit import Unseen


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What somebody found in n passages: `families`, `voices` (n) as places in FAMILIES and VOICES, or UNKNOWN; `codes`
    (n x k): strengths, 1 from a coder, 0 for none; `facts` (n x m): 0, 1 or UNKNOWN.
    """

    families: Ints
    codes: Floats
    voices: Ints
    facts: Ints

    def rows(self, chosen: Sequence[int]) -> Marks:
        """Those of some passages."""
        return Marks(**{name: getattr(self, name)[chosen] for name in Marks.__dataclass_fields__})


def joined(marks: Sequence[Marks]) -> Marks:
    """Those of several articles on end."""
    return Marks(**{name: np.concatenate([getattr(m, name) for m in marks]) for name in Marks.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One article. Row i of every array is passage i of the coder's; `shares` (n x 3): of the families, as we see them.

    `tone` and `expected`, the error expected of it, are None where coder or screen call the article irrelevant.
    """

    source: LabelledArticle
    single: bool
    truth: Marks
    said: Marks
    shares: Floats
    relevance: float
    kept: bool
    tone: float | None
    expected: float | None

    @property
    def toned(self) -> bool:
        """Whether there are two tones to compare."""
        return self.source.tone is not None and self.tone is not None

    @property
    def sentences(self) -> range:
        """The rows of the sentences: all but the title's."""
        return range(1 if self.source.title is not None else 0, len(self.shares))


def unseen_judged(unseen: Unseen, codebook: Codebook, threshold: float) -> list[Judged]:
    """What was said of the corpus by heads that had not seen the author."""
    return [
        Judged(
            source=example.source,
            single=example.single,
            truth=Marks(
                families=example.families,
                codes=example.codes.astype(np.float32),
                voices=example.voices,
                facts=example.facts,
            ),
            said=_said(unseen.coded[i], codebook),
            shares=_shares(unseen.coded[i]),
            relevance=float(unseen.relevance[i]),
            kept=bool(unseen.relevance[i] >= threshold),
            tone=_number(unseen.tone[i]),
            expected=_number(unseen.expected[i]),
        )
        for i, example in enumerate(unseen.examples)
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def judged(
    articles: Iterable[LabelledArticle], codebook: Codebook, judge: Judge, watch: Callable[[int], None] = lambda _: None
) -> Iterator[Judged]:
    """Score labelled articles as a run would.

    Each labelled sentence is set against the passage that covers most of it.
    """
    for source in articles:
        judgement = judge.judge(bare(source))
        labels = list(source.passages())
        score = judgement.score
        watch(1)
        coded = _aligned(source, labels, score)
        yield Judged(
            source=source,
            single=False,
            truth=_truth(source, labels, codebook),
            said=_said(coded, codebook),
            shares=_shares(coded),
            relevance=judgement.relevance.value,
            kept=judgement.relevance.relevant,
            tone=score.tone if score and source.relevant else None,
            expected=score.expected_error if score and source.relevant else None,
        )


def _truth(source: LabelledArticle, labels: Sequence[LabelledPassage], codebook: Codebook) -> Marks:
    return Marks(
        families=np.array([family_of(label, codebook) for label in labels]),
        codes=np.array([[code in label.codes for code in codebook.codes] for label in labels], np.float32),
        voices=np.array([voice_of(label) for label in labels]),
        facts=_facts(source, labels, codebook),
    )


def _facts(source: LabelledArticle, labels: Sequence[LabelledPassage], codebook: Codebook) -> Ints:
    if not source.codes_only:
        return np.array([[fact in label.facts for fact in codebook.facts] for label in labels], np.int64)
    return np.full((len(labels), len(codebook.facts)), UNKNOWN)


def _aligned(
    source: LabelledArticle, labels: Sequence[LabelledPassage], score: Score | None
) -> list[CodedPassage | None]:
    """For each labelled sentence the passage that shares most characters with it; None where nothing was coded."""
    if score is None:
        return [None] * len(labels)
    article: Article = bare(source)
    parts = {part: [c for c in score.coded if c.passage.part == part] for part in ("title", "text")}
    aligned, at = [], 0
    for number, label in enumerate(labels):
        part = "title" if number == 0 and source.title is not None else "text"
        start = 0 if part == "title" else article.text.index(label.text, at)
        end = start + len(label.text)
        at = end if part == "text" else at
        aligned.append(max(parts[part], key=lambda c: _shared(c, start, end), default=None))
    return aligned


def _shared(coded: CodedPassage, start: int, end: int) -> int:
    return min(coded.passage.end, end) - max(coded.passage.start, start)


def _said(coded: Sequence[CodedPassage | None], codebook: Codebook) -> Marks:
    neutral = FAMILIES.index("neutral")
    return Marks(
        families=np.array([FAMILIES.index(c.family) if c else neutral for c in coded]),
        codes=np.array([[c.codes.get(code, 0.0) if c else 0.0 for code in codebook.codes] for c in coded], np.float32),
        voices=np.array([VOICES.index(c.voice) if c else 0 for c in coded]),
        facts=np.array([[c is not None and fact in c.facts for fact in codebook.facts] for c in coded], np.int64),
    )


def _shares(coded: Sequence[CodedPassage | None]) -> Floats:
    return np.array([c.leanings if c else (0.0, 0.0, 1.0) for c in coded], np.float32)
