"""Leases on entries and texts, as feeds have them, and the indexes by which a worker finds what it holds."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, String, Text, text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UTC = String(27).with_variant(DateTime(timezone=True), "postgresql")
HELD = text("lease_owner IS NOT NULL")


def upgrade() -> None:
    """Add the columns and the indexes."""
    for table in ("entries", "revisions"):
        op.add_column(table, Column("lease_owner", Text()))
        op.add_column(table, Column("lease_until", UTC))
    for table in ("feeds", "entries", "revisions"):
        op.create_index(f"ix_{table}_lease_owner", table, ["lease_owner"], sqlite_where=HELD, postgresql_where=HELD)
