"""The API: what is stored, as JSON for programs."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.report.api.articles import article_routes
from pipeline.report.api.atom import atom_routes
from pipeline.report.api.describing import PROBLEMS
from pipeline.report.api.digests import digest_routes
from pipeline.report.api.exports import export_routes
from pipeline.report.api.figures import figure_routes
from pipeline.report.api.operations import operations_routes
from pipeline.report.api.search import search_routes
from pipeline.report.api.store import store_routes


def api_routes() -> APIRouter:
    """All routes of the API."""
    router = APIRouter(responses={code: about for code, about in PROBLEMS.items() if code != "404"})
    for routes in (
        operations_routes,
        article_routes,
        search_routes,
        figure_routes,
        store_routes,
        digest_routes,
        export_routes,
        atom_routes,
    ):
        router.include_router(routes())
    return router
