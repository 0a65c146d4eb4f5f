"""Everything that a filter lets through, row by row: one pass over one snapshot, a few articles in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from pipeline.records import Family, Part, Voice
from storage.queries.coverage import Coverage, covered
from storage.queries.filters import Filter, run_or_current, scored
from storage.queries.quotations import located
from storage.queries.tones import day_of
from storage.schema import articles, revisions, runs, scores, standing

AT_ONCE = 50  # articles; their texts are in memory while their evidence is cut out of them


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
    """Scored articles, in the order in which they were first seen."""
    for score_ids in _scores(connection, wanted or Filter()):
        yield from covered(connection, score_ids)


def latest_scored(connection: Connection, wanted: Filter | None = None, *, limit: int = 50) -> tuple[Coverage, ...]:
    """The articles that were scored last, the last one first."""
    selection = scored(connection, wanted or Filter(), standing.c.score_id).order_by(standing.c.score_id.desc())
    return covered(connection, connection.scalars(selection.limit(max(limit, 0))).all())


def all_evidence(connection: Connection, wanted: Filter | None = None) -> Iterator[Evidence]:
    """The evidence of all scored articles, in the same order; what is not found in its text any more is left out."""
    for score_ids in _scores(connection, wanted or Filter()):
        rows = _texts(connection, score_ids)
        found = located(connection, {row.score_id: (row.title, row.text) for row in rows})
        for row in rows:
            own = {name: row._mapping[name] for name in ("score_id", "article_id", "url", "outlet", "language", "run")}
            for one in found.get(row.score_id, ()):
                if one.codes or one.facts:
                    yield Evidence(**own, **{name: getattr(one, name) for name in one.__dataclass_fields__})


def _texts(connection: Connection, score_ids: Sequence[int]) -> Sequence[Any]:
    joined = (
        scores.join(revisions, revisions.c.id == scores.c.revision_id)
        .join(articles, articles.c.id == revisions.c.article_id)
        .join(runs, runs.c.id == scores.c.run_id)
    )
    who = (scores.c.id.label("score_id"), articles.c.id.label("article_id"), articles.c.url, articles.c.outlet)
    texts = (revisions.c.language, revisions.c.title, revisions.c.text, runs.c.stamp.label("run"))
    selection = select(*who, *texts).select_from(joined).where(scores.c.id.in_(score_ids))
    return connection.execute(selection.order_by(articles.c.id)).all()


def daily_tone(connection: Connection, wanted: Filter | None = None) -> Iterator[DailyTone]:
    """Mean tone of each day, outlet and language, the oldest first."""
    names = [standing.c[name] for name in ("outlet", "country", "kind", "language")]
    day = day_of(connection, standing.c.at)
    means = [func.avg(standing.c[name]).label(name) for name in ("tone", "outlook", "scrutiny", "credulity")]
    wanted = wanted or Filter()
    selection = scored(connection, wanted, day.label("day"), *names, func.count().label("articles"), *means)
    run_id = run_or_current(connection, wanted.run_id)
    stamp = connection.scalar(select(runs.c.stamp).where(runs.c.id == run_id)) or ""
    for rows in _streamed(connection, selection.group_by(day, *names).order_by(day, *names)):
        yield from (DailyTone(**row._mapping, run=stamp) for row in rows)


def _scores(connection: Connection, wanted: Filter) -> Iterator[list[int]]:
    selection = scored(connection, wanted, standing.c.score_id).order_by(standing.c.article_id)
    for rows in _streamed(connection, selection):
        yield [row.score_id for row in rows]


def _streamed(connection: Connection, selection: Select[Any]) -> Iterator[Sequence[Row[Any]]]:
    """The rows as the database makes them, without all of them being held on either side."""
    yield from connection.execute(selection, execution_options={"yield_per": AT_ONCE}).partitions()
