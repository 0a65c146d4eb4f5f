"""A store as years of watching leave it, made without a model: several outlets, months, languages, codes and voices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection

from config.codebook import Codebook, load_codebook
from config.sources import FeedSource
from pipeline.records import Article, CodedPassage, Dropped, Score
from pipeline.report.auth import utc_now
from storage import articles, feeds, passes, scores
from storage.database import Database
from storage.passes import Done
from tests.samples import RELEVANT, RUN, article, coded, entry, score

NOW = utc_now()
# outlet, country, kind, language, mean tone, articles a month
OUTLETS = (
    ("Harbour Times", "GB", "national", "en", -0.45, 14),
    ("Pacific Review", "US", "think_tank", "en", -0.3, 11),
    ("Meridian Wire", "US", "wire", "en", 0.15, 16),
    ("朝凪日報", "JP", "national", "ja", 0.3, 15),
    ("北星通信", "JP", "wire", "ja", 0.05, 12),
    ("根室海峡新聞", "JP", "regional", "ja", -0.2, 7),
    ("Вестник Пролива", "RU", "state", "ru", 0.65, 13),
    ("Агентство «Вектор»", "RU", "state", "ru", 0.5, 11),
    ("Аналитика Востока", "RU", "specialist", "ru", -0.1, 0),
)
HEADLINES = {
    "en": (
        "Talks on a peace treaty resume in {place}",
        "What {place} means for the islands",
        "No date for a treaty after {place}",
    ),
    "ja": ("{place}で平和条約交渉を再開", "{place}協議、四島の帰属は棚上げか", "条約締結の時期示さず、{place}会談"),
    "ru": ("Переговоры о мирном договоре: {place}", "Что изменит встреча: {place}", "Договор без сроков: {place}"),
}
PLACES = {
    "en": ("Tokyo", "Vladivostok", "Geneva"),
    "ja": ("東京", "ウラジオストク", "ジュネーブ"),
    "ru": ("Токио", "Владивосток", "Женева"),
}
TEXTS = {
    "en": "The minister called the talks sincere. The islands were not mentioned. Both sides will meet again",
    "ja": "大臣は交渉を誠実なものと評価した. 四島には触れなかった. 双方は再び会談する",
    "ru": "Министр назвал переговоры искренними. Об островах не говорили. Стороны встретятся снова",
}


def gather(database: Database, *, months: int = 10, seed: int = 7) -> None:
    """Fill a new store until now, the same for the same seed and time."""
    draw, book = Random(seed), load_codebook()
    with database.write() as connection:
        feeds.sync(connection, [_feed(at) for at in range(len(OUTLETS))], NOW - timedelta(days=31 * months))
        ids = {stored.feed.url: stored.id for stored in feeds.due(connection, NOW + timedelta(days=999))}
        run_id = scores.ensure_run(connection, RUN, NOW)
        for at in range(len(OUTLETS)):
            for judged, tone in _articles(at, months, draw):
                _keep(connection, ids[_feed(at).url], run_id, judged, _score(judged, tone, draw, book))
        _leave_out(connection, ids[_feed(0).url])
        passes.end(connection, passes.begin(connection, NOW), NOW, Done(feeds=len(OUTLETS)))


def _feed(at: int) -> FeedSource:
    outlet, country, kind, language, _tone, _monthly = OUTLETS[at]
    url = f"https://outlet{at}.example/feed"
    return FeedSource.model_validate(
        {"url": url, "outlet": outlet, "country": country, "kind": kind, "language": language}
    )


def _articles(at: int, months: int, draw: Random) -> Iterator[tuple[Article, float]]:
    outlet, _country, _kind, language, mean, monthly = OUTLETS[at]
    for number in range(monthly * months or 3):
        back = timedelta(days=draw.random() * 30 * months, hours=1)
        place = draw.choice(PLACES[language])
        title = draw.choice(HEADLINES[language]).format(place=place)
        url = f"https://outlet{at}.example/{number}"
        said = f"{TEXTS[language]}. {number}."
        about = {"outlet": outlet, "title": title, "language": language, "published_at": NOW - back}
        drift = 0.25 * (back.days / 30 / months - 0.5)
        yield article(url, said, **about), max(-0.98, min(0.98, draw.gauss(mean + drift, 0.28)))


def _score(judged: Article, tone: float, draw: Random, book: Codebook) -> Score:
    leaning = [
        code for code in book.codes.values() if (code.family == "optimistic") == (draw.random() < (1 + tone) / 2)
    ]
    codes = {code.id: round(0.5 + draw.random() / 2, 3) for code in draw.sample(leaning, 2)}
    left_out = tuple(fact for fact in book.facts if draw.random() < (0.35 + tone / 3))
    made = score(judged, round(tone, 3), **codes)
    return replace(
        made,
        omitted=left_out,
        unusual=(),
        **_leanings(tone, draw),
        coded=tuple(_voices(coded(judged, **codes), tone, draw, book)),
    )


def _leanings(tone: float, draw: Random) -> dict[str, Any]:
    """Shares of what an article says that go with its tone."""
    outlook = min(0.95, max(0.05, (1 + tone) / 2 + draw.gauss(0, 0.08)))
    scrutiny = min(0.95, max(0.02, 0.6 * (1 - outlook) + draw.gauss(0, 0.05)))
    return {"outlook": outlook, "scrutiny": scrutiny, "credulity": outlook * (1 - scrutiny)}


def _voices(passages: tuple[CodedPassage, ...], tone: float, draw: Random, book: Codebook) -> Iterator[CodedPassage]:
    for one in passages:
        family = book.codes[next(iter(one.codes))].family if one.codes else "neutral"
        voice = draw.choices(("own", "quoted_distanced", "quoted_bare"), (0.3, 0.3 - tone / 5, 0.4 + tone / 5))[0]
        yield replace(one, family=family, voice=voice)  # type: ignore[arg-type] # families of the codebook


def _keep(connection: Connection, feed_id: int, run_id: int, judged: Article, made: Score) -> None:
    at = judged.published_at or NOW
    articles.add_entries(connection, feed_id, [entry(judged.url, judged.url, title=judged.title)], at)
    waiting = next(one for one in articles.pending(connection, NOW) if one.entry.link == judged.url)
    stored = articles.store(connection, waiting.id, judged, at)
    scores.save_screening(connection, stored.revision_id, run_id, RELEVANT, at)
    scores.save_score(connection, stored.revision_id, run_id, made, at)


def _leave_out(connection: Connection, feed_id: int) -> None:
    """One entry that the gate refused."""
    articles.add_entries(connection, feed_id, [entry("out", "https://outlet0.example/out", title="Fish quotas")], NOW)
    waiting = next(one for one in articles.pending(connection, NOW) if one.entry.guid == "out")
    dropped = Dropped(url="https://outlet0.example/out", stage="gate", reason="no_subject")
    articles.drop(connection, dropped, now=NOW, entry_id=waiting.id)
