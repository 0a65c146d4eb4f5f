"""The first page: what coverage looks like now, and what is new."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pipeline.report.pages.page import Spoken, page


def overview_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/")
    def overview(request: Request, words: Spoken) -> HTMLResponse:
        return page(request, "overview.html", title=words.gettext("Overview"), place="overview")

    return router
