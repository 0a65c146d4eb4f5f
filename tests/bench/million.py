"""How long readers wait for an answer when many articles are scored: the median and the 95th percentile, warm.

    python -m tests.bench.million 1000000                     # a SQLite file in a temporary folder
    python -m tests.bench.million 100000 --postgres           # a PostgreSQL server of its own (pgserver)
    python -m tests.bench.million 1000000 --url URL    # this database, filled if it is empty

To measure more, add to MEASURED: a name and a function of an open connection.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, get_args

from sqlalchemy import Connection, func, insert, select

from config.sources import FeedKind
from storage import queries, standing
from storage.database import Database, open_database
from storage.queries import Filter
from storage.schema import (
    article_urls,
    articles,
    coding_codes,
    codings,
    metadata,
    revisions,
    runs,
    scores,
    screenings,
)
from storage.scores import hash_of

BATCH = 2_000
REPEATS = 30
DAYS = 5 * 365
END = datetime(2026, 11, 1, tzinfo=UTC)
LANGUAGES = {"JP": "ja", "RU": "ru", "US": "en", "GB": "en", "UA": "ru", "KR": "en"}
KINDS = get_args(FeedKind)
CODES = tuple(f"code_{number}" for number in range(16))
FACTS = ("declaration_1956", "clause_2020", "motives", "sceptic", "residents", "alliance", "defence", "polls")
FAMILIES, VOICES = ("optimistic", "vigilant", "neutral"), ("own", "quoted_bare", "quoted_distanced")
SENTENCES = {
    "en": "The foreign ministers agreed to go on with talks on a peace treaty, officials said on Tuesday evening.",
    "ja": "両国の外相は平和条約の締結に向けた交渉を続けることで一致したと政府関係者が記者団に明らかにした。",
    "ru": "Министры договорились продолжить переговоры о мирном договоре, сообщил представитель ведомства вечером.",
}
Rows = dict[str, list[dict[str, Any]]]


def outlets(draw: Random) -> list[dict[str, str]]:
    """Sixty outlets: name, country, kind and language."""
    countries = list(LANGUAGES)
    picked = [draw.choice(countries) for _ in range(60)]
    return [
        {"outlet": f"Outlet {n}", "country": country, "kind": draw.choice(KINDS), "language": LANGUAGES[country]}
        for n, country in enumerate(picked)
    ]


def stories(n: int) -> Iterator[Rows]:
    """The rows of each article, the same for the same number. Some outlets write more, and some days bring more."""
    draw = Random(5)
    known = outlets(draw)
    shares = [1 / (1 + rank) ** 0.7 for rank in range(len(known))]
    for number in range(1, n + 1):
        outlet = draw.choices(known, shares)[0]
        at = END - timedelta(days=min(DAYS - 1, int(DAYS * draw.random() ** 1.3)), seconds=draw.randrange(86_400))
        yield _story(draw, number, outlet, at)


def _story(draw: Random, number: int, outlet: dict[str, str], at: datetime) -> Rows:
    language = outlet["language"]
    sentence = SENTENCES[language]
    text = " ".join([sentence] * (600 // len(sentence)) + [f"{number:x}"])
    url, mark = f"https://{outlet['outlet'][7:]}.example/{number}", {"id": number, "article_id": number}
    tone = max(-1.0, min(1.0, draw.gauss(0.1, 0.4)))
    article = {"id": number, "url": url, **outlet, "first_seen_at": at, "published_at": at, "revision": 1}
    revision = {
        **mark, "number": 1, "content_hash": f"{number:032x}", "title": f"Talks {number}: {sentence[:50]}",
        "language": language, "published_at": at, "text": text, "partial": False, "extractor": "x", "fetched_at": at,
    }  # fmt: skip
    judged = {"revision_id": number, "run_id": 1}
    screening = {"relevant": True, "value": 0.9, "reason": "talks", "terms": ["treaty"], "screened_at": at}
    score = {
        "id": number, **judged, "tone": tone, "tone_low": max(-1, tone - 0.3), "tone_high": min(1, tone + 0.3),
        "outlook": draw.random(), "scrutiny": draw.random(), "credulity": max(tone, 0) * draw.random(),
        "omitted": [fact for fact in FACTS if draw.random() < 0.6], "scored_at": at + timedelta(hours=1),
        "expected_error": 0.2, "given": {}, "unusual": [],
    }  # fmt: skip
    passages = [_passage(draw, number, position, len(sentence), text) for position in range(1, 6)]
    coded = [
        {"score_id": number, "position": one["position"], "code": code, "strength": 0.7}
        for one in passages
        for code in draw.choices(CODES, [2**-rank for rank in range(16)])
        if one["family"] != "neutral"
    ]
    return {
        "articles": [article], "article_urls": [{"url": url, "article_id": number}], "revisions": [revision],
        "screenings": [judged | screening], "scores": [score], "codings": passages, "coding_codes": coded,
    }  # fmt: skip


def _passage(draw: Random, number: int, position: int, length: int, text: str) -> dict[str, Any]:
    start = (position - 1) * (length + 1)
    quoted = text[start : start + length]
    return {
        "score_id": number, "position": position, "part": "text", "start_offset": start,
        "end_offset": start + len(quoted), "text_hash": hash_of(quoted), "family": draw.choice(FAMILIES),
        "voice": draw.choice(VOICES), "optimistic": 0.4, "vigilant": 0.3, "neutral": 0.3, "facts": [],
    }  # fmt: skip


def fill(database: Database, n: int) -> None:
    """Write `n` scored articles, unless there are some."""
    with database.read() as connection:
        if connection.scalar(select(func.count()).select_from(runs)):
            return
    run = {column.name: "bench" for column in runs.c if column.name not in ("id", "created_at", "turn")}
    with database.write() as connection:
        connection.execute(insert(runs).values(**run, created_at=END, turn=1))
    every = stories(n)
    while batch := list(islice(every, BATCH)):
        with database.write() as connection:
            for table in (articles, article_urls, revisions, screenings, scores, codings, coding_codes):
                connection.execute(insert(table), [row for rows in batch for row in rows[table.name]])
    with database.write() as connection:
        started = time.monotonic()
        standing.rebuild(connection)
        print(f"made anew what stands: {time.monotonic() - started:.1f} s")
    if database.dialect == "postgresql":
        with database.write() as connection:
            for table in metadata.sorted_tables:
                connection.exec_driver_sql(f"ANALYZE {table.name}")


def second_page(connection: Connection, **asked: Any) -> None:
    """A page and the one after it."""
    page = queries.coverage(connection, limit=50, **asked)
    queries.coverage(connection, limit=50, after=page.next, **asked)


JAPAN, YEAR = Filter(country="JP"), Filter(since=END - timedelta(365), until=END)
ODD = Filter(outlet="Outlet 3", since=END - timedelta(400, hours=5))
RARE, HOPEFUL = Filter(code="code_9"), Filter(tone_min=0.5, language="ja")
MEASURED: dict[str, Callable[[Connection], Any]] = {
    "list, newest": lambda c: queries.coverage(c, limit=50),
    "list, newest, two pages": second_page,
    "list, oldest, one outlet": lambda c: queries.coverage(c, Filter(outlet="Outlet 40"), sort="oldest", limit=50),
    "list, credulous": lambda c: queries.coverage(c, sort="credulous", limit=50),
    "list, vigilant, one country": lambda c: queries.coverage(c, JAPAN, sort="vigilant", limit=50),
    "list, one common code": lambda c: queries.coverage(c, Filter(code="code_0"), limit=50),
    "list, one rare code": lambda c: queries.coverage(c, RARE, limit=50),
    "list, a code that no article bears": lambda c: queries.coverage(c, Filter(code="none"), limit=50),
    "list, a fact left out, one kind": lambda c: queries.coverage(c, Filter(omitted="motives", kind="wire"), limit=50),
    "list, by tone and language": lambda c: queries.coverage(c, HOPEFUL, limit=50),
    "list, no such outlet": lambda c: queries.coverage(c, Filter(outlet="None"), limit=50),
    "count": queries.count,
    "count, one rare code": lambda c: queries.count(c, RARE),
    "extremes, a week": lambda c: queries.extremes(c, 5, Filter(since=END - timedelta(7))),
    "trend, month": lambda c: queries.trend(c, period="month"),
    "trend, month by outlet": lambda c: queries.trend(c, period="month", group="outlet"),
    "trend, week": lambda c: queries.trend(c, period="week"),
    "trend, day of a year by country": lambda c: queries.trend(c, YEAR, period="day", group="country"),
    "trend, month, one outlet, odd hours": lambda c: queries.trend(c, ODD, period="month"),
    "by outlet": lambda c: queries.by_group(c, group="outlet"),
    "by outlet, a year": lambda c: queries.by_group(c, YEAR, group="outlet"),
    "codes by outlet": lambda c: queries.code_shares(c, group="outlet"),
    "codes of a year": lambda c: queries.code_shares(c, YEAR),
    "voices by language": lambda c: queries.voice_shares(c, group="language"),
    "omissions by country, a year": lambda c: queries.omissions(c, YEAR, group="country"),
    "changes of a day": lambda c: queries.changes(c, day=(END - timedelta(2)).date()),
    "facets": queries.facets,
    "runs": queries.runs,
    "one article": lambda c: queries.article_view(c, 777),
    "scans: trend of a code": lambda c: queries.trend(c, Filter(code="code_3"), period="month"),
    "scans: outlets above a tone": lambda c: queries.by_group(c, Filter(tone_min=0.2), group="outlet"),
}


def measure(database: Database) -> None:
    """Print the median and the 95th percentile of each, in milliseconds."""
    print(f"{'':40} {'p50':>9} {'p95':>9}  ms")
    for name, asked in MEASURED.items():
        took = sorted(_took(database, asked) for _ in range(REPEATS + 1))
        print(f"{name:40} {took[len(took) // 2]:9.1f} {took[int(len(took) * 0.95)]:9.1f}", flush=True)


def _took(database: Database, asked: Callable[[Connection], Any]) -> float:
    with database.read() as connection:
        started = time.perf_counter()
        asked(connection)
        return 1000 * (time.perf_counter() - started)


@contextmanager
def _database(url: str, *, postgres: bool) -> Iterator[Database]:
    with ExitStack() as stack:
        if postgres and not url:
            import pgserver

            server = pgserver.get_server(tempfile.mkdtemp(prefix="treatywatch-bench-"), cleanup_mode="delete")
            stack.callback(server.cleanup)
            url = server.get_uri()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        database = open_database(url or f"sqlite:///{Path(folder) / 'bench.db'}")
        stack.callback(database.close)
        yield database


def main() -> None:
    """Fill a database and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("n", type=int, nargs="?", default=10_000, help="scored articles")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--url", default="", help="this database, which is filled if it is empty and left there")
    asked = parser.parse_args()
    with _database(asked.url, postgres=asked.postgres) as database:
        started = time.monotonic()
        fill(database, asked.n)
        print(f"{asked.n} articles on {database.dialect}: filled in {time.monotonic() - started:.0f} s")
        measure(database)


if __name__ == "__main__":
    main()
