"""What there is to ask for, over HTTP: values of filters, runs, what is known of an address, what columns mean."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from pipeline.collect.addresses import canonical, redacted
from pipeline.errors import FetchError
from pipeline.records import Role
from pipeline.report.api.describing import PROBLEMS, UNCHANGED
from pipeline.report.api.fresh import Fresh
from pipeline.report.asking import Reading
from pipeline.report.auth import Caller, needs
from pipeline.report.columns import TABLES, Column, Table
from storage import queries
from storage.queries import RunView


class Me(BaseModel):
    """Who you are to this server, and what you may do."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Facet:
    """A value, and the number of scored articles that have it."""

    value: str
    articles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFacets:
    """The values that filters can take, the commonest first."""

    outlets: tuple[Facet, ...]
    countries: tuple[Facet, ...]
    kinds: tuple[Facet, ...]
    languages: tuple[Facet, ...]


def store_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1", tags=["store"])

    @router.get("/me")
    def me(caller: Annotated[Caller, needs("read")]) -> Me:
        """Who you are to this server."""
        return Me(name=caller.name, role=caller.role)

    @router.get("/facets", responses=UNCHANGED)
    def facets(connection: Reading, _: Fresh) -> FoundFacets:
        """The values that filters can take, each with the number of scored articles that have it."""
        found = asdict(queries.facets(connection))
        return FoundFacets(**{name: tuple(Facet(*value) for value in values) for name, values in found.items()})

    @router.get("/runs", responses=UNCHANGED)
    def runs(connection: Reading, _: Fresh) -> tuple[RunView, ...]:
        """All runs, the latest first."""
        return queries.runs(connection)

    @router.get("/explain", responses={"404": PROBLEMS["404"]})
    def explain(
        connection: Reading, url: Annotated[str, Query(min_length=1, max_length=2048, description="Of an article.")]
    ) -> dict[str, Any]:
        """Why an article is in or out: who announced it, what was fetched, what was decided, and when."""
        found = queries.explain(connection, url)
        if found is None:
            with contextlib.suppress(FetchError):  # what is no address at all is unknown, too
                found = queries.explain(connection, canonical(url))
        if found is None:
            raise HTTPException(404, "no watched feed has announced this address")
        shown: dict[str, Any] = _shown(asdict(found))
        return shown

    @router.get("/dictionary")
    def dictionary() -> Mapping[Table, tuple[Column, ...]]:
        """The columns of the exports, and what each means."""
        return TABLES

    return router


def _shown(value: Any) -> Any:
    """Without the passwords that addresses of feeds may hold."""
    match value:
        case str():
            return redacted(value) if value.startswith(("http://", "https://")) else value
        case Mapping():
            return {key: _shown(one) for key, one in value.items()}
        case list() | tuple():
            return [_shown(one) for one in value]
    return value
