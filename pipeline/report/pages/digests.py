"""The archive of digests: what was sent when, and each one as it was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, Response

from pipeline.errors import SettingsError
from pipeline.report.asking import Reading, Settled
from pipeline.report.digest.mail import as_file
from pipeline.report.digest.making import standing_alone
from pipeline.report.markup import archived
from pipeline.report.pages.page import Spoken, page
from pipeline.report.words import N_
from storage import digests as archive
from storage.columns import MAX_ID
from storage.digests import Digest

SHOWN = 60  # digests on a page of the list
# Its styles stand in its elements, its chart lies in it; nothing else may be loaded, run or sent.
ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:; base-uri 'none'; form-action 'none'; " + (
    "frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
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

    @router.get("/digests/{number}.html")
    def page_file(number: Number, connection: Reading) -> Response:
        found = _said(archive.digest(connection, number))
        return Response(standing_alone(found), media_type="text/html", headers={"content-security-policy": ALONE})

    @router.get("/digests/{number}.txt")
    def text_file(number: Number, connection: Reading) -> Response:
        found = _said(archive.digest(connection, number))
        return Response(found.plain, media_type="text/plain", headers=_download(found, "txt"))

    @router.get("/digests/{number}.eml")
    def mail_file(number: Number, connection: Reading, settings: Settled) -> Response:
        found = _said(archive.digest(connection, number))
        try:
            mail = as_file(found, settings.mail)
        except SettingsError as error:
            raise HTTPException(503, str(error)) from None
        return Response(mail, media_type="message/rfc822", headers=_download(found, "eml"))

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


def _said(found: Digest | None) -> Digest:
    """A digest that has a text."""
    found = _digest(found)
    if found.quiet:
        raise HTTPException(404, MISSING)
    return found


def _download(found: Digest, ending: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="digest-{found.day}-{found.id}.{ending}"'}


def _digest(found: Digest | None) -> Digest:
    if found is None:
        raise HTTPException(404, MISSING)
    return found
