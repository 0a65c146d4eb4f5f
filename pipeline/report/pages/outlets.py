"""Outlets compared: how they lean, at constant mix too, and how that goes in time."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pipeline.report.asking import Reading, Settled
from pipeline.report.pages.comparing import figures_of, narrowed, narrowing
from pipeline.report.pages.page import Spoken, page


def outlets_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/outlets")
    def outlets(request: Request, connection: Reading, settings: Settled, words: Spoken) -> HTMLResponse:
        asked = narrowed(request.query_params)
        compared, multiples = figures_of(("outlets", "outlets-in-time"), asked, connection, settings, words)
        return page(
            request,
            "outlets.html",
            title=words.gettext("Outlets"),
            place="outlets",
            ranked=[row for row in compared.records if row.tone is not None],
            few_named=sorted((row.group, row.articles) for row in compared.records if row.tone is None),
            compared=compared,
            multiples=multiples,
            report=settings.report,
            **narrowing(asked, connection, "/outlets"),
        )

    return router
