"""What the heads look at: numbers drawn from an article's vectors and from its passages as coded."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from pipeline.analyse.heads import Floats
from pipeline.records import FAMILIES, VOICES, CodedPassage, EmbeddedArticle

OPTIMISTIC, VIGILANT = 0, 1
LEAD = 3  # the sentences that a hurried reader sees
STRONGEST = 3
CLOSE = 2  # the sentences that a reader is left with
WHOLE, AROUND = np.float32(0.5), np.float32(0.3)
QUOTED = re.compile('["“«„「『].*?["”»“」』]', re.DOTALL)
QUOTE_MARKS = re.compile('["“”«»„「」『』]')


def coding_inputs(article: EmbeddedArticle) -> Floats:
    """Each passage in its context (n x 3d): its own vector, the article's mean, the mean of the two neighbours.

    The context weighs less than the passage (WHOLE, AROUND), so that it tips the scales without deciding alone.
    """
    vectors = article.vectors
    around = np.zeros_like(vectors)
    around[1:] += vectors[:-1] / 2
    around[:-1] += vectors[1:] / 2
    whole = np.broadcast_to(vectors.mean(axis=0), vectors.shape)
    return np.hstack([vectors, WHOLE * whole, AROUND * around])


def voice_inputs(article: EmbeddedArticle) -> Floats:
    """Each passage's vector with what its quotation marks tell (n x (d + 3)).

    Any, share of text inside, the next one's any.
    """
    marks = np.array([bool(QUOTE_MARKS.search(passage.text)) for passage in article.passages], np.float32)
    inside = np.array([_quoted_share(passage.text) for passage in article.passages], np.float32)
    following = np.append(marks[1:], np.float32(0))
    return np.hstack([article.vectors, np.stack([marks, inside, following], axis=1)]).astype(np.float32)


def _quoted_share(text: str) -> float:
    return sum(len(found) for found in QUOTED.findall(text)) / max(1, len(text))


def relevance_inputs(topic: Floats, subjects: int) -> Floats:
    """An article's evidence of being about the talks (6): its passages' topic probabilities (n), in order, summed up.

    `subjects`: how many different terms of the subject the gate found.
    """
    ranked = np.sort(topic)[::-1]
    top = [ranked[: k + 1].mean() if len(ranked) else 0.0 for k in range(3)]
    return np.array([*top, topic.mean(), topic[:LEAD].mean(), np.log1p(subjects)], np.float32)


def tone_inputs(coded: Sequence[CodedPassage], codes: Sequence[str], facts: Sequence[str]) -> Floats:
    """What an article's tone is read from.

    The leanings on the whole, of the strongest passages, of title, lead and close; which share of the passages leans
    which way in which voice; each code's greatest strength; the context facts given; how long the article is.
    """
    leanings = np.array([passage.leanings[:2] for passage in coded], np.float32)
    heading = np.array([passage.passage.part == "title" for passage in coded])
    body = leanings[~heading] if not heading.all() else leanings
    title = leanings[heading].mean(axis=0) if heading.any() else np.zeros(2, np.float32)
    balance = body[:, OPTIMISTIC] - body[:, VIGILANT]
    total = body.sum(axis=0)
    given = {fact for passage in coded for fact in passage.facts}
    return np.array(
        [
            *body.mean(axis=0),
            *np.sort(body, axis=0)[::-1][:STRONGEST].mean(axis=0),
            (total[0] - total[1]) / (total.sum() + 1),
            title[OPTIMISTIC] - title[VIGILANT],
            balance[:LEAD].mean(),
            balance[-CLOSE:].mean(),
            *(_share(coded, family, voice) for voice in VOICES for family in FAMILIES[:2]),
            *(max(passage.codes.get(code, 0.0) for passage in coded) for code in codes),
            *(float(fact in given) for fact in facts),
            np.log(len(coded)),
        ],
        np.float32,
    )


def _share(coded: Sequence[CodedPassage], family: str, voice: str) -> float:
    return sum(passage.family == family and passage.voice == voice for passage in coded) / len(coded)
