"""The list of scored articles, narrowed by a form whose answers have addresses that can be handed on."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from pipeline.errors import StorageError
from pipeline.report.asking import Reading
from pipeline.report.pages import names
from pipeline.report.pages.asked import LABELS, SORTS, Asked, asked
from pipeline.report.pages.page import Spoken, page
from pipeline.report.words import LANGUAGES, N_, Words
from storage import queries

ROWS = 25
MOST = 10_000  # counted no further


def articles_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/articles")
    def articles(request: Request, connection: Reading, words: Spoken) -> Response:
        question = asked(request.query_params)
        if any(request.query_params.get(name) == "" for name in LABELS):  # a form sends what was left empty, too
            return RedirectResponse(question.link(after=question.after), 303)
        if not question.faults:
            try:
                found = queries.coverage(
                    connection, question.wanted, sort=question.sort, limit=ROWS, after=question.after
                )
                return _page(request, connection, question, words, found=found)
            except StorageError as error:
                if error.reason != "bad_cursor":
                    raise
        lost = "" if question.faults else N_("This part of the list is not there any more; it begins anew below.")
        return _page(request, connection, question, words, lost=lost)

    return router


def _page(
    request: Request,
    connection: Connection,
    question: Asked,
    words: Words,
    *,
    found: queries.Page | None = None,
    lost: str = "",
) -> HTMLResponse:
    return page(
        request,
        "articles.html",
        title=words.gettext("Articles"),
        place="articles",
        status=200 if found else 400,
        question=question,
        found=found,
        lost=lost,
        n=queries.count(connection, question.wanted, most=MOST) if found else 0,
        most=MOST,
        facets=queries.facets(connection),
        sorts=SORTS,
        labels=LABELS,
        shown={name: _shown(name, value, words) for name, value in question.given.items()},
        names=names,
    )


def _shown(name: str, value: str, words: Words) -> str:
    """What was chosen, as the form calls it; what an outlet or a reader wrote stays as it is."""
    called: dict[str, Mapping[str, str]] = {
        "language": LANGUAGES,
        "kind": names.KINDS,
        "sort": {str(sort): said for sort, said in SORTS.items()},
        "omitted": names.codebook().facts,
        "code": {code.id: code.title for code in names.codebook().codes.values()},
    }
    if name == "country":
        return words.country(value)
    said = called.get(name, {}).get(value)
    return words.gettext(said) if said else value
