"""Who is at work on a database, told by locks that go with the process that holds them, however it ends.

On PostgreSQL these are advisory locks of a connection of its own, on SQLite locks on files beside the database.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import structlog
from sqlalchemy import Connection, text

from pipeline.errors import StorageError
from storage import leases
from storage.database import Database

log = structlog.get_logger()
WORKERS, ELECTION = 0x7EA8, 0x7EA9  # first halves of advisory locks; any numbers that no other user of the server takes
PATIENCE_S = 5.0
PRESENT = text(
    "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = :kind "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
TRY = text("SELECT pg_try_advisory_lock(:kind, :number)")


class Presence:
    """One worker at work, for all others to see, while it is open. `owner`: the name under which it takes leases.

    Opening it frees what workers hold that are gone. Raises StorageError.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.owner = leases.new_owner()
        postgresql = database.dialect == "postgresql"
        self._lock: _Advisory | _Shared = (
            _Advisory(database, WORKERS, _number(self.owner) or 0) if postgresql else _Shared(database)
        )

    def __enter__(self) -> Presence:
        self._lock.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(StorageError), self._database.write() as connection:
            leases.release_all(connection, [self.owner])  # else they run out, or the next one to come frees them
        self._lock.close()

    def renew(self, lease: leases.Lease) -> None:
        """Hold on to what was taken under a lease, and stay visible."""
        if isinstance(self._lock, _Advisory):
            self._lock.take()
        with self._database.write() as connection:
            leases.renew(connection, lease)


class Election:
    """One process among all that serve a database, until it ends; then another."""

    def __init__(self, database: Database) -> None:
        self._lock: _Advisory | _Alone = (
            _Advisory(database, ELECTION, 0) if database.dialect == "postgresql" else _Alone(database)
        )

    def stand(self) -> None:
        """Refuse, on SQLite, to be the second. Raises StorageError `second_service`, or what hinders a lock."""
        if isinstance(self._lock, _Alone) and not self._lock.take():
            raise StorageError(
                f"{self._lock.holder()} makes the passes on this database already: stop it first, or serve "
                "with --no-scheduler. Several services can share one database on PostgreSQL only",
                reason="second_service",
            )

    def elected(self) -> bool:
        """Whether this process is the one, asked anew each time."""
        try:
            return self._lock.take()
        except StorageError as error:
            log.warning("election", error=str(error))
            return False

    def close(self) -> None:
        """Let another one be elected."""
        self._lock.close()


class _Advisory:
    """An advisory lock on PostgreSQL, on a connection of its own: it is lost with that, and taken anew."""

    def __init__(self, database: Database, kind: int, number: int) -> None:
        self._database, self._kind, self._number = database, kind, number
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Whether it is held. A worker's own lock frees, at first, the leases of those who have none."""
        if self._connection is not None:
            with suppress(StorageError):
                self._database.ask(self._connection, text("SELECT 1"))
                return True
            self.close()
        self._connection = self._database.apart()
        held = False
        try:
            signed = self._number - (1 << 32 if self._number >= 1 << 31 else 0)
            held = bool(self._database.ask(self._connection, TRY, kind=self._kind, number=signed))
        finally:
            if not held:
                self.close()
        if held and self._kind == WORKERS:
            self._free_the_dead()
        return held

    def _free_the_dead(self) -> None:
        """The holders first, the living second: who took a lease between the two is not held to be dead."""
        with self._database.write() as connection:
            holders = leases.owners(connection)
            alive = set(connection.scalars(PRESENT, {"kind": WORKERS})) if holders else set()
            dead = {owner for owner in holders if _number(owner) not in alive}
            if dead and (freed := leases.release_all(connection, dead)):
                log.info("leases", freed=freed, of=sorted(dead))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()  # for good, since it is apart, and the lock with it
            self._connection = None


class _File:
    """A file beside a SQLite database that processes lock. It is never deleted: two could lock two files then."""

    suffix, how = "", os.O_RDONLY

    def __init__(self, database: Database) -> None:
        self._database, self._handle = database, -1

    def _lock(self, how: int) -> bool:
        """Whether the lock was to be had at once."""
        try:
            if self._handle < 0:
                self._handle = os.open(self._path(), self.how | os.O_CREAT, 0o644)
            fcntl.flock(self._handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise StorageError(
                f"{self._path()} can't be locked ({error.strerror}): keep the database on a disk of this machine, "
                "in a directory that can be written to",
                reason="no_lock",
            ) from None
        return True

    def _path(self) -> Path:
        file = self._database.file()
        return file.with_name(f"{file.name}.{self.suffix}")

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class _Shared(_File):
    """Held together by all workers. Who can have it alone knows that all others are gone, and frees what they held."""

    suffix = "workers.lock"

    def take(self) -> bool:
        if self._lock(fcntl.LOCK_EX):
            with self._database.write() as connection:
                dead = leases.owners(connection)
                if dead and (freed := leases.release_all(connection, dead)):
                    log.info("leases", freed=freed, of=sorted(dead))
        until = time.monotonic() + PATIENCE_S
        while not self._lock(fcntl.LOCK_SH):
            if time.monotonic() > until:
                raise StorageError(f"{self._path()} is locked by another process; try again later", reason="busy")
            time.sleep(0.02)
        return True


class _Alone(_File):
    """Held by one."""

    suffix, how = "service.lock", os.O_RDWR

    def take(self) -> bool:
        if not self._lock(fcntl.LOCK_EX):
            return False
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        return True

    def holder(self) -> str:
        """Who holds it, for people."""
        return self._path().read_text(encoding="utf-8", errors="replace") or "another process"


def _number(owner: str) -> int | None:
    """The random part of an owner's name; None where it is no such name."""
    with suppress(ValueError):
        return int(owner.rpartition(":")[2], 16)
    return None
