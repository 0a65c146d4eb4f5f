"""Brings a database to the schema that this program knows, or leaves it as it was.

All steps run in the transaction of the connection that is handed in. Before an existing SQLite schema is
changed, the file is copied to one beside it that bears the old revision in its name; for PostgreSQL the
caller says how its rows are kept.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from pipeline.errors import StorageError
from storage.schema import metadata

HERE = Path(__file__).parent
VERSIONS = "alembic_version"  # the table that names the schema
LOCK = 0x7EA7  # any number that no other user of the server's advisory locks takes


def revision_of(connection: Connection) -> str | None:
    """The revision that the database is at; None where it has no schema yet."""
    return MigrationContext.configure(connection).get_current_revision()


def is_current(connection: Connection, steps: Path = HERE) -> bool:
    """Whether the schema is the one this program knows.

    Raises StorageError where it is newer or another program's.
    """
    revision = revision_of(connection)
    _refuse_strangers(connection, revision, steps)
    return revision == ScriptDirectory(str(steps)).get_current_head()


def upgrade(connection: Connection, steps: Path = HERE, *, keep: Callable[[Connection], object] | None = None) -> None:
    """Apply the steps that are missing.

    `keep` saves what is in a PostgreSQL database before it is changed. Harmless to call at once from several
    processes, or again after an interruption.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    if is_current(connection, steps):
        return
    revision = revision_of(connection)
    if revision and connection.dialect.name == "sqlite":
        _back_up(connection, revision)
    elif revision and keep:
        keep(connection)
    apply(connection, "head", steps)


def apply(connection: Connection, revision: str, steps: Path = HERE) -> None:
    """Apply the steps up to `revision`, without a copy of what was there."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(steps).replace("%", "%%"))
    command.upgrade(config, revision)


def rebuild(connection: Connection, revision: str, steps: Path = HERE) -> None:
    """Make the schema that of another revision, by dropping all tables. All rows are lost."""
    cascade = " CASCADE" if connection.dialect.name == "postgresql" else ""  # one view may stand on another
    for view in inspect(connection).get_view_names():
        if view.startswith("v_"):
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view}{cascade}")
    metadata.drop_all(connection)
    connection.exec_driver_sql(f"DROP TABLE {VERSIONS}")
    apply(connection, revision, steps)


def refuse_unknown(revision: str, steps: Path, what: str) -> None:
    """Raise StorageError `newer_schema` if no step leads to the revision that `what` has."""
    if revision not in {step.revision for step in ScriptDirectory(str(steps)).walk_revisions()}:
        raise StorageError(
            f"{what} has schema {revision}, which this version of treatywatch does not know; "
            "install the newer version that wrote it, or restore the backup made before the upgrade",
            reason="newer_schema",
        )


def _refuse_strangers(connection: Connection, revision: str | None, steps: Path) -> None:
    if revision:
        refuse_unknown(revision, steps, "the database")
    if revision is None and set(inspect(connection).get_table_names()) & set(metadata.tables):
        raise StorageError(
            "the database holds tables of another program; give treatywatch a database of its own",
            reason="foreign_schema",
        )


def _back_up(connection: Connection, revision: str) -> None:
    """Copy the last committed state.

    The caller's transaction holds the write lock, so no other process can change it.
    """
    files = {name: file for _, name, file in connection.exec_driver_sql("PRAGMA database_list")}
    file = Path(files["main"])
    copy = file.with_name(f"{file.name}.{revision}.bak")
    unfinished = copy.with_name(f"{copy.name}.part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source:
        source.execute("VACUUM INTO ?", (str(unfinished),))
    shutil.copymode(file, unfinished)
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    unfinished.replace(copy)
