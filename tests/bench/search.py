"""How fast words and meanings are found among N made-up articles, and how well sister articles find one another.

python tests/bench/search.py ARTICLES [DATABASE_URL]     times; the database must be new
python tests/bench/search.py recall                      needs the model
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from sqlalchemy import Table, insert, text

sys.path.insert(0, str(Path(__file__).parents[2]))

from config.corpus import load_corpus
from pipeline.records import Run
from pipeline.train.corpus import bare
from storage import queries, search, standing
from storage.codes import FEW, Codes
from storage.database import Database, open_database
from storage.meanings import KEPT_AS, mean, unit
from storage.queries import Filter
from storage.runs import ensure_run
from storage.schema import articles, meanings, revisions, screenings
from storage.schema import scores as scored

NOW = datetime(2026, 11, 1, tzinfo=UTC)
RUN = Run(model="m", model_hash="1", engine="e", codebook="c", codebook_hash="2", heads_hash="3", version="0.1.0")
BATCH, REPEATS, DIMENSIONS = 1000, 20, 384
ASKED = {
    "en common": "treaty",
    "en phrase": '"peace treaty"',
    "en three words": "Putin islands sanctions",
    "en rare": "rare17word",
    "en rare of common grams": '"nation ration station"',
    "en two letters": "G7",
    "ru common": "договор",
    "ru phrase": '"мирного договора"',
    "ru rare": "редкость17",
    "ja two": "条約",
    "ja phrase": "平和条約交渉",
    "ja one": "島",
    "ja rare": "稀語17",
    "none": "xyzzyq",
}


def sentences() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for article in load_corpus("parity"):
        found.setdefault(article.language, []).extend(passage.text for passage in article.passages())
    return found


def made(count: int) -> Iterator[dict[str, Any]]:
    """Articles of 25 drawn sentences; one in a thousand has a rare word."""
    draw, known = random.Random(1), sentences()
    rare = {"en": "rare{}word", "ru": "редкость{}", "ja": "稀語{}"}
    for number in range(1, count + 1):
        language = ("en", "ja", "ru")[number % 3]
        words = draw.choices(known[language], k=25)
        if draw.random() < 0.3:
            words.append(rare[language].format(draw.randrange(max(1, count // 1000))))
        blank = "" if language == "ja" else " "
        yield {"id": number, "language": language, "title": words[0][:100], "text": blank.join(words)}


def fill(database: Database, count: int) -> None:
    draw, batch = np.random.default_rng(1), []
    with database.write() as connection:
        ensure_run(connection, RUN, NOW)
    for row in made(count):
        batch.append(row)
        if len(batch) == BATCH or row["id"] == count:
            add(database, batch, draw)
            batch = []
    with database.write() as connection:
        standing.rebuild(connection)
        connection.execute(text("ANALYZE"))


def add(database: Database, batch: list[dict[str, Any]], draw: Any) -> None:
    many = unit(draw.normal(size=(len(batch), DIMENSIONS)).astype(np.float32)).astype(KEPT_AS)
    ids = [row["id"] for row in batch]
    when = {number: NOW - timedelta(minutes=(number * 7919) % 5_000_000) for number in ids}
    hashes = {number: f"{number:032x}" for number in ids}
    with database.write() as connection:

        def put(table: Table, rows: Iterable[dict[str, Any]]) -> None:
            connection.execute(insert(table), list(rows))

        put(articles, ({"id": row["id"], "url": f"https://a.example/{row['id']}", "outlet": f"o{row['id'] % 100}",
            "language": row["language"], "first_seen_at": when[row["id"]], "revision": 1}
            for row in batch))  # fmt: skip
        put(revisions, ({"id": row["id"], "article_id": row["id"], "number": 1, "content_hash": hashes[row["id"]],
            "title": row["title"], "language": row["language"], "text": row["text"], "partial": False,
            "fetched_at": NOW} for row in batch))  # fmt: skip
        put(screenings, ({"revision_id": number, "run_id": 1, "relevant": True, "value": 1, "terms": [],
            "screened_at": NOW} for number in ids))  # fmt: skip
        put(scored, ({"revision_id": number, "run_id": 1, "tone": 0, "tone_low": -0.1, "tone_high": 0.1,
            "outlook": 0.5, "scrutiny": 0.5, "omitted": [], "scored_at": NOW} for number in ids))  # fmt: skip
        put(meanings, ({"article_id": row["id"], "revision_id": row["id"], "model": "m", "language": row["language"],
            "vector": vector.tobytes()} for row, vector in zip(batch, many, strict=True)))  # fmt: skip
        search.fill(connection)


def timed(database: Database, doing: Callable[[Any], Any]) -> tuple[float, float, Any]:
    """Median and 95th percentile in ms, and the last answer."""
    took = []
    for _ in range(REPEATS):
        with database.read() as connection:
            start = perf_counter()
            found = doing(connection)
            took.append(1000 * (perf_counter() - start))
    return float(np.median(took)), float(np.percentile(took, 95)), found


def speed(count: int, url: str = "") -> None:
    """Print how long questions take."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(url or f"sqlite:///{folder}/coverage.db")
        start = perf_counter()
        fill(database, count)
        print(f"{count} articles on {database.dialect}, stored in {perf_counter() - start:.0f} s")
        for name, asked in ASKED.items():
            median, late, page = timed(database, lambda c, t=asked: queries.coverage(c, Filter(text=t), limit=50))
            print(f"{name:28} {median:7.1f} ms, p95 {late:7.1f}; {len(page.rows)} on the page")
        for name, wanted in {
            "ja and ru": Filter(text="договор", language="ja"),
            "outlet": Filter(text="条約", outlet="o1"),
        }.items():
            median, late, page = timed(database, lambda c, w=wanted: queries.coverage(c, w, limit=50))
            print(f"{name:28} {median:7.1f} ms, p95 {late:7.1f}; {len(page.rows)} on the page")
        means(database)
        database.close()


def means(database: Database) -> None:
    start = perf_counter()
    with database.read() as connection:
        queries.similar(connection, 1)
    print(f"{'codes read for the first time':28} {1000 * (perf_counter() - start):7.0f} ms")
    narrow = {"similar": None, "similar in an outlet": Filter(outlet="o7"), "similar to none": Filter(outlet="none")}
    for name, wanted in narrow.items():
        median, late, found = timed(database, lambda c, w=wanted: queries.similar(c, 1, 10, w))
        print(f"{name:28} {median:7.1f} ms, p95 {late:7.1f}; {len(found)} found")


def recall() -> None:
    """Print which share of the two sister articles of each are among the nearest, over all stories and languages."""
    from config.settings import load
    from pipeline.analyse.judge import load_judge

    judge, labelled = load_judge(load()), load_corpus("parity")
    texts = [bare(article) for article in labelled]
    stories = np.array([article.id.replace(f"-{article.language}-", " ") for article in labelled])
    languages = [article.language for article in labelled]
    judged = [judge.judge(one).embedded for one in texts]
    kept = np.stack([mean(one.vectors) if one else np.zeros(DIMENSIONS, np.float32) for one in judged])
    titles = np.stack([judge.meaning(one.title) for one in texts])
    centred = centres(kept, languages)
    for name, asked, found in (
        ("as they are", kept, kept),
        ("without what languages share", centred(kept), centred(kept)),
        ("titles as questions", centred(titles), centred(kept)),
    ):
        near = asked @ found.T
        np.fill_diagonal(near, -9)  # the article itself is no sister
        order = np.argsort(-near, axis=1)
        shares = [np.mean([(stories[row[:k]] == story).sum() / 2 for row, story in zip(order, stories, strict=True)])
                  for k in (2, 5, 10)]  # fmt: skip
        print(f"{name:30} among the nearest 2, 5, 10: " + "  ".join(f"{share:.3f}" for share in shares))


def centres(kept: Any, languages: list[str]) -> Callable[[Any], Any]:
    """What takes the centres away, as the store does it."""
    each = np.array(languages)
    sums = {language: kept[each == language].sum(axis=0) for language in set(languages)}
    known = Codes(
        model="", dimensions=DIMENSIONS, ids=np.empty(0, np.int64), words=np.empty((0, 0), np.uint64),
        centres={language: total / (FEW + (each == language).sum()) for language, total in sums.items()},
        last=frozenset(), seen=0,
    )  # fmt: skip
    return lambda vectors: known.centred(vectors, languages)


if __name__ == "__main__":
    recall() if sys.argv[1] == "recall" else speed(int(sys.argv[1]), *sys.argv[2:3])
