"""Answers that need not be sent again: a tag says what the store held, and 304 that it still does.

What is answered rests on what passes and runs wrote; each of those leaves a higher id behind. The tag also holds the
address, the day (UTC), by which some answers go, and what a restart may change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from sqlalchemy import Connection, func, select

from pipeline.report.asking import Reading
from storage.schema import digests, drops, fetches, revisions, runs, scores

CACHED = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}


class NotModifiedError(Exception):
    """The client has the answer already."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__()
        self.headers = headers


def install(app: FastAPI) -> None:
    """Let an application answer 304."""

    @app.exception_handler(NotModifiedError)
    def spare(_: Request, unchanged: NotModifiedError) -> Response:
        return Response(status_code=304, headers=unchanged.headers)


def version(connection: Connection) -> str:
    """What the store holds: it differs after whatever changes an answer. Takes some look-ups in indexes."""
    last_page = select(fetches.c.id).where(fetches.c.what == "page").order_by(fetches.c.id.desc()).limit(1)
    latest = [select(func.max(table.c.id)).scalar_subquery() for table in (scores, revisions, runs, drops, digests)]
    latest.append(select(func.max(runs.c.turn)).scalar_subquery())  # another run stands now
    return ".".join(map(str, connection.execute(select(*latest, last_page.scalar_subquery())).one()))


def _fresh(request: Request, response: Response, connection: Reading) -> dict[str, str]:
    url, today = str(request.url), datetime.now(UTC).date()
    state = request.app.state
    held = f"{version(connection)} {url} {today} {state.started} {state.settings.report}"
    headers = {"ETag": f'W/"{sha256(held.encode()).hexdigest()[:24]}"', **CACHED}
    if _has(request.headers.get("if-none-match", ""), headers["ETag"]):
        raise NotModifiedError(headers)
    response.headers.update(headers)
    return headers


def _has(presented: str, tag: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2). What is asked for exists, so * is met."""
    return tag.removeprefix("W/") in {one.strip().removeprefix("W/") for one in presented.split(",")}


Fresh = Annotated[dict[str, str], Depends(_fresh)]
"""The headers that an answer goes out with; a route that makes its own response gives them to it."""
