"""Leases: who is at work on a feed, an entry or a text, so that any number of processes share what is to be done.

A lease is two columns of the row itself. It is free again when it has run out, and it ends in the transaction that
keeps what came of the work: who has lost a lease can't keep anything. Its times are those of the clock of the
database, which all processes share.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import randbits
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, or_, select, update

from pipeline.errors import StorageError
from storage.schema import entries, feeds, revisions

LEASED = (feeds, entries, revisions)
LONGEST = timedelta(hours=1)  # what lies further ahead was written under a clock that was wrong
LOST = "lease_lost"
FREE = {"lease_owner": None, "lease_until": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What `owner` takes is its own for so long, unless it is renewed."""

    owner: str
    length: timedelta


def new_owner() -> str:
    """`host:process:random`: a name that nobody had before."""
    return f"{socket.gethostname()}:{os.getpid()}:{randbits(32):08x}"


def clock(connection: Connection) -> datetime:
    """The time that leases go by, the same for all processes."""
    if connection.dialect.name == "postgresql":
        now: datetime = connection.scalars(select(func.clock_timestamp())).one()
        return now.astimezone(UTC)
    return datetime.now(UTC)


def is_free(table: Table, now: datetime) -> ColumnElement[bool]:
    """Whether nobody is at work on a row."""
    until = table.c.lease_until
    return or_(table.c.lease_owner.is_(None), until.is_(None), until <= now, until > now + LONGEST)


def rows_under(connection: Connection, asked: Select[Any], table: Table, lease: Lease | None) -> Sequence[Row[Any]]:
    """The rows that are asked for; with a lease those that nobody is at work on, and it is put on them.

    `asked` has the column `id` of the table, and tells all conditions on the table's rows at its outermost level:
    PostgreSQL asks those again when another transaction has changed a row meanwhile.
    """
    if lease is None:
        return connection.execute(asked).all()
    now = clock(connection)
    # not FOR UPDATE, which would pass over a feed while a page of it is being kept
    locked = asked.where(is_free(table, now)).with_for_update(of=table, skip_locked=True, key_share=True)
    rows = connection.execute(locked).all()
    values = {"lease_owner": lease.owner, "lease_until": now + lease.length}
    connection.execute(update(table).where(table.c.id.in_([row.id for row in rows])).values(values))
    return rows


def release(connection: Connection, table: Table, row_id: int, lease: Lease) -> None:
    """End the lease on a row, as the last act of the transaction that keeps what came of the work.

    Raises StorageError `lease_lost` where it has run out and somebody else took the row, so that nothing is kept.
    """
    mine = (table.c.id == row_id) & (table.c.lease_owner == lease.owner)
    if not connection.execute(update(table).where(mine).values(FREE)).rowcount:
        raise StorageError(f"the lease on row {row_id} of {table.name} was lost to another process", reason=LOST)


def renew(connection: Connection, lease: Lease) -> int:
    """Begin the time of everything that the owner holds anew; returns how many rows that are."""
    values = {"lease_until": clock(connection) + lease.length}
    return _set(connection, {lease.owner}, values)


def release_all(connection: Connection, owners: Iterable[str]) -> int:
    """Free everything that these owners hold; returns how many rows that were."""
    return _set(connection, set(owners), FREE)


def owners(connection: Connection) -> set[str]:
    """All who hold something."""
    held = (select(table.c.lease_owner).where(table.c.lease_owner.is_not(None)) for table in LEASED)
    return {owner for found in held for owner in connection.scalars(found.distinct())}


def _set(connection: Connection, of: set[str], values: Mapping[str, object]) -> int:
    held = ((table, table.c.lease_owner.in_(sorted(of))) for table in LEASED)
    return sum(connection.execute(update(table).where(of_them).values(values)).rowcount for table, of_them in held)
