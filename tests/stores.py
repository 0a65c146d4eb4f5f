"""Databases with many scored articles that differ in everything that can be asked for."""

from __future__ import annotations

import random
from datetime import timedelta

from sqlalchemy import Connection, update

from storage import standing
from storage.schema import scores
from tests.samples import NOW, add_article, article, source

OUTLETS = {
    "Asahi": ("JP", "national", "ja"),
    "Kyodo": ("JP", "wire", "en"),
    "TASS": ("RU", "state", "ru"),
    "Herald": ("GB", "national", "en"),
}
WORDS = {
    "en": ("islands", "treaty", "talks"),
    "ja": ("平和条約", "四島", "対話"),
    "ru": ("ДОГОВОР", "острова", "диалог"),
}
CODES = ("face_value", "china_card", "deadlock_stated")
FACTS = ("islands", "clause_2020", "motives", "alliance")


def fill(connection: Connection, n: int, seed: int, *, first: int = 0) -> None:
    """Store `n` scored articles, drawn at random."""
    draw = random.Random(seed)
    for number in range(first, first + n):
        outlet = draw.choice(sorted(OUTLETS))
        country, kind, language = OUTLETS[outlet]
        feed = source(
            f"https://{outlet.lower()}.example/feed", outlet=outlet, country=country, kind=kind, language=language
        )
        at = None if draw.random() < 0.1 else NOW - timedelta(hours=draw.randrange(2000))
        words = draw.sample(WORDS[language], 2)
        told = article(
            f"https://{outlet.lower()}.example/{number}", f"{words[0]} {number}. {words[1]} go on. =1+1",
            title=f"{draw.choice(('+', '', '', ''))}{draw.choice(WORDS[language])} {number}",
            outlet=outlet, language=language, published_at=at,
        )  # fmt: skip
        codes = {code: round(draw.uniform(0.1, 1), 3) for code in draw.sample(CODES, draw.randrange(1, 3))}
        stored = add_article(connection, told, tone=round(draw.uniform(-1, 1), 3), feed=feed, **codes)
        omitted = draw.sample(FACTS, draw.randrange(0, 4))
        connection.execute(update(scores).where(scores.c.revision_id == stored.revision_id).values(omitted=omitted))
    standing.rebuild(connection)
