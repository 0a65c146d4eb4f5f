"""The charts of the pages at addresses of their own: as pictures, as Vega-Lite, and their rows as CSV."""

from __future__ import annotations

import csv
import io
from functools import cache
from typing import Annotated

import vl_convert
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from sqlalchemy import Connection

from config.settings import Settings
from pipeline.report import charts
from pipeline.report.asking import Reading, Settled
from pipeline.report.cells import cell
from pipeline.report.pages.comparing import figures_of, narrowed
from pipeline.report.pages.figures import FIGURES, Figure, as_records
from pipeline.report.pages.page import Spoken
from pipeline.report.words import Words

Name = Annotated[str, InPath(pattern=f"^({'|'.join(FIGURES)})$")]
EXPORTED = "window.vegaEmbed = vegaEmbed;"  # what charts.js calls
Width = Annotated[int, Query(ge=charts.NARROW, le=charts.BROAD)]


def picture_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/charts")

    @router.get("/vega.js")
    def library() -> Response:
        return Response(_library(), media_type="text/javascript", headers={"cache-control": "private, max-age=86400"})

    @router.get("/{name}.svg")
    def picture(
        request: Request, name: Name, connection: Reading, settings: Settled, words: Spoken,
        width: Width = charts.WIDE, dark: bool = False,
    ) -> Response:  # fmt: skip
        figure = _figure(request, name, connection, settings, words)
        drawn = charts.svg(figure.draw(width), dark=dark)
        return Response(drawn, media_type="image/svg+xml")

    @router.get("/{name}.json")
    def definition(
        request: Request, name: Name, connection: Reading, settings: Settled, words: Spoken,
        width: Width = charts.WIDE, dark: bool = False,
    ) -> JSONResponse:  # fmt: skip
        figure = _figure(request, name, connection, settings, words)
        return JSONResponse(charts.spec(figure.draw(width), dark=dark))

    @router.get("/{name}.csv")
    def rows(request: Request, name: Name, connection: Reading, settings: Settled, words: Spoken) -> Response:
        found = _csv(_figure(request, name, connection, settings, words))
        attached = {"content-disposition": f'attachment; filename="treatywatch-{name}.csv"'}
        return PlainTextResponse(found, media_type="text/csv", headers=attached)

    return router


def _figure(request: Request, name: str, connection: Connection, settings: Settings, words: Words) -> Figure:
    asked = narrowed(request.query_params)
    if asked.asked.faults:
        raise HTTPException(422, f"can't be read: {', '.join(asked.asked.faults)}")
    return figures_of([name], asked, connection, settings, words)[0]


def _csv(figure: Figure) -> str:
    """Begins with a byte order mark: spreadsheets take the file for something else than UTF-8 without it."""
    found = io.StringIO()
    found.write("\ufeff")
    records = list(as_records(figure))
    if records:
        writer = csv.DictWriter(found, records[0])
        writer.writeheader()
        writer.writerows({name: cell(value) for name, value in record.items()} for record in records)
    return found.getvalue()


@cache
def _library() -> bytes:
    """Vega with an interpreter of its expressions, so that it runs under a policy without `unsafe-eval`."""
    return str(vl_convert.javascript_bundle(EXPORTED, vl_version=charts.VEGA_LITE)).encode()
