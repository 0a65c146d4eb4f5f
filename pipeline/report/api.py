"""Stored coverage over HTTP, read-only. Quotations and links, never whole articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from config.sources import FeedKind
from pipeline.errors import StorageError
from pipeline.records import Language
from storage import queries
from storage.database import Database

Time = Annotated[datetime | None, Query(description="UTC where no offset is given.")]


def _reader(request: Request) -> Iterator[Connection]:
    with request.app.state.database.read() as connection:
        yield connection


Reading = Annotated[Connection, Depends(_reader)]


def api_of(database: Database) -> FastAPI:
    """The web application on one database."""
    app = FastAPI(title="treatywatch", description=__doc__, docs_url=None, redoc_url=None)

    app.state.database = database

    @app.exception_handler(StorageError)
    def refuse(_: Request, error: StorageError) -> JSONResponse:
        status = 422 if error.reason == "bad_cursor" else 503
        return JSONResponse({"title": str(error), "status": status}, status, media_type="application/problem+json")

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the web process answers."""
        return {"status": "ok"}

    @app.get("/ready")
    def ready(connection: Reading) -> dict[str, Any]:
        """Whether the database answers too."""
        return {"status": "ready", "scored": queries.funnel(connection).scored}

    @app.get("/api/v1/articles")
    def articles(
        connection: Reading,
        outlet: str | None = None,
        country: str | None = None,
        kind: FeedKind | None = None,
        language: Language | None = None,
        code: str | None = None,
        since: Time = None,
        until: Time = None,
        text: Annotated[str | None, Query(max_length=500)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        after: Annotated[str | None, Query(max_length=100)] = None,
    ) -> dict[str, Any]:
        """Scored articles, the newest first; `next` continues."""
        wanted = queries.Filter(
            outlet=outlet,
            country=country,
            kind=kind,
            language=language,
            code=code,
            since=_utc(since),
            until=_utc(until),
            text=text,
        )
        page = queries.coverage(connection, wanted, limit=limit, after=after)
        return {"rows": [asdict(row) for row in page.rows], "next": page.next}

    @app.get("/api/v1/articles/{score_id}/evidence")
    def evidence(connection: Reading, score_id: Annotated[int, InPath(ge=1, lt=2**63)]) -> list[dict[str, Any]]:
        """The quoted passages that a score rests on."""
        found = queries.evidence(connection, score_id)
        if not found:
            raise HTTPException(404, "no such score, or it has no coded passage")
        return [asdict(quotation) for quotation in found]

    @app.get("/api/v1/outlets")
    def outlets(connection: Reading, min_n: Annotated[int, Query(ge=5)] = 10) -> list[dict[str, Any]]:
        """Outlets compared; those with fewer than `min_n` articles have only their number."""
        return [asdict(row) for row in queries.by_outlet(connection, min_n=min_n)]

    @app.get("/api/v1/feeds")
    def feeds(connection: Reading) -> list[dict[str, Any]]:
        """The feeds and how polling goes."""
        return [asdict(row) for row in queries.feed_health(connection)]

    return app


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
