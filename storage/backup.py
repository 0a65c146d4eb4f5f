"""Saves all rows of a database to one file, and brings them back, on either engine.

A backup is one snapshot, taken while others go on writing. A restore is one transaction: all of it, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    func,
    inspect,
    literal,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from pipeline.errors import StorageError
from storage import archive, migrations, standing
from storage.archive import Contents, Kind, Manifest, TableMember
from storage.columns import Id, Json, Text, Utc
from storage.database import Database
from storage.schema import metadata

Progress = Callable[[str, int, int], None]
FETCHED = 200  # rows read at a time; a row may hold a whole article
BATCH_ROWS, BATCH_BYTES = 500, 4 * 1024**2  # inserted at a time
KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (Integer, "integer"),
    (Boolean, "boolean"),
    (Double, "float"),
    (JSON, "json"),
    (LargeBinary, "bytes"),
)
TYPES: dict[Kind, Any] = {
    "integer": Id,
    "text": Text(),
    "boolean": Boolean(),
    "float": Double(),
    "time": Utc(),
    "json": Json,
    "bytes": LargeBinary(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored, and where the rows are that it took the place of, if there were any."""

    manifest: Manifest
    replaced: Path | None


class Counter:
    """Tells `progress` how many rows of a known total have been dealt with, now and then."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total
        self._done: dict[str, int] = {}

    def tick(self, what: str) -> None:
        """One more row."""
        done = self._done[what] = self._done.get(what, 0) + 1
        if done % FETCHED == 0 or done == self._total:
            self._progress(what, done, self._total)


def quiet(what: str, done: int, total: int) -> None:
    """A progress that nobody hears."""


def named(now: datetime, prefix: str = "treatywatch") -> str:
    """A file name that sorts by time: `treatywatch-20240501T093000Z.zip`."""
    return f"{prefix}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.zip"


def back_up(database: Database, file: Path, *, now: datetime, progress: Progress = quiet) -> Manifest:
    """Write all rows to `file`, which must not exist yet, and check what was written.

    `progress` hears `saving` and `checking` with the rows done and the rows in all. Raises StorageError.
    """
    with database.read() as connection:
        return _save(connection, file, now, progress)


def _save(connection: Connection, file: Path, now: datetime, progress: Progress) -> Manifest:
    tables = [table for table in metadata.sorted_tables if not table.info.get("derived")]
    total = sum(connection.scalars(select(func.count()).select_from(table)).one() for table in tables)
    counter = Counter(progress, total)
    return archive.write(
        file,
        (_contents(connection, table, lambda: counter.tick("saving")) for table in tables),
        verified=lambda: counter.tick("checking"),
        schema_revision=migrations.revision_of(connection),
        program=version("treatywatch"),
        engine=connection.dialect.name,
        created_at=now.astimezone(UTC),
    )


def _contents(connection: Connection, table: Table, tick: Callable[[], None]) -> Contents:
    def rows() -> Generator[Any]:
        in_order = select(table).order_by(*(_sorted_alike(column, connection) for column in table.primary_key))
        streamed = {"stream_results": True, "yield_per": FETCHED}
        with connection.execute(in_order, execution_options=streamed) as found:
            for row in found:
                yield row
                tick()

    return Contents(name=table.name, columns={column.name: _kind(column) for column in table.c}, rows=rows())


def _sorted_alike(column: Column[Any], connection: Connection) -> Any:
    """The column in an order that all engines and locales share, so that the same rows give the same bytes."""
    is_text = connection.dialect.name == "postgresql" and isinstance(column.type, Text)
    return column.collate("C") if is_text else column


def _kind(column: Column[Any]) -> Kind:
    if isinstance(column.type, Utc):
        return "time"
    return next((kind for type_, kind in KINDS if isinstance(column.type, type_)), "text")


def restore(
    database: Database,
    file: Path,
    *,
    now: datetime,
    replace: Path | None = None,
    progress: Progress = quiet,
    steps: Path = migrations.HERE,
) -> Restored:
    """Bring back the rows of a backup, with their ids, into a database that has none; upgrade them if need be.

    `replace`: the rows that are there are first backed up into this folder, then replaced. No other process may be
    at work on the database. `progress` hears `checking` and `restoring`. Raises StorageError: what
    `storage.archive` raises, `newer_schema`, `not_empty`, and what the database refuses.
    """
    manifest = archive.read_manifest(file)
    counter = Counter(progress, manifest.rows)
    migrations.refuse_unknown(manifest.schema_revision, steps, f"the backup {file}")
    archive.verify(file, manifest, lambda: counter.tick("checking"))
    with database.write() as connection:
        replaced = _make_room(connection, database.url, now, replace)
        if migrations.revision_of(connection) != manifest.schema_revision:
            migrations.rebuild(connection, manifest.schema_revision, steps)
        for member in manifest.tables:
            _fill(connection, file, member, lambda: counter.tick("restoring"))
        migrations.apply(connection, "head", steps)
        standing.rebuild(connection)
    return Restored(manifest=manifest, replaced=replaced)


def _make_room(connection: Connection, url: str, now: datetime, replace: Path | None) -> Path | None:
    tables = metadata.sorted_tables
    if connection.dialect.name == "postgresql":  # SQLite's write lock keeps others away by itself
        connection.execute(text(f"LOCK TABLE {', '.join(table.name for table in tables)} IN EXCLUSIVE MODE"))
    if not any(connection.scalar(select(literal(1)).select_from(table).limit(1)) for table in tables):
        return None
    if replace is None:
        raise StorageError(
            f"{url} holds rows already; restore into an empty database, or say --replace: that backs them up and "
            "then replaces them",
            reason="not_empty",
        )
    file = replace / named(now, "replaced")
    _save(connection, file, now, quiet)
    for table in reversed(tables):
        connection.execute(table.delete())
    return file


def _fill(connection: Connection, file: Path, member: TableMember, tick: Callable[[], None]) -> None:
    table = _table(connection, file, member)
    batch: list[dict[str, Any]] = []
    size = 0
    for length, row in archive.rows(file, member):
        batch.append(row)
        size += length
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            connection.execute(table.insert(), batch)
            batch, size = [], 0
        tick()
    if batch:
        connection.execute(table.insert(), batch)
    if connection.dialect.name == "postgresql" and "id" in member.columns:
        _restart_ids(connection, table)


def _table(connection: Connection, file: Path, member: TableMember) -> Table:
    """The table as the archive has it, which must be as the database has it."""
    inspector = inspect(connection)
    found = inspector.get_columns(member.name) if member.name in inspector.get_table_names() else []
    nullable = {column["name"]: column["nullable"] for column in found}
    if nullable.keys() != member.columns.keys():
        raise StorageError(
            f"{file}: its table {member.name} is not that of the schema it names; use another backup",
            reason="damaged_backup",
        )
    columns = (
        # "no value" comes out of the driver as None, be it NULL or JSON's null; where NULL may stand, it is NULL
        Column(name, JSON(none_as_null=True) if kind == "json" and nullable[name] else TYPES[kind])
        for name, kind in member.columns.items()
    )
    return Table(member.name, MetaData(), *columns)


def _restart_ids(connection: Connection, table: Table) -> None:
    """The next row gets the id after the highest. SQLite counts so by itself."""
    highest = select(func.max(table.c.id)).scalar_subquery()
    sequence = func.pg_get_serial_sequence(table.name, "id")
    connection.execute(select(func.setval(sequence, func.coalesce(highest, 1), highest.is_not(None))))
