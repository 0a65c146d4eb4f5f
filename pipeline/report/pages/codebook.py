"""What is looked for in articles, and how well it is found: measured figures come with the heads that are in use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from config.codebook import home
from pipeline.analyse.heads import read_about
from pipeline.report.pages import names
from pipeline.report.pages.page import Spoken, page
from pipeline.report.words import N_

HEADS = "heads.npz"
MEASURES = {
    "articles": N_("articles"),
    "relevance F1": N_("Is it about the talks? (F1)"),
    "family macro-F1": N_("Optimistic, vigilant or neutral, by sentence (macro-F1)"),
    "code micro-F1": N_("Which code, by sentence (micro-F1)"),
    "voice macro-F1": N_("In whose voice, by sentence (macro-F1)"),
    "omission F1": N_("Which context is left out, by article (F1)"),
    "tone Spearman": N_("Tone: order of the articles (Spearman)"),
    "tone ordinal alpha": N_("Tone: agreement with the coder (ordinal alpha)"),
    "tone mean absolute error": N_("Tone: mean absolute error, on -1 to +1"),
    "intervals at 80% that hold it": N_("Intervals at 80 % that hold the coder's tone"),
}
GROUPS = ("all", "en", "ja", "ru")


def codebook_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/codebook")
    def codebook(request: Request, words: Spoken) -> HTMLResponse:
        return page(
            request,
            "codebook.html",
            title=words.gettext("Codebook"),
            place="codebook",
            book=names.codebook(),
            measures=MEASURES,
            groups=[group for group in GROUPS if group in quality()],
            quality=quality(),
        )

    return router


@cache
def quality() -> Mapping[str, Mapping[str, Any]]:
    """Figures by language and for all, on authors that the shipped heads had not seen; nothing where they have none."""
    found: Mapping[str, Mapping[str, Any]] = read_about(home().joinpath(HEADS)).get("figures", {})
    return found
