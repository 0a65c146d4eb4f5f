"""Access tokens for the web server."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = BigInteger().with_variant(Integer(), "sqlite")
UTC = String(27).with_variant(DateTime(timezone=True), "postgresql")
UNREVOKED = text("revoked_at IS NULL")


def upgrade() -> None:
    """Create the table and its index."""
    op.create_table(
        "tokens",
        Column("id", ID, primary_key=True),
        *(Column(name, Text(), nullable=False) for name in ("name", "role", "prefix")),
        *(Column(name, LargeBinary(), nullable=False) for name in ("salt", "hash")),
        Column("created_at", UTC, nullable=False),
        *(Column(name, UTC) for name in ("expires_at", "last_used_at", "revoked_at")),
        UniqueConstraint("prefix", name="uq_tokens_prefix"),
        CheckConstraint("role IN ('read', 'code', 'admin')", name="role"),
    )
    op.create_index(
        "uq_tokens_name", "tokens", ["name"], unique=True, sqlite_where=UNREVOKED, postgresql_where=UNREVOKED
    )
