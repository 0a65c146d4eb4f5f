"""How the watching goes, over HTTP: for load balancers, monitors and whoever keeps it running."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel

from pipeline.collect.addresses import without_secrets
from pipeline.report.asking import Reading, Settled
from pipeline.report.auth import HEALTH
from pipeline.report.metrics import metrics_page
from storage import passes, queries
from storage.queries import Alarm, FeedHealth
from storage.queries.alarms import stalled


class Health(BaseModel):
    """The web process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """The database answers, and passes come to their end. `last_pass`: when the last whole one ended."""

    status: str = "ready"
    last_pass: datetime | None


def operations_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["operations"])

    @router.get(HEALTH)
    def health() -> Health:
        """Whether the web process answers. Open to everybody."""
        return Health()

    @router.get("/ready", responses={503: {"description": "The database does not answer, or no pass ends."}})
    def ready(connection: Reading, settings: Settled) -> Readiness:
        """Whether the database answers too, and a pass has come to its end lately where feeds are watched."""
        interval_s, now = settings.poll.min_interval_s, datetime.now(UTC)
        if alarm := stalled(connection, settings.alarms, interval_s=interval_s, now=now):
            raise HTTPException(503, without_secrets(alarm.why))
        last = passes.last(connection, "ok")
        return Readiness(last_pass=last.ended_at if last else None)

    @router.get("/metrics", response_class=PlainTextResponse)
    def metrics(request: Request, settings: Settled) -> Response:
        """All figures in the text format that Prometheus reads."""
        state = request.app.state
        page = metrics_page(state.database, settings, ticks=getattr(state, "ticks", None))
        return Response(page.body, media_type=page.content_type)

    @router.get("/api/v1/alarms")
    def alarms(connection: Reading, settings: Settled) -> list[Alarm]:
        """What is wrong with feeds, outlets and the pipeline itself, since when, why, and what to do."""
        interval_s, now = settings.poll.min_interval_s, datetime.now(UTC)
        found = queries.alarms(connection, settings.alarms, interval_s=interval_s, now=now)
        return [
            replace(alarm, subject=without_secrets(alarm.subject), why=without_secrets(alarm.why)) for alarm in found
        ]

    @router.get("/api/v1/feeds")
    def feeds(connection: Reading) -> list[FeedHealth]:
        """The feeds and how polling goes."""
        return [
            replace(feed, url=without_secrets(feed.url), detail=without_secrets(feed.detail))
            for feed in queries.feed_health(connection)
        ]

    return router
