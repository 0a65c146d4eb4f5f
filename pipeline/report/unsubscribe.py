"""How readers leave a mailing list: a page with a button, and the one-click POST of mail readers (RFC 8058).

Opening the page changes nothing, because mail readers and scanners open every link. Every token gets the same answers,
so that nobody learns which are real.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from pipeline.report.auth import UNSUBSCRIBE, utc_now
from pipeline.report.markup import render
from pipeline.report.pages.page import tongue_of
from pipeline.report.words import Tongue
from storage import outbox

Token = Annotated[str, Path(max_length=100)]
Spoken = Annotated[Tongue | None, Query(alias="lang")]


def unsubscribe_routes() -> APIRouter:
    """The routes, open to everybody."""
    router = APIRouter(include_in_schema=False)

    @router.get(f"{UNSUBSCRIBE}{{token}}")
    def ask(request: Request, token: Token, spoken: Spoken = None) -> HTMLResponse:  # noqa: ARG001 - it is in the address
        return _page(request, spoken, left=False)

    @router.post(f"{UNSUBSCRIBE}{{token}}")
    async def leave(request: Request, token: Token, spoken: Spoken = None) -> HTMLResponse:
        await run_in_threadpool(_leave, request, token)
        return _page(request, spoken, left=True)

    return router


def _leave(request: Request, token: str) -> None:
    with request.app.state.database.write() as connection:
        outbox.unsubscribe(connection, token, utc_now())


def _page(request: Request, spoken: Tongue | None, *, left: bool) -> HTMLResponse:
    tongue = spoken or tongue_of(request)
    return HTMLResponse(render("unsubscribe.html", tongue, left=left))
