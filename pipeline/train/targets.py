"""What the passage heads are to say, for all passages of many examples on end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.train.corpus import UNKNOWN, Example, Ints


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Arrays over n passages: `family`, `voice` (n) hold classes or UNKNOWN; `codes`, `facts`, `topic` (n x k) hold
    0, 1 or UNKNOWN.
    """

    family: Ints
    codes: Ints
    voice: Ints
    facts: Ints
    topic: Ints

    def of(self, name: str) -> Ints:
        """The targets of one task."""
        return np.asarray(getattr(self, name))

    def rows(self, chosen: Any) -> Targets:
        """Those of some passages, by number or mask."""
        return Targets(**{name: self.of(name)[chosen] for name in Targets.__dataclass_fields__})


def targets(examples: Sequence[Example]) -> Targets:
    """The coder's labels as targets."""
    return Targets(
        family=np.concatenate([e.families for e in examples]),
        codes=np.vstack([e.codes for e in examples]),
        voice=np.concatenate([e.voices for e in examples]),
        facts=np.vstack([e.facts for e in examples]),
        topic=np.concatenate([e.topics for e in examples])[:, None],
    )


CLASSES = ("family", "voice")  # one of several; the other tasks are answers of yes or no, each by itself


def known(values: Ints) -> Ints:
    """Rows whose target is known."""
    return np.flatnonzero(values.reshape(len(values), -1)[:, 0] != UNKNOWN)
