"""Turns what readers ask into vectors, one question at a time, in a thread of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from threading import BoundedSemaphore

import structlog

from pipeline.errors import ModelError
from pipeline.records import Language, Vectors

log = structlog.get_logger()
_JAPANESE = re.compile("[\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f]")
_CYRILLIC = re.compile("[\u0400-\u052f]")
Embed = Callable[[str], Vectors]
LONGEST = 2000  # characters of a question; the model reads no more of it
WAITING = 4  # questions at a time, so that those who wait don't take up all threads that answer requests
REMEMBERED = 256  # questions


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked: its vector (d, unit length), and the language that its script is of."""

    vector: Vectors
    language: Language


class Asked:
    """Called with a text, gives a Question.

    `load` gives the embedding of texts; it is called with the first question, which waits for the model. A model that
    can't be loaded is tried again with a later question. Raises ModelError: `busy`, `slow` (more than `timeout_s`), and
    what loading raises.
    """

    def __init__(self, load: Callable[[], Embed], *, timeout_s: float = 20) -> None:
        self._load, self._timeout_s = load, timeout_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="asked")
        self._free = BoundedSemaphore(WAITING)
        self._embed: Embed | None = None
        self._known = lru_cache(REMEMBERED)(self._vector)

    def __call__(self, text: str) -> Question:
        """The question as a vector, with as little waiting as can be."""
        text = " ".join(text[:LONGEST].split())
        if not self._free.acquire(blocking=False):
            raise ModelError("others are asking; try again soon", reason="busy")
        future = self._thread.submit(self._known, text)
        future.add_done_callback(lambda _: self._free.release())
        try:
            vector = future.result(self._timeout_s)
        except TimeoutError:
            future.cancel()
            raise ModelError("the model takes too long; try again soon", reason="slow") from None
        except (RuntimeError, ValueError, OSError) as error:
            log.error("question", error=repr(error))
            raise ModelError("the model failed on this question", reason="failed") from error
        return Question(vector=vector, language=script(text))

    def close(self) -> None:
        """Answer no more questions."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _vector(self, text: str) -> Vectors:
        if self._embed is None:
            self._embed = self._load()
        return self._embed(text)


def script(text: str) -> Language:
    """The language whose script most of the text is in; a question is too short to tell more."""
    japanese, russian = len(_JAPANESE.findall(text)), len(_CYRILLIC.findall(text))
    if 4 * japanese >= len(text.replace(" ", "")):  # an ideograph says as much as two or three letters
        return "ja"
    return "ru" if 2 * russian >= len(text.replace(" ", "")) else "en"
