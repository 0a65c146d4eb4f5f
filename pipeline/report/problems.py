"""Errors as problem details (RFC 9457): a title that tells what to do, never a trace or what was sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from pipeline.errors import StorageError

log = structlog.get_logger()
MOST = 20  # faults named in one answer
TITLE = "Something went wrong here; the log says what"


def problem(status: int, title: str, headers: Any = None, **more: Any) -> JSONResponse:
    """The answer for an error."""
    content = {"status": status, "title": title, **more}
    return JSONResponse(content, status, headers=headers, media_type="application/problem+json")


def too_many(wait_s: float) -> HTTPException:
    """The refusal of a client that has asked too much for now."""
    wait = max(1, round(wait_s))
    return HTTPException(429, f"too many requests; try again in {wait} s", {"Retry-After": str(wait)})


def refused(error: AnyHTTPException) -> JSONResponse:
    """The answer for a refusal on purpose."""
    title = error.detail if isinstance(error.detail, str) else HTTPStatus(error.status_code).phrase
    return problem(error.status_code, title, headers=error.headers)


def not_stored(error: StorageError) -> JSONResponse:
    """The answer where the database does not answer, or not to this."""
    if error.reason == "bad_cursor":
        return problem(422, str(error))
    if error.reason == "refused":
        return problem(422, "The database refuses these values")
    log.error("database", reason=error.reason, detail=str(error))
    return problem(503, "The database can't be used now; the log says why")


def install(app: FastAPI) -> None:
    """Make every error of an application a problem."""

    @app.exception_handler(AnyHTTPException)
    def refuse(_: Request, error: AnyHTTPException) -> JSONResponse:
        return refused(error)

    @app.exception_handler(RequestValidationError)
    def explain(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            {"where": ".".join(map(str, fault["loc"]))[:100], "what": fault["msg"][:300]} for fault in error.errors()
        ]
        return problem(422, "The request can't be understood; see `faults`", faults=faults[:MOST])

    @app.exception_handler(StorageError)
    def blame(_: Request, error: StorageError) -> JSONResponse:
        return not_stored(error)
