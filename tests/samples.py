"""Records for the tests, built with few words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
from sqlalchemy import Connection

from config.codebook import Codebook
from config.corpus import LabelledArticle, LabelledPassage
from config.sources import FeedSource
from pipeline.analyse.embed import HashingEmbedder
from pipeline.analyse.features import relevance_inputs, tone_inputs
from pipeline.analyse.heads import Heads, Linear
from pipeline.analyse.reading import reading, units
from pipeline.analyse.wording import BUCKETS
from pipeline.records import Article, CodedPassage, EmbeddedArticle, Entry, Passage, Relevance, Run, Score
from storage import articles, feeds, scores
from storage.database import Database
from storage.schema import metadata

NOW = datetime(2024, 5, 1, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN = Run(model="m", model_hash="1", engine="e", codebook="c", codebook_hash="2", heads_hash="3", version="0.1.0")
RELEVANT = Relevance(relevant=True, value=0.9, reason="talks", terms=("平和条約",))
IRRELEVANT = Relevance(relevant=False, value=0.1, reason="off_topic")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


def source(url: str = "https://a.example/feed", **changes: Any) -> FeedSource:
    given = {"url": url, "outlet": "Asahi", "country": "JP", "language": "ja", "kind": "national"}
    return FeedSource(**{**given, **changes})


def entry(guid: str = "g1", link: str | None = "https://a.example/1", **changes: Any) -> Entry:
    given = Entry(guid=guid, link=link, title="Talks go on", summary="In short", published_at=NOW - HOUR)
    return replace(given, **changes)


def article(
    url: str = "https://a.example/1", text: str = "Talks go on. Hope is in the air.", **changes: Any
) -> Article:
    title = changes.get("title", "Talks on a treaty")
    given = {"url": url, "outlet": "Asahi", "title": title, "text": text, "language": "en", "extractor": "x1"}
    hashed = sha256(f"{title}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Article(**{"content_hash": hashed, "published_at": NOW - HOUR, **given, **changes})


def coded(judged: Article, **codes: float) -> tuple[CodedPassage, ...]:
    """The title, neutral, and each sentence of the text, bearing the codes."""
    passages = [Passage(position=0, part="title", start=0, end=len(judged.title), text=judged.title)]
    start = 0
    for sentence in judged.text.split(". "):
        end = start + len(sentence)
        passages.append(Passage(position=len(passages), part="text", start=start, end=end, text=sentence))
        start = end + 2
    return tuple(
        CodedPassage(
            passage=passage,
            family="optimistic" if codes and passage.position else "neutral",
            codes=codes if passage.position else {},
            voice="quoted_bare",
            leanings=(0.7, 0.2, 0.1),
            facts=("islands",),
        )
        for passage in passages
    )


def score(judged: Article, tone: float = 0.5, **codes: float) -> Score:
    return Score(
        tone=tone,
        expected_error=0.2,
        interval=(max(-1, tone - 0.3), min(1, tone + 0.3)),
        outlook=0.7,
        scrutiny=0.2,
        credulity=0.25,
        omitted=("clause_2020", "motives"),
        given={"islands": 1},
        unusual=("short",),
        codes=codes,
        coded=coded(judged, **(codes or {"face_value": 0.8})),
    )


def embedded(judged: Article, dimensions: int = 8) -> EmbeddedArticle:
    passages = tuple(one.passage for one in coded(judged))
    vectors = np.random.default_rng(1).normal(size=(len(passages), dimensions)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return EmbeddedArticle(article=judged, passages=passages, vectors=unit, model="m")


def labelled(*sentences: LabelledPassage, **changes: Any) -> LabelledArticle:
    """A relevant article of one paragraph, with a title and a tone."""
    given = {"id": "en1-001", "language": "en", "author": "en1", "outlet": "Herald", "date": "2021-06-05"}
    judged = {"kind": "report", "relevant": True, "tone": 1.0, "title": LabelledPassage(text="Putin on Japan")}
    return LabelledArticle(**{**given, **judged, "paragraphs": (sentences,), **changes})


def untrained_heads(codebook: Codebook, *, tone: float = 0.2) -> Heads:
    """Heads of arbitrary weights for the HashingEmbedder: every article is relevant, and tones lie around `tone`."""
    draw = np.random.default_rng(5)
    size = units(codebook)["topic"].stop
    passages = [one.passage for one in coded(article())]
    numbers = len(tone_inputs(passages, reading(np.zeros((len(passages), size), np.float32), units(codebook))))

    def linear(weights: Any, bias: Any) -> Linear:
        one, inputs = np.asarray(weights, np.float32), np.shape(weights)[1]
        mean, scale = np.zeros(inputs, np.float32), np.ones(inputs, np.float32)
        return Linear(weights=one, bias=np.asarray(bias, np.float32), mean=mean, scale=scale)

    return Heads(
        tuning={},
        linear={
            "meaning": linear(draw.normal(size=(size, 3 * HashingEmbedder().dimensions)), np.zeros(size)),
            "relevance": linear(np.zeros((1, len(relevance_inputs(np.ones(1, np.float32), 0)))), [3.0]),
            "tone": linear(draw.normal(size=(4, numbers)) / 50, np.full(4, 2 * tone)),
            "spread": linear(draw.normal(size=(1, numbers)) / 50, [0.3]),
        },
        wording=draw.normal(size=(BUCKETS, size)).astype(np.float32),
        thresholds={
            "family": np.ones(3, np.float32),
            "voice": np.ones(3, np.float32),
            "codes": np.array([0.5], np.float32),
            "facts": np.full(len(codebook.facts), 0.7, np.float32),
        },
        residuals=np.linspace(0.1, 1.9, 19, dtype=np.float32),
        weights="none",
        codebook=codebook.hash,
        hash="untrained",
        about={},
    )


def add_feed(connection: Connection, *sources: FeedSource) -> list[int]:
    """Watch these feeds as well; returns their ids."""
    known = [
        source(stored.feed.url, **given(stored)) for stored in feeds.due(connection, datetime.max.replace(tzinfo=UTC))
    ]
    feeds.sync(connection, [*known, *(sources or (source(),))], NOW)
    return [feeds.due(connection, NOW, url=one.url)[0].id for one in sources or (source(),)]


def given(stored: feeds.StoredFeed) -> dict[str, str]:
    return {name: getattr(stored.feed, name) for name in feeds.GIVEN}


def add_article(
    connection: Connection,
    judged: Article,
    *,
    tone: float | None = None,
    feed: FeedSource | None = None,
    **codes: float,
) -> articles.Stored:
    """Announce and store an article, and score it if there is a tone."""
    feed_id = add_feed(connection, feed or source())[0]
    articles.add_entries(connection, feed_id, [entry(judged.url, judged.url)], NOW)
    waiting = [one for one in articles.pending(connection, NOW) if one.entry.link == judged.url]
    stored = articles.store(connection, waiting[0].id, judged, NOW)
    run_id = scores.ensure_run(connection, RUN, NOW)
    if tone is not None:
        scores.save_screening(connection, stored.revision_id, run_id, RELEVANT, NOW)
        scores.save_score(connection, stored.revision_id, run_id, score(judged, tone, **codes), NOW)
    return stored


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, to see that a repetition changed nothing; sums as far as adding up anew gives them."""

    def plain(value: Any) -> Any:
        return round(value, 9) if isinstance(value, float) else value

    with database.read() as connection:
        return {
            table.name: sorted((tuple(map(plain, row)) for row in connection.execute(table.select())), key=repr)
            for table in metadata.sorted_tables
        }
