"""Exports over HTTP: streamed as they are read."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from pipeline.report.api.describing import UNCHANGED
from pipeline.report.api.fresh import Fresh
from pipeline.report.asking import Reading, Wanted
from pipeline.report.columns import Table
from pipeline.report.exporting import MEDIA, Format, export

FILE: dict[str, Any] = {
    media.name: {"schema": {"type": "string", **({"format": "binary"} if form == "parquet" else {})}}
    for form, media in MEDIA.items()
}


def export_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["export"], responses=UNCHANGED)

    @router.get(
        "/export/{table}",
        response_class=StreamingResponse,
        responses={200: {"description": "The file.", "content": FILE}},
    )
    def whole(
        connection: Reading,
        wanted: Wanted,
        headers: Fresh,
        table: Table,
        form: Annotated[Format, Query(alias="format", description="What the file is written as.")] = "csv",
    ) -> StreamingResponse:
        """All articles, evidence or daily means that the filter lets through, in one file. See `/dictionary`."""
        pieces = export(connection, table, form, wanted)
        first = next(pieces, b"")  # what goes wrong at once is still an error, and no broken file
        name = f"treatywatch-{table}-{datetime.now(UTC):%Y%m%d}.{form}"
        return StreamingResponse(
            chain([first], pieces),
            media_type=MEDIA[form].name,
            headers={**headers, "Content-Disposition": f'attachment; filename="{name}"'},
        )

    return router
