"""Remembers who may use the web server: access tokens by their salted hash, never the tokens themselves.

A token reads `tw_PREFIX_SECRET`. The prefix finds its row, so that one hash decides, and it is compared in constant
time. The secret has 256 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, update

from pipeline.errors import StorageError
from pipeline.records import Role
from storage.columns import storable
from storage.schema import tokens

SHAPE = re.compile(r"tw_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
COST: Mapping[str, int] = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}  # OWASP's lesser setting: 16 MiB, some 50 ms
PUBLIC = ("id", "prefix", "name", "role", "created_at", "expires_at", "last_used_at", "revoked_at")
NAME_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What may be shown of a token."""

    id: int
    prefix: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """`live`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A token with what checks a presented one."""

    token: Token
    salt: bytes
    hash: bytes


NOBODY = (secrets.token_bytes(16), secrets.token_bytes(32))  # what an unknown prefix is compared with


def issue(
    connection: Connection, name: str, role: Role, now: datetime, *, life: timedelta | None = None
) -> tuple[Token, str]:
    """A new token and what its holder presents, which is known only now.

    Raises StorageError for a name that is blank (`bad_name`) or that an unrevoked token bears (`taken`).
    """
    name = storable(name).strip()
    if not 0 < len(name) <= NAME_CHARS:
        raise StorageError(f"a token needs a name of 1 to {NAME_CHARS} characters", reason="bad_name")
    if connection.scalar(select(tokens.c.id).where(tokens.c.name == name, tokens.c.revoked_at.is_(None))):
        raise StorageError(
            f"there is a token named {name!r} already; revoke it first with `treatywatch tokens revoke`", reason="taken"
        )
    prefix, salt = secrets.token_hex(6), secrets.token_bytes(16)
    presented = f"tw_{prefix}_{secrets.token_urlsafe(32)}"
    expires_at = None if life is None else now + life
    row = {"name": name, "role": role, "prefix": prefix, "salt": salt, "hash": _hash(presented, salt)}
    connection.execute(tokens.insert(), {**row, "created_at": now, "expires_at": expires_at})
    sealed = find(connection, presented)
    assert sealed is not None  # noqa: S101 - it was inserted just now
    return sealed.token, presented


def find(connection: Connection, presented: str) -> Sealed | None:
    """The token with the prefix of the presented one, be it right or not."""
    shape = SHAPE.fullmatch(presented)
    return _sealed(connection, tokens.c.prefix == shape[1]) if shape else None


def by_prefix(connection: Connection, prefix: str) -> Token | None:
    """The token with this prefix."""
    sealed = _sealed(connection, tokens.c.prefix == prefix)
    return sealed.token if sealed else None


def matches(sealed: Sealed | None, presented: str) -> bool:
    """Whether the presented token is that one. Takes as long where there is none."""
    salt, wanted = (sealed.salt, sealed.hash) if sealed else NOBODY
    return hmac.compare_digest(_hash(presented, salt), wanted) and sealed is not None


def listed(connection: Connection) -> tuple[Token, ...]:
    """All tokens, the oldest first."""
    return tuple(_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.created_at, tokens.c.id)))


def revoke(connection: Connection, name: str, now: datetime) -> bool:
    """Take the token of this name back for good; whether there was one."""
    live = (tokens.c.name == name, tokens.c.revoked_at.is_(None))
    return bool(connection.execute(update(tokens).where(*live).values(revoked_at=now)).rowcount)


def used(connection: Connection, token_id: int, now: datetime) -> None:
    """Note that a token was used."""
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))


def any_live(connection: Connection, now: datetime) -> bool:
    """Whether anybody could sign in."""
    unexpired = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    live = select(func.count()).select_from(tokens).where(tokens.c.revoked_at.is_(None), unexpired)
    return bool(connection.scalar(live))


def _hash(presented: str, salt: bytes) -> bytes:
    return hashlib.scrypt(presented.encode("utf-8", "surrogatepass"), salt=salt, **COST)


def _sealed(connection: Connection, condition: ColumnElement[bool]) -> Sealed | None:
    row = connection.execute(select(tokens).where(condition)).one_or_none()
    return Sealed(token=_token(row), salt=bytes(row.salt), hash=bytes(row.hash)) if row else None


def _token(row: Row[Any]) -> Token:
    return Token(**{name: row._mapping[name] for name in PUBLIC})
