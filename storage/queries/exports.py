"""Everything that a filter lets through, row by row: one pass over one snapshot, a few hundred rows in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func

from pipeline.records import Family, Part, Voice
from storage.queries.coverage import COLUMNS, Coverage, covered
from storage.queries.filters import Filter, scored
from storage.queries.quotations import located
from storage.queries.tones import start_of
from storage.schema import articles, revisions, runs, scores

AT_ONCE = 200  # articles; their texts are in memory while their evidence is cut out of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A sentence that bears a code or gives a fact, with the article that it stands in."""

    score_id: int
    article_id: int
    url: str
    outlet: str
    language: str
    position: int
    part: Part
    start: int
    end: int
    text: str
    family: Family
    voice: Voice
    codes: dict[str, float]
    facts: tuple[str, ...]
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyTone:
    """The means of an outlet's articles of one day (UTC) in one language."""

    day: str
    outlet: str
    country: str
    kind: str
    language: str
    articles: int
    tone: float
    outlook: float
    scrutiny: float
    credulity: float | None
    run: str


def all_articles(connection: Connection, wanted: Filter | None = None) -> Iterator[Coverage]:
    """Scored articles, in the order in which they were scored."""
    for rows in _batches(connection, scored(connection, wanted or Filter(), *COLUMNS).order_by(scores.c.id)):
        yield from covered(connection, rows)


def latest_scored(connection: Connection, wanted: Filter | None = None, *, limit: int = 50) -> tuple[Coverage, ...]:
    """The articles that were scored last, the last one first."""
    selection = scored(connection, wanted or Filter(), *COLUMNS).order_by(scores.c.id.desc())
    return covered(connection, connection.execute(selection.limit(max(limit, 0))).all())


def all_evidence(connection: Connection, wanted: Filter | None = None) -> Iterator[Evidence]:
    """The evidence of all scored articles, in the same order; what is not found in its text any more is left out."""
    who = (scores.c.id.label("score_id"), articles.c.id.label("article_id"), articles.c.url, articles.c.outlet)
    texts = (revisions.c.language, revisions.c.title, revisions.c.text, runs.c.stamp.label("run"))
    for rows in _batches(connection, scored(connection, wanted or Filter(), *who, *texts).order_by(scores.c.id)):
        found = located(connection, {row.score_id: (row.title, row.text) for row in rows})
        for row in rows:
            own = {name: row._mapping[name] for name in ("score_id", "article_id", "url", "outlet", "language", "run")}
            for one in found.get(row.score_id, ()):
                if one.codes or one.facts:
                    yield Evidence(**own, **{name: getattr(one, name) for name in one.__dataclass_fields__})


def daily_tone(connection: Connection, wanted: Filter | None = None) -> Iterator[DailyTone]:
    """Mean tone of each day, outlet and language, the oldest first."""
    names = [start_of(connection, "day").label("day"), *(articles.c[name] for name in ("outlet", "country", "kind"))]
    names += [revisions.c.language, runs.c.stamp.label("run")]
    figures = (scores.c.tone, scores.c.outlook, scores.c.scrutiny, scores.c.credulity)
    means = [func.avg(figure).label(figure.name) for figure in figures]
    selection = scored(connection, wanted or Filter(), *names, func.count().label("articles"), *means)
    for rows in _batches(connection, selection.group_by(*names).order_by(*names)):
        yield from (DailyTone(**row._mapping) for row in rows)


def _batches(connection: Connection, selection: Select[Any]) -> Iterator[list[Row[Any]]]:
    """The rows as the database makes them, without all of them being held on either side."""
    found = connection.execute(selection, execution_options={"yield_per": AT_ONCE})
    for rows in found.partitions():
        yield list(rows)
