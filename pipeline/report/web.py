"""The web application: who may come in, and the routes of all that is shown."""

from __future__ import annotations

import time
from datetime import timedelta
from importlib.metadata import version
from importlib.resources import files

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from config.sections import WebSettings
from config.settings import Settings
from pipeline.report import problems
from pipeline.report.api import api_routes, describing, fresh
from pipeline.report.auth import Door, Gate
from pipeline.report.mailing import mailing_routes
from pipeline.report.pages import page_routes
from pipeline.report.rates import Rates
from pipeline.report.sessions import Sessions
from pipeline.report.shield import STATIC, Shield, is_loopback
from pipeline.report.sign_in import sign_in_routes
from pipeline.report.unsubscribe import unsubscribe_routes
from storage.database import Database

DESCRIPTION = "Stored coverage over HTTP. Quotations and links, never whole articles."


def web_app(settings: Settings, database: Database, key: bytes) -> FastAPI:
    """The application on one database. `settings.web.host`: where it listens; `key` signs sessions."""
    web = settings.web
    app = FastAPI(
        title="treatywatch",
        version=version("treatywatch"),
        description=DESCRIPTION,
        openapi_url=describing.PLACE,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.database, app.state.settings, app.state.started = database, settings, time.time_ns()
    sessions = Sessions(key, timedelta(hours=web.session_hours))
    door = Door(database, Rates(web.failed_sign_ins_per_hour, 3600))
    problems.install(app)
    fresh.install(app)
    describing.describe(app)
    app.include_router(sign_in_routes(door, sessions))
    app.include_router(api_routes())
    app.include_router(page_routes())
    app.include_router(mailing_routes())
    app.include_router(unsubscribe_routes())
    app.mount(STATIC, StaticFiles(directory=str(files("pipeline.report").joinpath("static"))))
    app.add_middleware(Gate, door=door, sessions=sessions, local=needs_no_token(web))
    app.add_middleware(Shield, web=web)  # the last one added is the outermost
    return app


def needs_no_token(web: WebSettings) -> bool:
    """Whether whoever can reach the server may use it."""
    return is_loopback(web.host) and not web.require_token
