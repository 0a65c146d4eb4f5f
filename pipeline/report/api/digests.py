"""Digests over HTTP, as they were sent."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from pipeline.report.api.articles import NONE, Id
from pipeline.report.api.describing import UNCHANGED
from pipeline.report.api.fresh import Fresh
from pipeline.report.asking import Reading
from storage import digests
from storage.columns import MAX_ID
from storage.digests import DigestLine, Item


@dataclass(frozen=True, slots=True, kw_only=True)
class SentDigest:
    """A digest whole: `html` and `plain` say the same; `items` are its articles, in its order."""

    id: int
    edition: str
    day: str
    language: str
    covers_from: datetime
    covers_to: datetime
    run_id: int | None
    subject: str
    created_at: datetime
    html: str
    plain: str
    items: tuple[Item, ...]


def digest_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["digests"], responses=UNCHANGED)

    @router.get("/digests")
    def listed(
        connection: Reading,
        _: Fresh,
        edition: Annotated[str | None, Query(max_length=200, description="Only this edition.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="Digests at most.")] = 100,
        before: Annotated[
            int | None, Query(ge=1, le=MAX_ID, description="The id of the last digest of the page before.")
        ] = None,
    ) -> tuple[DigestLine, ...]:
        """Digests, the newest first; days without anything new are left out."""
        return digests.digests(connection, edition=edition or None, limit=limit, before=before)

    @router.get("/digests/{digest_id}", responses=NONE)
    def one(connection: Reading, _: Fresh, digest_id: Id) -> SentDigest:
        """A digest as it was sent, and the articles in it."""
        found = digests.digest(connection, digest_id)
        if found is None:
            raise HTTPException(404, "no such digest")
        names = [field.name for field in fields(SentDigest) if field.name != "items"]
        own = {name: getattr(found, name) for name in names}
        return SentDigest(**own, items=digests.items(connection, digest_id))

    return router
