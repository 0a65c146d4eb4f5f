"""What a route works with: the connection that it reads by, and the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection

from config.settings import Settings


def _reader(request: Request) -> Iterator[Connection]:
    with request.app.state.database.read() as connection:
        yield connection


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


Reading = Annotated[Connection, Depends(_reader)]
Settled = Annotated[Settings, Depends(_settings)]
