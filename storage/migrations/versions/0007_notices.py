"""The notices of alarms that webhooks are sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_ = sa.JSON().with_variant(JSONB(), "postgresql")
UTC = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "notices",
        sa.Column("id", ID, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("hook", "kind", "subject")),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("payload", JSON_, nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try_at", UTC, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("sent_at", UTC),
        sa.CheckConstraint("event IN ('began', 'ended')", name=op.f("ck_notices_event")),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name=op.f("ck_notices_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("hook", "kind", "subject", "number", name=op.f("uq_notices_hook_kind_subject_number")),
    )
    op.create_index(op.f("ix_notices_state_next_try_at"), "notices", ["state", "next_try_at"])
