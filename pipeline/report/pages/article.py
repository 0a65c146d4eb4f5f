"""One article: its text with the coded passages marked, its score and what that rests on, and where it comes from."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from pipeline.report.asking import Reading, Settled
from pipeline.report.pages import names
from pipeline.report.pages.page import caller_of, page
from pipeline.report.pages.passages import marked
from pipeline.report.words import N_
from storage import queries
from storage.queries import ArticleView

ALIKE = 5
DIGITS = 19  # of the largest id


def article_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/articles/{article_id}")
    def article(request: Request, connection: Reading, settings: Settled, article_id: str) -> HTMLResponse:
        view = queries.article_view(connection, _id(article_id))
        if view is None:
            raise HTTPException(404, N_("There is no such article here"))
        return page(
            request,
            "article.html",
            title=view.title or view.url,
            place="articles",
            view=view,
            alike=queries.similar(connection, view.article_id, ALIKE),
            names=names,
            coverage=settings.score.coverage,
            whole=caller_of(request) is not None,  # quotations are for everybody, the text of others is not
            **_parts(view),
        )

    return router


def _id(article_id: str) -> int:
    return int(article_id) if article_id.isascii() and article_id.isdigit() and len(article_id) <= DIGITS else 0


def _parts(view: ArticleView) -> dict[str, Any]:
    bearing = [one for one in view.passages if one.codes or one.facts]
    given = {fact: one.position for one in reversed(bearing) for fact in one.facts}
    cautions = [*(["partial"] if view.partial else []), *(view.score.unusual if view.score else ())]
    return {
        "passages": bearing,
        "heading": marked(view.title, (one for one in bearing if one.part == "title")),
        "paragraphs": marked(view.text, (one for one in bearing if one.part == "text")),
        "given": given,
        "cautions": cautions,
    }
