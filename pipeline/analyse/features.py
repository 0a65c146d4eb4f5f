"""What the article's heads look at: numbers drawn from its passages as read, before anything is decided."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.analyse.heads import Floats
from pipeline.analyse.reading import Reading
from pipeline.records import Passage

OPTIMISTIC, VIGILANT = 0, 1
LEAD = 3  # the sentences that a hurried reader sees
STRONGEST = 3
CLOSE = 2  # the sentences that a reader is left with


def relevance_inputs(topic: Floats, subjects: int) -> Floats:
    """An article's evidence of being about the talks (6): its passages' topic probabilities (n), in order, summed up.

    `subjects`: how many different terms of the subject the gate found.
    """
    ranked = np.sort(topic)[::-1]
    top = [ranked[: k + 1].mean() if len(ranked) else 0.0 for k in range(3)]
    means = (topic.mean(), topic[:LEAD].mean()) if len(topic) else (0.0, 0.0)
    return np.array([*top, *means, np.log1p(subjects)], np.float32)


def tone_inputs(passages: Sequence[Passage], reading: Reading) -> Floats:
    """What an article's tone is read from; `passages` must not be empty.

    The leanings on the whole and of the strongest sentences; the balance of title, lead and close; how much leans which
    way in which voice; each code's mean and greatest strength; the context given; how long the article is.
    """
    heading = np.array([passage.part == "title" for passage in passages])
    body = heading if heading.all() else ~heading
    leanings = reading.family[:, :2]
    balance = leanings[:, OPTIMISTIC] - leanings[:, VIGILANT]
    voiced = leanings[body][:, :, None] * reading.voice[body][:, None, :]
    return np.concatenate(
        [
            leanings[body].mean(axis=0),
            np.sort(leanings[body], axis=0)[::-1][:STRONGEST].mean(axis=0),
            [balance[heading].mean() if heading.any() else 0.0],
            [balance[body][:LEAD].mean(), balance[body][-CLOSE:].mean()],
            voiced.mean(axis=0).ravel(),
            reading.codes[body].mean(axis=0),
            reading.codes[body].max(axis=0),
            reading.facts[body].max(axis=0),
            [np.log(len(passages))],
        ]
    ).astype(np.float32)
