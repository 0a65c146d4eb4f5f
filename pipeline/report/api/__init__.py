"""The API: what is stored, as JSON for programs."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.report.api.coverage import coverage_routes
from pipeline.report.api.operations import operations_routes
from pipeline.report.api.search import search_routes


def api_routes() -> APIRouter:
    """All routes of the API."""
    router = APIRouter()
    router.include_router(operations_routes())
    router.include_router(coverage_routes())
    router.include_router(search_routes())
    return router
