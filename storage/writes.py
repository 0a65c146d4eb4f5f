"""Inserting rows that may be there already, the same way on both databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, select
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]
INDEXABLE_BYTES = 2048  # PostgreSQL's B-tree holds 2704 bytes a row


def insert_new(connection: Connection, table: Table, rows: Iterable[Row]) -> int:
    """Insert the rows that break no unique constraint; the others are there already.

    Returns how many were new.
    """
    rows = list(rows)
    if not rows:
        return 0
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    done = connection.execute(insert.on_conflict_do_nothing(), rows, execution_options={"preserve_rowcount": True})
    return done.rowcount


def id_of(connection: Connection, table: Table, row: Row, *, unique: tuple[str, ...]) -> int:
    """The id of the row with these values in its `unique` columns, inserted first if it is not there."""
    same = and_(*(table.c[name] == row[name] for name in unique))
    found = connection.scalar(select(table.c.id).where(same))
    if found is None:
        insert_new(connection, table, [row])
        found = connection.scalars(select(table.c.id).where(same)).one()
    return int(found)


def indexable(text: str) -> str:
    """`text`, cut to what an index can hold."""
    return text.encode("utf-8", "ignore")[:INDEXABLE_BYTES].decode("utf-8", "ignore")
