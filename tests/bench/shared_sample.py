"""How the scores agree with the labelled sample articles that no head was trained on.

    python tests/bench/shared_sample.py [FILE.jsonl]

Each line of the file is an article with `relevant`, `tone` (-2 .. 2) and `sentences` with `codes`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from config.codebook import load_codebook
from config.settings import load
from pipeline.analyse.judge import load_judge
from pipeline.collect.languages import identify
from pipeline.records import FAMILIES
from pipeline.scoring import score_lines
from pipeline.train.measure import macro_f1, micro_f1, ordinal_alpha, spearman

SAMPLE = Path(__file__).parents[3] / "shared" / "sample" / "articles.jsonl"
Line = dict[str, Any]
CODEBOOK = load_codebook()


def family(codes: list[str]) -> str:
    """The family that most of the codes belong to."""
    names = [CODEBOOK.codes[code].family for code in codes]
    return max(names, key=lambda name: (names.count(name), -names.index(name)), default="neutral")


def sentences(article: Line, scored: Line) -> Iterator[tuple[list[str], Line]]:
    """Each labelled sentence with the passage that covers most of it."""
    at = 0
    passages = [passage for passage in scored["passages"] if passage.get("in") != "title"]
    for sentence in article["sentences"]:
        start = article["text"].index(sentence["text"], at)
        at = start + len(sentence["text"])
        if passages:
            yield sentence["codes"], max(passages, key=lambda p: min(at, p["end"]) - max(start, p["start"]))
        else:
            yield sentence["codes"], {"family": "neutral", "codes": []}


def report(name: str, pairs: list[tuple[Line, Line]]) -> None:
    """Print the figures of one language."""
    relevant = [(article, line) for article, line in pairs if article["relevant"]]
    both = [(article, line) for article, line in relevant if line["relevant"]]
    judged = [item for article, line in pairs for item in sentences(article, line)]
    truth = [FAMILIES.index(family(codes)) for codes, _ in judged]  # type: ignore[arg-type]
    said = [FAMILIES.index(passage["family"]) for _, passage in judged]
    marks = [[code in codes for code in CODEBOOK.codes] for codes, _ in judged]
    found = [[code in passage["codes"] for code in CODEBOOK.codes] for _, passage in judged]
    right = sum(bool(article["relevant"]) == line["relevant"] for article, line in pairs)
    tones = [article["tone"] / 2 for article, _ in both], [line["tone"] for _, line in both]
    print(f"{name}: {len(pairs)} articles, relevance right {right}, {len(judged)} sentences")
    print(f"    family macro-F1 {macro_f1(truth, said, 3):.3f}, code micro-F1 {micro_f1(marks, found):.3f}")
    if len(both) > 2:
        held = sum(
            low <= tone <= high for tone, (low, high) in zip(tones[0], (b["interval"] for _, b in both), strict=True)
        )
        print(
            f"    tone on {len(both)}: Spearman {spearman(*tones):.3f}, ordinal alpha {ordinal_alpha(*tones):.3f}, "
            f"intervals that hold it {held}"
        )


def main(file: Path = SAMPLE) -> None:
    """Score the file and print the agreement, by language and in all."""
    if not file.is_file():
        sys.exit(f"{file} is not here; name a file of labelled articles")
    articles = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    given = [json.dumps({key: article[key] for key in ("id", "title", "text")}) for article in articles]
    lines = list(score_lines(given, load_judge(load()), identify))
    pairs = list(zip(articles, lines, strict=True))
    for language in ("en", "ja", "ru"):
        report(language, [(article, line) for article, line in pairs if article["lang"] == language])
    report("all", pairs)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
