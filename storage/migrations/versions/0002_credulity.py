"""Scores also hold their credulity, the error expected of the tone, who gives each fact, and why one needs care.

Scores of earlier runs have none of these.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op
from sqlalchemy import JSON, Column, Double
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VIEWS = Path(__file__).with_name("0002_views.sql")
DAY = {"sqlite": "substr({}, 1, 10)", "postgresql": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"}
JSON_ = JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Add the columns, and show the credulity in the views."""
    connection = op.get_bind()
    for view in ("v_daily_tone", "v_articles"):
        connection.exec_driver_sql(f"DROP VIEW {view}")
    for name, kind in (("expected_error", Double()), ("credulity", Double()), ("given", JSON_), ("unusual", JSON_)):
        op.add_column("scores", Column(name, kind))
    day = DAY[connection.dialect.name].format("coalesce(published_at, first_seen_at)")
    for view in VIEWS.read_text(encoding="utf-8").split(";\n"):
        if view.strip():
            connection.exec_driver_sql(view.replace("{day}", day))
