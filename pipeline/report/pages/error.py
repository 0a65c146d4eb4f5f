"""An error as a page: what it is, in the reader's language, and where to go from there."""

from __future__ import annotations

import json
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import HTMLResponse

from pipeline.report.pages.page import page, words_of
from pipeline.report.problems import Problem
from pipeline.report.words import N_

TITLES = {
    400: N_("This can’t be answered"),
    401: N_("An access token is needed"),
    403: N_("This is not allowed"),
    404: N_("There is no such page"),
    405: N_("This is not allowed"),
    429: N_("Too many requests"),
    500: N_("Something went wrong"),
    503: N_("Not available now"),
}
HINT = N_("The address may be mistyped, or what was there is gone.")


def error_page(request: Request, problem: Problem) -> HTMLResponse:
    """The page for an error, with its status and headers."""
    words = words_of(request)
    said = json.loads(bytes(problem.body))["title"]
    if said == HTTPStatus(problem.status_code).phrase:
        said = HINT if problem.status_code == 404 else ""
    title = words.gettext(TITLES.get(problem.status_code, TITLES[400]))
    answer = page(request, "error.html", title=title, status=problem.status_code, said=said)
    ours = {name: value for name, value in problem.headers.items() if name not in ("content-length", "content-type")}
    answer.headers.update(ours)
    return answer
