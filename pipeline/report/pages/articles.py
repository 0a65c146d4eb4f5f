"""The list of scored articles, narrowed by a form whose answers have addresses that can be handed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from pipeline.errors import ModelError, StorageError
from pipeline.report.asking import Reading, meant
from pipeline.report.pages import names
from pipeline.report.pages.asked import LABELS, SORTS, Asked, asked
from pipeline.report.pages.page import Spoken, caller_of, page
from pipeline.report.words import LANGUAGES, N_, Words
from storage import queries

ROWS = 25
WITHOUT = N_("Search by meaning needs the model, which this server does not have. Search for words instead.")
BUSY = N_("The model can’t answer just now. Try again in a moment, or search for words.")
MOST = 10_000  # counted no further


def articles_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/articles")
    def articles(request: Request, connection: Reading, words: Spoken) -> Response:
        question = asked(request.query_params)
        if any(request.query_params.get(name) == "" for name in LABELS):  # a form sends what was left empty, too
            return RedirectResponse(question.link(after=question.after), 303)
        if "like" in question.given and not question.faults:
            return _alike(request, connection, question, words)
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


def _alike(request: Request, connection: Connection, question: Asked, words: Words) -> HTMLResponse:
    """The list by meaning, as the model has it; a notice where there is none to ask."""
    try:
        asked_for = meant(request, question.given["like"])
    except ModelError:
        return _page(request, connection, question, words, lost=BUSY, status=503)
    if asked_for is None:
        return _page(request, connection, question, words, lost=WITHOUT, status=503)
    alike = queries.nearest(connection, asked_for.vector, ROWS, question.wanted, language=asked_for.language)
    return _page(request, connection, question, words, alike=alike, status=200)


def _snippets(request: Request, connection: Connection, question: Asked, found: queries.Page | None) -> dict[int, Any]:
    """Where the words stand in each text, for those who may read the texts."""
    if found is None or question.wanted.text is None or caller_of(request) is None:
        return {}
    terms = queries.terms(question.wanted.text)
    texts = queries.texts(connection, [row.article_id for row in found.rows])
    cut = {article_id: queries.snippet(text, terms) for article_id, text in texts.items()}
    return {article_id: pieces(one) for article_id, one in cut.items() if one.marks}


def pieces(cut: queries.Snippet) -> list[tuple[str, bool]]:
    """A snippet in its pieces, in order, each with whether it was searched for."""
    found, at = [("… ", False)] if cut.before else [], 0
    for start, end in cut.marks:
        found += [(cut.text[at:start], False), (cut.text[start:end], True)]
        at = end
    return [*found, (cut.text[at:], False), *([(" …", False)] if cut.after else [])]


def _page(
    request: Request,
    connection: Connection,
    question: Asked,
    words: Words,
    *,
    found: queries.Page | None = None,
    alike: tuple[queries.Similar, ...] | None = None,
    lost: str = "",
    status: int = 0,
) -> HTMLResponse:
    return page(
        request,
        "articles.html",
        title=words.gettext("Articles"),
        place="articles",
        status=status or (200 if found else 400),
        question=question,
        found=found,
        alike=alike,
        snippets=_snippets(request, connection, question, found),
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
