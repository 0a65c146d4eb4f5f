"""What judging costs beside embedding: articles scored in full against their passages embedded alone.

python tests/bench/scoring.py [ARTICLES]
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from config.corpus import load_corpus
from config.settings import load
from pipeline.analyse.embed import SentenceEmbedder
from pipeline.analyse.judge import load_judge
from pipeline.train.corpus import bare

REPEATS = 3


def main(count: int = 60) -> None:
    """Interleave both, and print the median of the ratios."""
    settings = load()
    judge = load_judge(settings)
    plain = SentenceEmbedder(settings.embed, settings.storage.directory() / "models")
    articles = [bare(article) for article in load_corpus("parity")[:count]]
    judged = [judge.judge(article) for article in articles]  # warm
    texts = [[p.text for p in judgement.embedded.passages] for judgement in judged if judgement.embedded]
    ratios, rates = [], []
    for _ in range(REPEATS):
        start = perf_counter()
        for passages in texts:
            plain.encode(passages)
        middle = perf_counter()
        for article in articles:
            judge.judge(article)
        end = perf_counter()
        ratios.append((middle - start) / (end - middle))
        rates.append(sum(map(len, texts)) / (end - middle))
    print(f"{len(articles)} articles, {sum(map(len, texts))} passages, {REPEATS} interleaved repeats")
    print(f"judging runs at {statistics.median(ratios):.3f} of the speed of embedding alone")
    print(f"{statistics.median(rates):.0f} passages a second here")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
