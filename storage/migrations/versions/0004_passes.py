"""The log of passes, what feeds ask of those who poll them, and the indexes that health is read with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_ = sa.JSON().with_variant(JSONB(), "postgresql")
UTC = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
COUNTS = ("feeds", "failed", "new", "scored", "unscored", "judged")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "passes",
        sa.Column("id", ID, nullable=False),
        sa.Column("started_at", UTC, nullable=False),
        sa.Column("ended_at", UTC),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, server_default=""),
        *(sa.Column(name, sa.Integer(), nullable=False, server_default="0") for name in COUNTS),
        sa.Column("judge_s", sa.Double(), nullable=False, server_default="0"),
        sa.Column("judge_buckets", JSON_),
        sa.CheckConstraint("outcome IN ('running', 'ok', 'failed')", name=op.f("ck_passes_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passes")),
    )
    op.create_index(op.f("ix_fetches_what_outcome"), "fetches", ["what", "outcome"])
    op.create_index(op.f("ix_entries_feed_id_first_seen_at"), "entries", ["feed_id", "first_seen_at"])
    op.add_column("feeds", sa.Column("ttl_s", sa.Integer()))
    op.add_column("feeds", sa.Column("skip_hours", JSON_))
    op.add_column("feeds", sa.Column("skip_days", JSON_))
