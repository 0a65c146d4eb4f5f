"""The column types that read and write the same on SQLite and PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String
from sqlalchemy import Text as PlainText
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

# PostgreSQL refuses NUL, the sqlite3 module half a surrogate pair; XML and mail refuse the other controls.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

MAX_ID = 2**63 - 1  # what the id columns and the sqlite3 module hold
Id = BigInteger().with_variant(Integer(), "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")


def storable(text: str) -> str:
    """`text` without the characters that no database, feed or mail can carry."""
    return _UNSTORABLE.sub("", text)


class Text(TypeDecorator[str]):
    """Unicode text of any length; unstorable characters are left out."""

    impl = PlainText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Clean what is written or compared."""
        return None if value is None else storable(value)


class Utc(TypeDecorator[datetime]):
    """An aware datetime, in UTC. A naive one is refused.

    PostgreSQL keeps a timestamptz, SQLite the text `YYYY-MM-DDTHH:MM:SS.ffffffZ`, which sorts by time.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the column itself."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To UTC, as text where the database knows no times."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the datetime {value} has no time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else iso(utc)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Back to an aware datetime in UTC."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def iso(utc: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    return utc.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def in_utc(time: datetime) -> datetime:
    """A time as people give it: without an offset in UTC. Raises OverflowError at the ends of the calendar."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
