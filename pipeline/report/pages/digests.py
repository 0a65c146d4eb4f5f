"""The archive of digests: what was sent when, and each one as it was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, Response

from pipeline.report.asking import Reading
from pipeline.report.markup import archived
from pipeline.report.pages.page import Spoken, page
from pipeline.report.words import N_
from storage import digests as archive
from storage.columns import MAX_ID
from storage.digests import Digest

SHOWN = 60  # digests on a page of the list
MISSING = N_("there is no such digest")
Number = Annotated[int, InPath(ge=1, le=MAX_ID)]


def digests_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/digests")
    def digests(
        request: Request, connection: Reading, words: Spoken, before: Annotated[int | None, Query(ge=1)] = None
    ) -> HTMLResponse:
        found = archive.digests(connection, limit=SHOWN + 1, before=before)
        return page(
            request,
            "digests.html",
            title=words.gettext("Digests"),
            place="digests",
            rows=found[:SHOWN],
            older=found[SHOWN - 1].id if len(found) > SHOWN else None,
            before=before,
        )

    @router.get("/digests/{number}")
    def digest(request: Request, number: Number, connection: Reading) -> HTMLResponse:
        found = _digest(archive.digest(connection, number))
        text = archived(found.html)
        return page(request, "digest_page.html", title=found.subject, place="digests", digest=found, text=text)

    @router.get("/digests/{number}/chart.png")
    def chart(number: Number, connection: Reading) -> Response:
        found = _digest(archive.digest(connection, number))
        if found.chart is None:
            raise HTTPException(404, MISSING)
        return Response(found.chart, media_type="image/png")

    return router


def _digest(found: Digest | None) -> Digest:
    if found is None:
        raise HTTPException(404, MISSING)
    return found
