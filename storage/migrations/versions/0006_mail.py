"""Mailing lists with their recipients, digests as they were sent, and the outbox. None of these had rows before."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_ = sa.JSON().with_variant(JSONB(), "postgresql")
UTC = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")


def _must(names: str, type_: Any = None) -> list[Any]:
    return [sa.Column(name, type_ or sa.Text(), nullable=False) for name in names.split()]


def _may(names: str, type_: Any = None) -> list[Any]:
    return [sa.Column(name, type_ or sa.Text()) for name in names.split()]


def _blank(names: str) -> list[Any]:
    return [sa.Column(name, sa.Text(), nullable=False, server_default="") for name in names.split()]


def _to(table: str, name: str, **options: Any) -> Any:
    return sa.Column(
        name,
        ID,
        sa.ForeignKey(f"{table}.id", name=op.f(f"fk_{options.pop('of')}_{name}")),
        **{"nullable": False, **options},
    )


def _unique(table: str, *names: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*names, name=op.f(f"uq_{table}_{'_'.join(names)}"))


def _language(table: str) -> sa.CheckConstraint:
    return sa.CheckConstraint("language IN ('en', 'ja')", name=op.f(f"ck_{table}_language"))


def _id(table: str) -> tuple[Any, ...]:
    return sa.Column("id", ID), sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    for table in ("outbox", "digest_items", "digests"):
        op.drop_table(table)
    _lists()
    _digests()
    _outbox()


def _lists() -> None:
    op.create_table(
        "mailing_lists", *_id("mailing_lists"), *_must("name language zone send_at"), *_must("weekdays", JSON_),
        *_must("empty_days", sa.Boolean()), *_must("created_at", UTC), _language("mailing_lists"),
        _unique("mailing_lists", "name"),
    )  # fmt: skip
    op.create_table(
        "recipients", *_id("recipients"), _to("mailing_lists", "list_id", of="recipients"), *_must("address"),
        *_must("added_at", UTC), *_may("unsubscribed_at", UTC), _unique("recipients", "list_id", "address"),
    )  # fmt: skip


def _digests() -> None:
    op.create_table(
        "digests", *_id("digests"), *_must("edition day language"), *_must("covers_from covers_to", UTC),
        *_must("quiet", sa.Boolean()), _to("runs", "run_id", of="digests", nullable=True),
        *_blank("subject html plain"), *_must("figures", JSON_), *_may("chart", sa.LargeBinary()),
        *_must("created_at", UTC), _language("digests"), _unique("digests", "edition", "day"),
    )  # fmt: skip
    op.create_table(
        "digest_items", _to("digests", "digest_id", of="digest_items"),
        sa.Column("position", sa.Integer(), autoincrement=False), *_must("edition"), *_must("story", sa.Integer()),
        _to("articles", "article_id", of="digest_items"), _to("scores", "score_id", of="digest_items"),
        sa.PrimaryKeyConstraint("digest_id", "position", name=op.f("pk_digest_items")),
        _unique("digest_items", "edition", "article_id"),
    )  # fmt: skip
    op.create_index(op.f("ix_digests_day"), "digests", ["day"])
    for column in ("score_id", "article_id"):
        op.create_index(op.f(f"ix_digest_items_{column}"), "digest_items", [column])


def _outbox() -> None:
    states = "state IN ('pending', 'sending', 'sent', 'failed', 'unknown')"
    op.create_table(
        "outbox", *_id("outbox"), _to("digests", "digest_id", of="outbox", nullable=True),
        _to("recipients", "recipient_id", of="outbox", nullable=True), *_must("recipient message_id"),
        sa.Column("state", sa.Text(), nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        *_may("next_try_at lease_until handed_at", UTC), *_blank("reason"), *_may("token_hash"),
        *_must("payload", JSON_), *_must("created_at", UTC), *_may("sent_at", UTC),
        sa.CheckConstraint(states, name=op.f("ck_outbox_state")), _unique("outbox", "message_id"),
        _unique("outbox", "digest_id", "recipient"),
    )  # fmt: skip
    op.create_index(op.f("ix_outbox_state_next_try_at"), "outbox", ["state", "next_try_at"])
    op.create_index(op.f("ix_outbox_token_hash"), "outbox", ["token_hash"])
