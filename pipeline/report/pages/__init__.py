"""The dashboard: pages for people, rendered here and readable without a script.

A page is a module with a function that gives its routes; `page.page` fills its template.
"""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.report.pages.article import article_routes
from pipeline.report.pages.articles import articles_routes
from pipeline.report.pages.codebook import codebook_routes
from pipeline.report.pages.codes import codes_routes
from pipeline.report.pages.digests import digests_routes
from pipeline.report.pages.explanation import explanation_routes
from pipeline.report.pages.feeds import feeds_routes
from pipeline.report.pages.outlets import outlets_routes
from pipeline.report.pages.overview import overview_routes
from pipeline.report.pages.pictures import picture_routes


def page_routes() -> APIRouter:
    """All routes of the dashboard."""
    router = APIRouter(include_in_schema=False)
    for routes in (
        overview_routes(),
        articles_routes(),
        article_routes(),
        explanation_routes(),
        outlets_routes(),
        codes_routes(),
        feeds_routes(),
        digests_routes(),
        codebook_routes(),
        picture_routes(),
    ):
        router.include_router(routes)
    return router
