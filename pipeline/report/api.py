"""Stored coverage over HTTP, read-only. Quotations and links, never whole articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Connection

from config.settings import WebSettings
from config.sources import FeedKind
from pipeline.records import Language
from pipeline.report import problems
from pipeline.report.auth import HEALTH, Caller, Door, Gate, needs
from pipeline.report.rates import Rates
from pipeline.report.sessions import Sessions
from pipeline.report.shield import STATIC, Shield, is_loopback
from pipeline.report.sign_in import sign_in_routes
from storage import queries
from storage.database import Database

Time = Annotated[datetime | None, Query(description="UTC where no offset is given.")]


def _reader(request: Request) -> Iterator[Connection]:
    with request.app.state.database.read() as connection:
        yield connection


Reading = Annotated[Connection, Depends(_reader)]


def api_of(database: Database, web: WebSettings, key: bytes) -> FastAPI:
    """The web application on one database. `web.host`: where it listens; `key` signs sessions."""
    app = FastAPI(title="treatywatch", description=__doc__, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.database = database
    sessions = Sessions(key, timedelta(hours=web.session_hours))
    door = Door(database, Rates(web.failed_sign_ins_per_hour, 3600))
    problems.install(app)
    app.include_router(sign_in_routes(door, sessions))
    app.include_router(_coverage_routes())
    app.mount(STATIC, StaticFiles(directory=str(files("pipeline.report").joinpath("static"))))
    app.add_middleware(Gate, door=door, sessions=sessions, local=needs_no_token(web))
    app.add_middleware(Shield, web=web)  # the last one added is the outermost
    return app


def needs_no_token(web: WebSettings) -> bool:
    """Whether whoever can reach the server may use it."""
    return is_loopback(web.host) and not web.require_token


def _coverage_routes() -> APIRouter:
    router = APIRouter()

    @router.get(HEALTH)
    def health() -> dict[str, str]:
        """Whether the web process answers. Open to everybody."""
        return {"status": "ok"}

    @router.get("/ready")
    def ready(connection: Reading) -> dict[str, Any]:
        """Whether the database answers too."""
        return {"status": "ready", "scored": queries.funnel(connection).scored}

    @router.get("/api/v1/me")
    def me(caller: Annotated[Caller, needs("read")]) -> dict[str, str]:
        """Who you are to this server."""
        return {"name": caller.name, "role": caller.role}

    @router.get("/api/v1/articles")
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

    @router.get("/api/v1/articles/{score_id}/evidence")
    def evidence(connection: Reading, score_id: Annotated[int, InPath(ge=1, lt=2**63)]) -> list[dict[str, Any]]:
        """The quoted passages that a score rests on."""
        found = queries.evidence(connection, score_id)
        if not found:
            raise HTTPException(404, "no such score, or it has no coded passage")
        return [asdict(quotation) for quotation in found]

    @router.get("/api/v1/outlets")
    def outlets(connection: Reading, min_n: Annotated[int, Query(ge=5)] = 10) -> list[dict[str, Any]]:
        """Outlets compared; those with fewer than `min_n` articles have only their number."""
        return [asdict(row) for row in queries.by_outlet(connection, min_n=min_n)]

    @router.get("/api/v1/feeds")
    def feeds(connection: Reading) -> list[dict[str, Any]]:
        """The feeds and how polling goes."""
        return [asdict(row) for row in queries.feed_health(connection)]

    return router


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time
