"""The file that a backup is: a zip with a manifest and, for each table, one member of JSON lines.

    manifest.json        what is in it: a Manifest
    tables/<name>.jsonl  one row a line, an array of the values in the order of the manifest's columns

Times are ISO 8601 in UTC, bytes base64, and nothing depends on the engine, so the rows fit into either. Rows are
streamed: no more than a few are held at a time.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 - a class, whatever zlib calls it

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import StorageError
from storage.columns import iso, storable

Kind = Literal["integer", "text", "boolean", "float", "time", "json", "bytes"]
Tick = Callable[[], None]
MANIFEST = "manifest.json"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
UNREADABLE = (BadZipFile, ZlibError, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError)


class TableMember(BaseModel):
    """One table: its columns in order, how many rows, and the SHA-256 of the member's bytes, unpacked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    columns: dict[str, Kind]
    rows: int = Field(ge=0)
    sha256: str

    @property
    def member(self) -> str:
        """The name inside the zip."""
        return f"tables/{self.name}.jsonl"


class Manifest(BaseModel):
    """What an archive holds. `schema_revision`: the migration that its rows fit; `engine`: where they were."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["treatywatch backup"] = "treatywatch backup"
    version: Literal[1] = 1
    schema_revision: str
    program: str
    engine: str
    created_at: AwareDatetime
    tables: tuple[TableMember, ...]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A table to be written: its columns, and its rows as they are read."""

    name: str
    columns: dict[str, Kind]
    rows: Generator[Sequence[Any]]


def write(file: Path, tables: Iterable[Contents], *, verified: Tick, **about: Any) -> Manifest:
    """Write an archive and read it again; only then does it bear its name. `about`: the manifest's other fields.

    `verified` is called for each row that was read again. Raises StorageError: `exists`, `disk_full`,
    `cannot_write`.
    """
    if file.exists():
        raise StorageError(f"{file} is there already: give another name, or move it away", reason="exists")
    with _writable(file), _named_when_whole(file) as raw:
        with ZipFile(raw, "w", ZIP_DEFLATED) as zipped:
            members = tuple(_add(zipped, table, about["created_at"]) for table in tables)
            manifest = Manifest(tables=members, **about)
            zipped.writestr(_info(MANIFEST, manifest.created_at), manifest.model_dump_json(indent=1))
        raw.flush()
        os.fsync(raw.fileno())
        verify(Path(raw.name), manifest, verified)
    return manifest


def _add(zipped: ZipFile, table: Contents, at: datetime) -> TableMember:
    encoders = [ENCODE.get(kind, _same) for kind in table.columns.values()]
    digest, count = sha256(), 0
    member = TableMember(name=table.name, columns=table.columns, rows=0, sha256="")
    with closing(table.rows) as given, zipped.open(_info(member.member, at), "w", force_zip64=True) as into:
        for row in given:
            values = [value if value is None else encode(value) for encode, value in zip(encoders, row, strict=True)]
            line = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n"
            digest.update(line)
            into.write(line)
            count += 1
    return member.model_copy(update={"rows": count, "sha256": digest.hexdigest()})


def _info(name: str, at: datetime) -> ZipInfo:
    info = ZipInfo(name, max(at.astimezone(UTC), datetime(1980, 1, 1, tzinfo=UTC)).timetuple()[:6])
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


@contextmanager
def _named_when_whole(file: Path) -> Iterator[Any]:
    """A temporary file beside `file`, for this user alone, that takes its name if the block succeeds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=f".{file.name}.", suffix=".part", dir=file.parent, delete=False) as raw:
        part = Path(raw.name)
        try:
            yield raw
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    directory = os.open(file.parent, os.O_RDONLY)  # else the name may be lost in a power loss
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def _writable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            words, reason = "the disk is full: free some space, or give a file on another disk", "disk_full"
        else:
            words, reason = f"can't be written ({error.strerror}): give a file in a folder of yours", "cannot_write"
        raise StorageError(f"{file}: {words}; no backup was made", reason=reason) from error


def read_manifest(file: Path) -> Manifest:
    """What an archive says of itself. Raises StorageError: `cannot_read`, `no_backup`, `damaged_backup`."""
    with _readable(file), ZipFile(file) as zipped:
        try:
            content = zipped.read(MANIFEST)
        except KeyError:
            raise StorageError(
                f"{file} is no backup of treatywatch: it has no {MANIFEST}", reason="no_backup"
            ) from None
        try:
            return Manifest.model_validate_json(content)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            raise StorageError(
                f"{file}: its {MANIFEST} can't be understood ({place}: {fault['msg']}); it is no backup, or one that "
                "a newer treatywatch made",
                reason="no_backup",
            ) from None


def verify(file: Path, manifest: Manifest, tick: Tick) -> None:
    """Read all members and compare them with the manifest. Raises StorageError `damaged_backup`."""
    for table in manifest.tables:
        digest, count = sha256(), 0
        for line in _lines(file, table):
            digest.update(line)
            count += 1
            tick()
        if (digest.hexdigest(), count) != (table.sha256, table.rows):
            raise _damaged(file, f"{table.member} is not what was written")


def rows(file: Path, table: TableMember) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a table, each with its length in bytes. Raises StorageError `damaged_backup`."""
    decoders = [(name, DECODE.get(kind, _same)) for name, kind in table.columns.items()]
    for line in _lines(file, table):
        with _readable(file):
            values = zip(decoders, json.loads(line), strict=True)
            row = {name: value if value is None else decode(value) for (name, decode), value in values}
        yield len(line), row


def _lines(file: Path, table: TableMember) -> Iterator[bytes]:
    with _readable(file), ZipFile(file) as zipped, zipped.open(table.member) as member:
        buffered = BufferedReader(member, 1 << 16)  # type: ignore[type-var]
        while line := _line(buffered, file):
            yield line


def _line(member: BufferedReader[Any], file: Path) -> bytes:
    with _readable(file):
        return member.readline()


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{file} can't be read ({error.strerror})", reason="cannot_read") from error
    except UNREADABLE as error:
        raise _damaged(file, str(error)) from error


def _damaged(file: Path, what: str) -> StorageError:
    return StorageError(f"{file} is damaged, or no backup ({what}): use another backup", reason="damaged_backup")


def _same(value: Any) -> Any:
    return value


def _clean(value: Any) -> Any:
    """JSON without the characters that PostgreSQL refuses in it and SQLite does not."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value


ENCODE: dict[Kind, Callable[[Any], Any]] = {
    "time": iso,
    "bytes": lambda value: b64encode(value).decode("ascii"),
    "json": _clean,
}
DECODE: dict[Kind, Callable[[Any], Any]] = {"time": datetime.fromisoformat, "bytes": b64decode}
