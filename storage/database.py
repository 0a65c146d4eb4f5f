"""Opens a database and hands out transactions on it.

SQLite keeps committed rows through a power loss (WAL, synchronous FULL) and takes its write lock at the
start of a transaction, because a lock taken after reading fails at once when another process has written
meanwhile. PostgreSQL runs a plain transaction. Both read from one unchanging snapshot that can't be written
to.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from pipeline.errors import StorageError
from storage import migrations
from storage.backup import keep_older
from storage.failures import in_words, reason_of

DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
PAUSES_S = (0.05, 0.2, 1.0)  # after each of the first tries to get SQLite's write lock
SECRETS = {"password", "sslpassword", "passfile"}
SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Database:
    """A database that is ready for use.

    Safe to share between threads; each transaction has its own connection.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.url = shown(engine.url)
        self.dialect = engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back by any exception.

        Raises StorageError.
        """
        with in_words(self.url), self._begin({"immediate": True}) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot to read from. Raises StorageError, also on an attempt to write."""
        options = SNAPSHOT if self.dialect == "postgresql" else {"query_only": True}
        with in_words(self.url), self._begin(options) as connection:
            yield connection

    def apart(self) -> Connection:
        """A connection of its own, each statement a transaction, for locks that last. Raises StorageError."""
        with in_words(self.url):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            return connection

    def ask(self, connection: Connection, statement: Any, **values: Any) -> Any:
        """The one value that a statement brings on a connection of its own. Raises StorageError."""
        with in_words(self.url):
            return connection.scalar(statement, values)

    def file(self) -> Path:
        """The file of a SQLite database, wherever links lead."""
        with self.read() as connection:
            files = {name: file for _, name, file in connection.exec_driver_sql("PRAGMA database_list")}
        return Path(files["main"]).resolve()

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._engine.dispose()

    @contextmanager
    def _begin(self, options: dict[str, Any]) -> Iterator[Connection]:
        with self._locked(options) as connection:
            yield connection
            connection.commit()

    def _locked(self, options: dict[str, Any]) -> Connection:
        for pause_s in PAUSES_S:
            try:
                return self._started(options)
            except OperationalError as error:
                if reason_of(error) != "busy":
                    raise
            time.sleep(pause_s)
        return self._started(options)

    def _started(self, options: dict[str, Any]) -> Connection:
        connection = self._engine.connect()
        try:
            connection.execution_options(**options).begin()
        except BaseException:
            connection.close()
            raise
        return connection


def open_database(
    url: str, *, migrate: bool = True, backups: Path | None = None, busy_timeout_s: float = 5.0
) -> Database:
    """Open the database at `url`, creating a SQLite file and its directory, and bring its schema up to date.

    Without `migrate` an outdated schema is refused instead. `backups`: where the rows of a PostgreSQL database
    are kept before its schema is upgraded; a SQLite file is copied beside itself. `busy_timeout_s`: how long one
    try waits for another writer of a SQLite file. Raises StorageError; its reason is one of those in
    `storage.failures.WORDS`, or `bad_url no_directory newer_schema older_schema foreign_schema`.
    """
    parsed = _parse(url)
    database = Database(
        _sqlite(parsed, busy_timeout_s) if parsed.drivername.startswith("sqlite") else _postgresql(parsed)
    )
    try:
        _prepare(database, migrate, backups)
    except BaseException:
        database.close()
        raise
    return database


def shown(url: URL) -> str:
    """The URL without its driver and secrets, for logs and messages."""
    url = url.set(drivername=url.get_backend_name())
    query = {key: "***" if key in SECRETS else value for key, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


def _parse(url: str) -> URL:
    advice = "use sqlite:////path/to/file.db or postgresql://user:password@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageError(f"the database URL can't be read; {advice}", reason="bad_url") from None
    if parsed.drivername not in DRIVERS:
        raise StorageError(f"databases of the kind {parsed.drivername!r} are not supported; {advice}", reason="bad_url")
    if parsed.drivername.startswith("sqlite") and parsed.database in {None, "", ":memory:"}:
        raise StorageError(f"a database in memory would be lost; {advice}", reason="bad_url")
    return parsed.set(drivername=DRIVERS[parsed.drivername])


def _sqlite(url: URL, busy_timeout_s: float) -> Engine:
    file = url.database or ""
    if not file.startswith("file:"):
        _make_directory(Path(file).parent)
    engine = create_engine(url, connect_args={"timeout": busy_timeout_s}, hide_parameters=True)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the directory {directory} can't be made ({error.strerror}); give another path in storage.url",
            reason="no_directory",
        ) from None


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # else the sqlite3 module begins transactions by itself, and late
    connection.create_function("lower", 1, _lower, deterministic=True)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _lower(value: Any) -> Any:
    """SQLite's own function leaves Cyrillic capitals as they are."""
    return value.lower() if isinstance(value, str) else value


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    connection.exec_driver_sql(f"PRAGMA query_only = {int(options.get('query_only', False))}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")


def _postgresql(url: URL) -> Engine:
    url = url.update_query_dict({} if "connect_timeout" in url.query else {"connect_timeout": "10"})
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    event.listen(engine, "connect", _use_utc)
    return engine


def _use_utc(connection: Any, _: Any) -> None:
    """Else the driver can't read times close to its first and last year."""
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _prepare(database: Database, migrate: bool, backups: Path | None) -> None:
    with database.read() as connection:
        if migrations.is_current(connection):
            return
    if not migrate:
        raise StorageError(
            f"{database.url}: the schema is older than this treatywatch; let the service upgrade it",
            reason="older_schema",
        )
    keep = partial(keep_older, directory=backups, now=datetime.now(UTC)) if backups else None
    with database.write() as connection:
        migrations.upgrade(connection, keep=keep)
