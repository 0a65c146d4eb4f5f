"""What is wrong with a setting, a list of feeds or a codebook, said so that it can be mended."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InvalidSettings(ValueError):  # noqa: N818 - read as a sentence: "invalid settings: ..."
    """A key is unknown or a value can't be used; the message names the key, the place and the nearest known key."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion ("; did you mean X?") or nothing, to end an error message with."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
