"""One article with all that is known of its text, its scores and its revisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from storage.columns import MAX_ID
from storage.queries.coverage import Coverage, coverage_of
from storage.queries.filters import run_or_current
from storage.queries.quotations import CodedSentence, sentences
from storage.schema import articles, lineage_members, revisions, runs, scores, screenings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScore:
    """A score of one of the article's revisions, by its number, under one run, by its stamp."""

    run: str
    revision: int
    tone: float
    tone_low: float
    tone_high: float
    scored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """One wording of the article."""

    number: int
    title: str
    fetched_at: datetime
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevant:
    """What the screen said of the text."""

    value: float
    reason: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleView:
    """An article in its current wording (`revision` is its number), with its score under the current run.

    `passages`: all coded sentences that are still found in the text. `scores` and `revisions`: the oldest first.
    `same_text`: (url, outlet) of the others with the same wire text. None: not scored, or not screened.
    """

    article_id: int
    url: str
    outlet: str
    country: str
    kind: str
    language: str
    published_at: datetime | None
    first_seen_at: datetime
    title: str
    byline: str
    text: str
    partial: bool
    extractor: str
    revision: int
    score: Coverage | None
    passages: tuple[CodedSentence, ...]
    scores: tuple[RunScore, ...]
    revisions: tuple[RevisionView, ...]
    relevance: Relevant | None
    same_text: tuple[tuple[str, str], ...]


def article_view(connection: Connection, article_id: int) -> ArticleView | None:
    """The article with this id; None where there is none."""
    if not 0 < article_id <= MAX_ID:
        return None
    row = connection.execute(_article(article_id)).one_or_none()
    if row is None:
        return None
    score = coverage_of(connection, article_id)
    own = {name: row._mapping[name] for name in ArticleView.__dataclass_fields__ if name in row._mapping}
    return ArticleView(
        **own,
        score=score,
        passages=sentences(connection, score.score_id) if score else (),
        scores=_scores(connection, article_id),
        revisions=_revisions(connection, article_id),
        relevance=_relevance(connection, row.revision_id),
        same_text=_same_text(connection, article_id, row.content_hash),
    )


def _article(article_id: int) -> Select[Any]:
    of_article = ("url", "outlet", "country", "kind", "first_seen_at", "revision", "published_at")
    of_text = ("language", "title", "byline", "text", "partial", "extractor", "content_hash")
    current = (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision)
    return (
        select(
            articles.c.id.label("article_id"), revisions.c.id.label("revision_id"),
            *(articles.c[name] for name in of_article), *(revisions.c[name] for name in of_text),
        )
        .join_from(articles, revisions, current)
        .where(articles.c.id == article_id)
    )  # fmt: skip


def _scores(connection: Connection, article_id: int) -> tuple[RunScore, ...]:
    figures = [scores.c[name] for name in ("tone", "tone_low", "tone_high", "scored_at")]
    selection = select(runs.c.stamp.label("run"), revisions.c.number.label("revision"), *figures)
    joined = scores.join(revisions, revisions.c.id == scores.c.revision_id).join(runs, runs.c.id == scores.c.run_id)
    of_article = selection.select_from(joined).where(revisions.c.article_id == article_id)
    rows = connection.execute(of_article.order_by(scores.c.scored_at, scores.c.id))
    return tuple(RunScore(**row._mapping) for row in rows)


def _revisions(connection: Connection, article_id: int) -> tuple[RevisionView, ...]:
    columns = [revisions.c[name] for name in RevisionView.__dataclass_fields__]
    selection = select(*columns).where(revisions.c.article_id == article_id).order_by(revisions.c.number)
    return tuple(RevisionView(**row._mapping) for row in connection.execute(selection))


def _relevance(connection: Connection, revision_id: int) -> Relevant | None:
    columns = (screenings.c.value, screenings.c.reason, screenings.c.terms)
    judged = (screenings.c.revision_id == revision_id, screenings.c.run_id == run_or_current(connection, None))
    row = connection.execute(select(*columns).where(*judged)).one_or_none()
    return Relevant(value=row.value, reason=row.reason, terms=tuple(row.terms)) if row else None


def _same_text(connection: Connection, article_id: int, content_hash: str) -> tuple[tuple[str, str], ...]:
    mine = select(lineage_members.c.lineage_id).where(lineage_members.c.article_id == article_id)
    kin = select(lineage_members.c.article_id).where(lineage_members.c.lineage_id.in_(mine))
    alike = select(revisions.c.article_id).where(revisions.c.content_hash == content_hash)
    same = or_(articles.c.id.in_(kin), articles.c.id.in_(alike))
    selection = select(articles.c.url, articles.c.outlet).where(same, articles.c.id != article_id)
    rows = connection.execute(selection.order_by(articles.c.first_seen_at, articles.c.id))
    return tuple((url, outlet) for url, outlet in rows)
