"""The sign-in page: a token becomes a session."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pipeline.report.auth import SIGN_IN, SIGN_OUT, Door
from pipeline.report.markup import render
from pipeline.report.sessions import Sessions
from pipeline.report.shield import client

FORM = "application/x-www-form-urlencoded"


def sign_in_routes(door: Door, sessions: Sessions) -> APIRouter:
    """The routes."""
    router = APIRouter(include_in_schema=False)

    @router.get(SIGN_IN)
    def page(request: Request) -> HTMLResponse:
        return _page(caller=request.state.caller, place=_here(request.query_params.get("next", "")))

    @router.post(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        form = await form_of(request)
        place = _here(form.get("next", ""))
        token = await run_in_threadpool(door.opened, form.get("token", "").strip(), client(request.scope))
        if token is None:
            return _page(status=401, place=place, failed=True)
        answer = RedirectResponse(place, 303)
        sessions.begin(request, answer, token.prefix, door.clock())
        return answer

    @router.post(SIGN_OUT)
    def sign_out(request: Request) -> Response:
        answer = RedirectResponse(SIGN_IN, 303)
        sessions.end(request, answer)
        return answer

    return router


def _page(*, place: str, caller: Any = None, failed: bool = False, status: int = 200) -> HTMLResponse:
    return HTMLResponse(render("sign_in.html", caller=caller, place=place, failed=failed), status)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent. Raises HTTPException."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise HTTPException(415, f"send the form as {FORM}")
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=10)
    except ValueError:
        raise HTTPException(400, "the form can't be read") from None
    return {name: values[0] for name, values in fields.items()}


def _here(place: str) -> str:
    """A path of this site, never another site's address: browsers read `//` and `/\\` as the start of one."""
    stays = place.startswith("/") and place[1:2] not in ("/", "\\") and place.isascii() and place.isprintable()
    return place if stays else SIGN_IN
