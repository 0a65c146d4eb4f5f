"""What the groups of articles are called."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

from pipeline.report.words import LANGUAGES, N_, SCALE, STEPS, Words

Grouping = Literal["outlet", "language", "country", "kind"]
Span = Literal["day", "week", "month"]
ALL = N_("all articles")
SIGNED = "datum.value == 0 ? '0' : format(datum.value, '+.1f')"  # labels of an axis of tones


def group_name(group: Grouping, value: str, words: Words) -> str:
    """A group in the reader's language; outlets keep their names."""
    if not value:
        return words.gettext(ALL)
    if group == "language":
        return words.gettext(LANGUAGES.get(value, value))
    return words.country(value) if group == "country" else value


def steps_named(words: Words) -> list[dict[str, Any]]:
    """The steps of the plain scale: the `step` in words, and the middle that it stands `at`."""
    bounds = pairwise((-1.0, *STEPS, 1.0))
    return [
        {"at": (low + high) / 2, "step": words.gettext(step)} for step, (low, high) in zip(SCALE, bounds, strict=True)
    ]
