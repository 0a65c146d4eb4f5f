"""What articles convey: codes, omitted context and voices by outlet."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pipeline.report.asking import Reading, Settled
from pipeline.report.pages.comparing import figures_of, narrowed, narrowing
from pipeline.report.pages.page import Spoken, page
from storage import queries


def codes_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/codes")
    def codes(request: Request, connection: Reading, settings: Settled, words: Spoken) -> HTMLResponse:
        asked = narrowed(request.query_params)
        borne, omitted, voices = figures_of(("codes", "omitted", "voices"), asked, connection, settings, words)
        report = settings.report
        return page(
            request,
            "codes.html",
            title=words.gettext("Codes"),
            place="codes",
            overall=queries.code_shares(
                connection, asked.asked.wanted, group=None, min_n=report.min_n, level=report.level
            ),
            few_named=sorted({(row.group, row.articles) for row in borne.records if row.share is None}),
            borne=borne,
            omitted=omitted,
            voices=voices,
            report=report,
            **narrowing(asked, connection, "/codes"),
        )

    return router
