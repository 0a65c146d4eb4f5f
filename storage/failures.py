"""What a database driver's error means, in words a reader can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from pipeline.errors import StorageError

WORDS = {
    "disk_full": "the disk is full: free some space; nothing of this step was stored",
    "read_only": "the database can only be read: check the permissions of the file and its directory",
    "forbidden": "the database user lacks a permission: grant it, or use another user",
    "corrupt": "the file is damaged or no database: restore a backup, or move the file away to start anew",
    "cannot_open": "the file can't be opened: check that it is a file, in a directory that can be written to",
    "io_error": "the disk reports an error: check it, then restore a backup if the database is damaged",
    "busy": "another process kept the database locked for too long: stop it, or try again later",
    "unreachable": "the server can't be reached or refuses us: check host, port, database, user and password",
    "refused": "the database refuses these values",
    "error": "the database reports an error",
}

# https://www.sqlite.org/rescode.html: the low byte is the primary code
_SQLITE = {
    3: "read_only",
    5: "busy",
    6: "busy",
    8: "read_only",
    10: "io_error",
    11: "corrupt",
    13: "disk_full",
    14: "cannot_open",
    18: "refused",
    19: "refused",
    26: "corrupt",
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html: a code, or the class it starts with
_POSTGRESQL = {
    "08": "unreachable",
    "22": "refused",
    "23": "refused",
    "25006": "read_only",
    "28": "unreachable",
    "3D": "unreachable",
    "40": "busy",
    "42501": "forbidden",
    "53": "busy",
    "53100": "disk_full",
    "54": "refused",
    "55P03": "busy",
    "57": "unreachable",
    "57014": "busy",
    "58": "io_error",
    "58030": "io_error",
    "XX": "corrupt",
}


def reason_of(error: SQLAlchemyError) -> str:
    """A key of WORDS."""
    origin = getattr(error, "orig", None)
    if isinstance(origin, sqlite3.Error):
        return _SQLITE.get((getattr(origin, "sqlite_errorcode", None) or 0) & 0xFF, "error")
    if not isinstance(error, DBAPIError):
        return "refused" if isinstance(error, StatementError) else "error"
    state = getattr(origin, "sqlstate", None)
    if state is None:
        return "unreachable"
    return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2], "error")


@contextmanager
def in_words(place: str) -> Iterator[None]:
    """Turn a driver's error into a StorageError that names `place`, the URL without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = reason_of(error)
        lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
        raise StorageError(f"{place}: {WORDS[reason]} ({lines[0]})", reason=reason) from error
