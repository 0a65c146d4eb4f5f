"""The dashboard: pages for people, rendered here and readable without a script.

A page is a module with a function that gives its routes; `page.page` fills its template.
"""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.report.pages.overview import overview_routes


def page_routes() -> APIRouter:
    """All routes of the dashboard."""
    router = APIRouter(include_in_schema=False)
    for routes in (overview_routes(),):
        router.include_router(routes)
    return router
