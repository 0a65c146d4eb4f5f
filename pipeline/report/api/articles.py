"""Scored articles over HTTP, and the sentences that their scores rest on. Never a whole text: outlets own those."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath

from pipeline.report.api.describing import PROBLEMS, UNCHANGED
from pipeline.report.api.fresh import Fresh
from pipeline.report.asking import Reading, Wanted
from storage import queries
from storage.columns import MAX_ID
from storage.queries import CodedSentence, Coverage, Page, Relevant, RevisionView, RunScore, Sort

Limit = Annotated[int, Query(ge=1, le=1000, description="Articles at most.")]
After = Annotated[str | None, Query(max_length=100, description="The `next` of the page before, in the same order.")]
Id = Annotated[int, InPath(ge=1, le=MAX_ID)]
NONE: dict[int | str, dict[str, Any]] = {"404": PROBLEMS["404"]}


@dataclass(frozen=True, slots=True)
class Copy:
    """Another article with the same wire text."""

    url: str
    outlet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownArticle:
    """An article in its current wording, with its score under the current run, if it has one.

    `evidence`: the sentences that the score rests on; `scores` and `revisions`: the oldest first.
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
    partial: bool
    extractor: str
    revision: int
    score: Coverage | None
    evidence: tuple[CodedSentence, ...]
    scores: tuple[RunScore, ...]
    revisions: tuple[RevisionView, ...]
    relevance: Relevant | None
    same_text: tuple[Copy, ...]


def article_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["articles"], responses=UNCHANGED)

    @router.get("/articles")
    def articles(
        connection: Reading,
        wanted: Wanted,
        _: Fresh,
        sort: Annotated[Sort, Query(description="Which come first.")] = "newest",
        limit: Limit = 100,
        after: After = None,
    ) -> Page:
        """Scored articles. `next` asks for those that follow; what comes in meanwhile disturbs nothing."""
        return queries.coverage(connection, wanted, sort=sort, limit=limit, after=after or None)

    @router.get("/articles/{article_id}", responses=NONE)
    def article(connection: Reading, _: Fresh, article_id: Id) -> KnownArticle:
        """One article: its score with the evidence, its wordings, its scores under other runs."""
        return known_article(connection, article_id)

    @router.get("/articles/{article_id}/scores", responses=NONE)
    def scores(connection: Reading, _: Fresh, article_id: Id) -> tuple[RunScore, ...]:
        """All scores of an article, of every wording and run, the oldest first."""
        return known_article(connection, article_id).scores

    @router.get("/articles/{article_id}/evidence", responses=NONE)
    def evidence(connection: Reading, _: Fresh, article_id: Id) -> tuple[CodedSentence, ...]:
        """The quoted sentences that an article's current score rests on."""
        return known_article(connection, article_id).evidence

    @router.get("/scores/{score_id}/evidence", responses=NONE)
    def evidence_of_score(connection: Reading, _: Fresh, score_id: Id) -> tuple[CodedSentence, ...]:
        """The quoted sentences that a score rests on."""
        found = queries.evidence(connection, score_id)
        if not found:
            raise HTTPException(404, "no such score, or it has no coded passage")
        return found

    return router


def known_article(connection: Reading, article_id: int) -> KnownArticle:
    """What may be shown of an article. Raises HTTPException (404)."""
    found = queries.article_view(connection, article_id)
    if found is None:
        raise HTTPException(404, "no such article")
    names = [field.name for field in fields(KnownArticle) if field.name not in ("evidence", "same_text")]
    copies = tuple(Copy(*one) for one in found.same_text)
    quoted = tuple(sentence for sentence in found.passages if sentence.codes or sentence.facts)
    return KnownArticle(**{name: getattr(found, name) for name in names}, evidence=quoted, same_text=copies)
