"""The API: what is stored, as JSON for programs."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.report.api.articles import article_routes
from pipeline.report.api.atom import atom_routes
from pipeline.report.api.coverage import coverage_routes
from pipeline.report.api.describing import PROBLEMS
from pipeline.report.api.digests import digest_routes
from pipeline.report.api.exports import export_routes
from pipeline.report.api.figures import figure_routes
from pipeline.report.api.store import store_routes


def api_routes() -> APIRouter:
    """All routes of the API."""
    router = APIRouter(responses={code: about for code, about in PROBLEMS.items() if code != "404"})
    router.include_router(coverage_routes())
    for routes in (article_routes, figure_routes, store_routes, digest_routes, export_routes, atom_routes):
        router.include_router(routes())
    return router
