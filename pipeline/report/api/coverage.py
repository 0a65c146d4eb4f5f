"""Scored coverage over HTTP, read-only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as InPath

from pipeline.report.asking import Reading, Wanted
from pipeline.report.auth import HEALTH, Caller, needs
from storage import queries


def coverage_routes() -> APIRouter:
    """The routes."""
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
        wanted: Wanted,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        after: Annotated[str | None, Query(max_length=100)] = None,
    ) -> dict[str, Any]:
        """Scored articles, the newest first; `next` continues."""
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
