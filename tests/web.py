"""The web application as its clients meet it, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from config.sections import WebSettings
from config.settings import load
from pipeline.records import Role
from pipeline.report.auth import utc_now
from pipeline.report.web import web_app
from storage import tokens
from storage.database import Database, open_database

KEY = b"k" * 32


def web_settings(**changes: Any) -> WebSettings:
    """The shipped settings with changes."""
    shipped = load(environ={}).web.model_dump()
    return WebSettings.model_validate(shipped | changes)


class Site:
    """An application on a database. Answers one request after another; every client comes from `client`."""

    def __init__(self, database: Database, *, client: str = "127.0.0.1", base: str = "http://127.0.0.1", **web: Any):
        self.database = database
        settings = load(environ={}).model_copy(update={"web": web_settings(**web)})
        self.app: FastAPI = web_app(settings, database, KEY)
        self._loop = asyncio.new_event_loop()
        self._base = base
        self.client = client

    def ask(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        """The answer to a request. An exception that reaches the server is raised here."""
        answer: httpx.Response = self.run(self._ask(path, method, options))
        return answer

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Do something in the loop that the application runs in."""
        return self._loop.run_until_complete(doing)

    async def _ask(self, path: str, method: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(self.client, 50000))
        async with httpx.AsyncClient(transport=transport, base_url=self._base) as client:
            answer = await client.request(method, path, **options)
        await asyncio.sleep(0)
        return answer

    def token(self, name: str, role: Role = "read", *, life: timedelta | None = None) -> str:
        """A new token."""
        with self.database.write() as connection:
            return tokens.issue(connection, name, role, utc_now(), life=life)[1]

    def close(self) -> None:
        """Let what is under way end."""
        for task in asyncio.all_tasks(self._loop):
            self._loop.run_until_complete(task)
        self._loop.close()


@contextmanager
def site(directory: Path, **web: Any) -> Iterator[Site]:
    """An application on a new database."""
    database = open_database(f"sqlite:///{directory / 'coverage.db'}")
    found = Site(database, **web)
    try:
        yield found
    finally:
        found.close()
        database.close()


def bearer(token: str) -> dict[str, str]:
    """The header that presents a token."""
    return {"Authorization": f"Bearer {token}"}
