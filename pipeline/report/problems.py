"""Errors: a title that tells what to do, never a trace or what was sent.

Programs get problem details (RFC 9457), and browsers that ask for a page get one.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.types import Receive, Scope, Send

from pipeline.errors import StorageError
from pipeline.report.words import N_

log = structlog.get_logger()
MOST = 20  # faults named in one answer
TITLE = N_("Something went wrong here; the log says what")
API = "/api/"


class Problem(JSONResponse):
    """An error. Decides when it is sent whether it is one for a program or for a person."""

    media_type = "application/problem+json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        request = Request(scope)
        if "text/html" not in request.headers.get("accept", "") or scope["path"].startswith(API):
            await super().__call__(scope, receive, send)
            return
        from pipeline.report.pages.error import error_page  # pages answer with problems themselves

        await error_page(request, self)(scope, receive, send)


def problem(status: int, title: str, headers: Any = None, **more: Any) -> Problem:
    """The answer for an error."""
    return Problem({"status": status, "title": title, **more}, status, headers=headers)


def too_many(wait_s: float) -> HTTPException:
    """The refusal of a client that has asked too much for now."""
    wait = max(1, round(wait_s))
    return HTTPException(429, f"too many requests; try again in {wait} s", {"Retry-After": str(wait)})


def refused(error: AnyHTTPException) -> Problem:
    """The answer for a refusal on purpose."""
    title = error.detail if isinstance(error.detail, str) else HTTPStatus(error.status_code).phrase
    return problem(error.status_code, title, headers=error.headers)


def not_stored(error: StorageError) -> Problem:
    """The answer where the database does not answer, or not to this."""
    if error.reason == "bad_cursor":
        return problem(422, str(error))
    if error.reason == "refused":
        return problem(422, N_("The database refuses these values"))
    log.error("database", reason=error.reason, detail=str(error))
    return problem(503, N_("The database can't be used now; the log says why"))


def install(app: FastAPI) -> None:
    """Make every error of an application a problem."""

    @app.exception_handler(AnyHTTPException)
    def refuse(_: Request, error: AnyHTTPException) -> Problem:
        return refused(error)

    @app.exception_handler(RequestValidationError)
    def explain(_: Request, error: RequestValidationError) -> Problem:
        faults = [
            {"where": ".".join(map(str, fault["loc"]))[:100], "what": fault["msg"][:300]} for fault in error.errors()
        ]
        return problem(422, "The request can't be understood; see `faults`", faults=faults[:MOST])

    @app.exception_handler(StorageError)
    def blame(_: Request, error: StorageError) -> Problem:
        return not_stored(error)
