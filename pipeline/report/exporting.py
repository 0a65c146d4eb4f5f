"""Exports: all that a filter lets through as CSV, JSON lines or Parquet, in pieces, so that memory stays small.

CSV begins with a byte order mark, without which Excel misreads Japanese and Russian, and its formulas are disarmed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection

from pipeline.report.cells import cell
from pipeline.report.columns import TABLES, Column, Table
from storage import queries
from storage.queries import Filter

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["csv", "jsonl", "parquet"]
Row = Mapping[str, Any]
AT_ONCE = 500  # rows in one piece
GROUP = 5_000  # rows in one group of a Parquet file, which is what readers load at once


@dataclass(frozen=True, slots=True)
class MediaType:
    """How a format is called."""

    name: str
    write: Callable[[Sequence[Column], Iterable[Row]], Iterator[bytes]]


def export(connection: Connection, table: Table, form: Format, wanted: Filter | None = None) -> Iterator[bytes]:
    """A file in pieces. The connection is read from until the last of them is taken."""
    columns = TABLES[table]
    return MEDIA[form].write(columns, rows_of(connection, table, wanted))


def rows_of(connection: Connection, table: Table, wanted: Filter | None = None) -> Iterator[Row]:
    """The rows, each with all columns of the table."""
    names = [column.name for column in TABLES[table]]
    found: Mapping[Table, Callable[[Connection, Filter | None], Iterable[Any]]] = {
        "articles": queries.all_articles,
        "evidence": queries.all_evidence,
        "daily": queries.daily_tone,
    }
    for row in found[table](connection, wanted):
        yield {name: getattr(row, name) for name in names}


def _csv(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    names = [column.name for column in columns]
    head = b"\xef\xbb\xbf" + _lines([names])
    for part in _parts(rows, AT_ONCE):
        yield head + _lines([[_cell(row[name]) for name in names] for row in part])
        head = b""
    if head:
        yield head


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    out = StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else cell(value)


def _jsonl(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:  # noqa: ARG001 - rows name them
    for part in _parts(rows, AT_ONCE):
        lines = [json.dumps(dict(row), ensure_ascii=False, default=datetime.isoformat) for row in part]
        yield ("\n".join(lines) + "\n").encode()


def _parquet(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    out, schema = _Out(), arrow_schema(columns)
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for part in _parts(rows, GROUP):
            plain = [{one.name: _arrow(one, row[one.name]) for one in columns} for row in part]
            writer.write_table(pa.Table.from_pylist(plain, schema), row_group_size=GROUP)
            yield out.taken()
    yield out.taken()


def _arrow(column: Column, value: Any) -> Any:
    if column.kind == "shares":
        return list(value.items())
    return date.fromisoformat(value) if column.kind == "date" else value


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The columns as Arrow has them, each with its meaning and unit."""
    import pyarrow as pa

    types = {
        "text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(),
        "time": pa.timestamp("us", "UTC"), "date": pa.date32(), "list": pa.list_(pa.string()),
        "shares": pa.map_(pa.string(), pa.float64()),
    }  # fmt: skip
    return pa.schema(
        pa.field(one.name, types[one.kind], nullable=one.empty, metadata={"description": one.meaning, "unit": one.unit})
        for one in columns
    )


class _Out:
    """A file that is written to at one end and taken from at the other."""

    closed = False

    def __init__(self) -> None:
        self._held = bytearray()
        self._given = 0

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def tell(self) -> int:
        return self._given + len(self._held)

    def taken(self) -> bytes:
        data = bytes(self._held)
        self._given += len(data)
        self._held.clear()
        return data

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What was written can still be taken."""


def _parts(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    rest = iter(rows)
    while part := list(islice(rest, size)):
        yield part


MEDIA: Mapping[Format, MediaType] = {
    "csv": MediaType("text/csv", _csv),
    "jsonl": MediaType("application/jsonl", _jsonl),
    "parquet": MediaType("application/vnd.apache.parquet", _parquet),
}
