"""The dashboard: pages for people, rendered here and readable without a script.

A page is a module with a function that gives its routes; `page.page` fills its template.
"""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.report.pages.article import article_routes
from pipeline.report.pages.articles import articles_routes
from pipeline.report.pages.explanation import explanation_routes
from pipeline.report.pages.overview import overview_routes


def page_routes() -> APIRouter:
    """All routes of the dashboard."""
    router = APIRouter(include_in_schema=False)
    for routes in (overview_routes(), articles_routes(), article_routes(), explanation_routes()):
        router.include_router(routes)
    return router
