"""Which run is current, what stands of the scores, sums of it by day and month, and views over those."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.String(27).with_variant(sa.DateTime(timezone=True), "postgresql")
SERIES = ("outlet", "country", "kind", "language")
FIGURES = ("tone", "squares", "outlook", "scrutiny", "credulity")
HERE = Path(__file__).parent
WORDS = {
    "sqlite": {
        "day": "substr(standing.at, 1, 10)",
        "facts": "json_each(scores.omitted) AS fact",
        "look_at": "--",
        "first_seen": "substr(entries.first_seen_at, 1, 10)",
    },
    "postgresql": {
        "day": "to_char(standing.at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
        "facts": "jsonb_array_elements_text(scores.omitted) AS fact (value)",
        "look_at": "ANALYZE",
        "first_seen": "to_char(entries.first_seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    },
}
# The run that judged something last has been the current one so far.
TURNS = """
UPDATE runs SET turn = (
    SELECT count(*) FROM runs AS other
    WHERE (SELECT coalesce(max(screened_at), other.created_at) FROM screenings WHERE run_id = other.id)
        <= (SELECT coalesce(max(screened_at), runs.created_at) FROM screenings WHERE run_id = runs.id)
)
WHERE EXISTS (SELECT 1 FROM screenings WHERE run_id = runs.id)
"""


def upgrade() -> None:
    """Make the tables, fill them from the scores, and replace the views."""
    op.add_column("runs", sa.Column("turn", sa.Integer()))
    _tables()
    for file in ("0005_standing.sql", "0005_views.sql"):
        _run((HERE / file).read_text(encoding="utf-8"))
    op.get_bind().exec_driver_sql(TURNS)


def _run(source: str) -> None:
    connection = op.get_bind()
    for word, meaning in WORDS[connection.dialect.name].items():
        source = source.replace(f"{{{word}}}", meaning)
    for statement in source.split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)


def _tables() -> None:
    op.create_table(
        "series",
        sa.Column("id", ID, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in SERIES),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint(*SERIES, name=op.f("uq_series_outlet_country_kind_language")),
    )
    op.create_table(
        "standing",
        *_key("run_id article_id"),
        *(sa.Column(name, ID, nullable=False) for name in ("score_id", "series_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in SERIES),
        sa.Column("at", UTC, nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("tone", "outlook", "scrutiny")),
        sa.Column("credulity", sa.Double()),
        sa.Column("first_scored_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "article_id", name=op.f("pk_standing")),
        sa.UniqueConstraint("score_id", name=op.f("uq_standing_score_id")),
    )
    _index("article_id")
    for columns in (["first_scored_at", "outlet"], *([name, "at", "article_id"] for name in SERIES)):
        _index("run_id", *columns)
    _index("run_id", "at", "article_id")
    _index("run_id", "tone", "article_id")
    _sums()


def _sums() -> None:
    op.create_table(
        "tone_sums",
        *_key("run_id"), *_key("grain start", sa.Text()), *_key("series_id"),
        sa.Column("n", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in FIGURES),
        sa.Column("credulous", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "grain", "start", "series_id", name=op.f("pk_tone_sums")),
        sqlite_with_rowid=False,
    )  # fmt: skip
    key = ("run_id", "what", "grain", "start", "series_id", "word")
    op.create_table(
        "word_sums",
        *_key("run_id"), *_key("what grain start", sa.Text()), *_key("series_id"), *_key("word", sa.Text()),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_word_sums")),
        sqlite_with_rowid=False,
    )  # fmt: skip


def _key(names: str, type_: Any = ID) -> list[sa.Column[Any]]:
    return [sa.Column(name, type_, nullable=False, autoincrement=False) for name in names.split()]


def _index(*columns: str) -> None:
    op.create_index(op.f(f"ix_standing_{'_'.join(columns)}"), "standing", list(columns))
