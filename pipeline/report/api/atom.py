"""The Atom feed over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pipeline.report.api.describing import UNCHANGED
from pipeline.report.api.fresh import Fresh
from pipeline.report.asking import Reading, Settled, Wanted
from pipeline.report.atom import MEDIA_TYPE, Scored, atom
from pipeline.report.words import Words
from storage import queries


def atom_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["export"], responses=UNCHANGED)

    @router.get(
        "/articles.atom",
        response_class=Response,
        responses={200: {"description": "The feed.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    )
    def feed(
        request: Request,
        connection: Reading,
        settings: Settled,
        wanted: Wanted,
        headers: Fresh,
        limit: Annotated[int, Query(ge=1, le=200, description="Entries at most.")] = 50,
    ) -> Response:
        """The articles that were scored last, for feed readers; these may sign in with a token as password."""
        found = queries.latest_scored(connection, wanted, limit=limit)
        entries = [Scored(article=row, evidence=queries.evidence(connection, row.score_id)) for row in found]
        page = atom(entries, url=str(request.url), words=Words(settings.report.language))
        return Response(page, media_type=MEDIA_TYPE, headers=headers)

    return router
