"""Speed of cutting and of the gate in MB of UTF-8 a second: `python tests/bench/passages.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pipeline.analyse.gate import Gate
from pipeline.analyse.passages import split

DATA = Path(__file__).parents[1] / "data"


def sample(language: str, size: int) -> str:
    """About `size` characters of short paragraphs."""
    lines = (DATA / f"sentences.{language}.txt").read_text(encoding="utf-8").replace("‖", "").splitlines()
    text = "\n\n".join(line for line in lines if line and not line.startswith("# "))
    return (text * (size // len(text) + 1))[:size]


def speed(work: Callable[[str], object], text: str) -> float:
    """MB/s, the best of five."""

    def once() -> float:
        began = time.perf_counter()
        work(text)
        return time.perf_counter() - began

    return len(text.encode()) / min(once() for _ in range(5)) / 1e6


if __name__ == "__main__":
    gate = Gate.from_terms()
    for language in ("en", "ja", "ru"):
        text = sample(language, 100_000)
        cut = speed(lambda text, language=language: split("", text, language), text)
        judged = speed(lambda text, language=language: gate.matches("", text, language), text[:5000])
        print(f"{language}: split {cut:.1f} MB/s, gate {judged:.1f} MB/s")
