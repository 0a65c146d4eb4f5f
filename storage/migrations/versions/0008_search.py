"""Search: the current texts as they are compared, the grams that find them, and what articles mean as vectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage import meanings, search

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GRAMS = {
    "sqlite": ["CREATE VIRTUAL TABLE findable_grams USING fts5(grams, content='', columnsize=0, detail=none, "
               "tokenize='ascii')"],
    "postgresql": [
        "CREATE TABLE findable_grams (article_id bigint CONSTRAINT pk_findable_grams PRIMARY KEY CONSTRAINT "
        "fk_findable_grams_article_id REFERENCES findable ON DELETE CASCADE, grams integer[] NOT NULL)",
        "CREATE INDEX ix_findable_grams_grams ON findable_grams USING gin (grams)",
    ],
}  # fmt: skip


def upgrade() -> None:
    """Create the tables, and fill them with what is stored: some 3 ms an article."""
    op.create_table(
        "findable",
        sa.Column("article_id", ID, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("language", "folded")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_findable_article_id")),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_findable")),
    )
    connection = op.get_bind()
    for made in GRAMS[connection.dialect.name]:
        op.execute(made)
    op.create_table(
        "meanings",
        sa.Column("id", ID, nullable=False),
        *(sa.Column(name, ID, nullable=False) for name in ("article_id", "revision_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("model", "language")),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_meanings_article_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_meanings_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meanings")),
        sa.UniqueConstraint("article_id", name=op.f("uq_meanings_article_id")),
    )
    op.create_index(op.f("ix_meanings_revision_id"), "meanings", ["revision_id"])
    search.fill(connection)
    meanings.fill(connection)
