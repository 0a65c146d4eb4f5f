"""Coverage found by what it means, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as InPath

from pipeline.errors import ModelError
from pipeline.report.asking import Reading, Wanted, meant
from storage import queries
from storage.queries import Similar

Most = Annotated[int, Query(ge=1, le=100, description="Articles at most.")]


def search_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["articles"])

    @router.get("/api/v1/search")
    def search(
        request: Request,
        connection: Reading,
        meaning: Annotated[str, Query(min_length=1, max_length=500, description="In any of the languages.")],
        wanted: Wanted,
        n: Most = 10,
    ) -> list[Similar]:
        """Scored articles nearest in meaning to a text, in whatever language they are. Needs the model: 503 without."""
        question = asked(request, meaning)
        found = queries.nearest(connection, question.vector, n, wanted, language=question.language)
        return list(found)

    @router.get("/api/v1/articles/{article_id}/similar")
    def similar(connection: Reading, article_id: Annotated[int, InPath(ge=1, lt=2**63)], n: Most = 10) -> list[Similar]:
        """Scored articles most like this one, in whatever language; none where its vector is not kept."""
        return list(queries.similar(connection, article_id, n))

    return router


def asked(request: Request, meaning: str) -> Any:
    """The question as a vector. Refused with 503 where there is no model, or it has too much to do."""
    try:
        question = meant(request, meaning)
    except ModelError as error:
        raise HTTPException(503, str(error), {"Retry-After": "10"}) from None
    if question is None:
        raise HTTPException(503, "search by meaning needs the model, which this server has not")
    return question
