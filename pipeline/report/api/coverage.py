"""Scored coverage over HTTP, read-only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from pipeline.report.asking import Reading
from pipeline.report.auth import HEALTH
from storage import queries


def coverage_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["operations"])

    @router.get(HEALTH)
    def health() -> dict[str, str]:
        """Whether the web process answers. Open to everybody."""
        return {"status": "ok"}

    @router.get("/ready")
    def ready(connection: Reading) -> dict[str, Any]:
        """Whether the database answers too."""
        return {"status": "ready", "scored": queries.funnel(connection).scored}

    @router.get("/api/v1/feeds")
    def feeds(connection: Reading) -> list[dict[str, Any]]:
        """The feeds and how polling goes."""
        return [asdict(row) for row in queries.feed_health(connection)]

    return router
