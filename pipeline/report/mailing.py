"""The page on which an admin keeps the mailing lists: who is on them, and when they are sent."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pipeline.errors import StorageError
from pipeline.report.asking import Reading
from pipeline.report.auth import Caller, needs, utc_now
from pipeline.report.pages.page import page as framed
from pipeline.report.pages.page import words_of
from pipeline.report.sign_in import form_of
from pipeline.report.words import N_, Words
from storage import outbox, recipients

PAGE = "/recipients"
FAULTS = {
    "bad_address": N_("That is no mail address; write it like name@example.org."),
    "no_list": N_("There is no such list."),
}
Admin = Annotated[Caller, needs("admin")]


def mailing_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(include_in_schema=False)

    @router.get(PAGE)
    def page(request: Request, connection: Reading, caller: Admin) -> HTMLResponse:  # noqa: ARG001 - it is asked for
        words = words_of(request)
        return framed(
            request,
            "recipients.html",
            title=words.gettext("Mailing lists"),
            lists=recipients.lists(connection),
            people=recipients.on_list(connection),
            fault=_fault(request, words),
        )

    @router.post(f"{PAGE}/add")
    async def add(request: Request, caller: Admin) -> Response:  # noqa: ARG001 - it is asked for
        return await _change(request, add=True)

    @router.post(f"{PAGE}/remove")
    async def remove(request: Request, caller: Admin) -> Response:  # noqa: ARG001 - it is asked for
        return await _change(request, add=False)

    return router


async def _change(request: Request, *, add: bool) -> Response:
    form = await form_of(request)
    fault = await run_in_threadpool(_changed, request, form.get("list", ""), form.get("address", ""), add)
    return RedirectResponse(f"{PAGE}?fault={quote(fault)}" if fault else PAGE, 303)


def _changed(request: Request, name: str, address: str, add: bool) -> str:
    change = recipients.add if add else outbox.remove
    try:
        with request.app.state.database.write() as connection:
            change(connection, name, address, utc_now())
    except StorageError as error:
        if error.reason not in FAULTS:
            raise
        return error.reason
    return ""


def _fault(request: Request, words: Words) -> str:
    fault = FAULTS.get(request.query_params.get("fault", ""), "")
    return words.gettext(fault) if fault else ""  # an empty message is the catalogue's own header
