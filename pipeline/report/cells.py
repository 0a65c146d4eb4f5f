"""Values as cells of a spreadsheet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

# A spreadsheet runs a cell that begins so; in Japanese and Chinese versions the full-width forms, too:
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Any) -> Any:
    """One value. Text that would be taken for a formula gets an apostrophe in front."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        value = " ".join(f"{name}={number:.3f}" for name, number in value.items())
    elif isinstance(value, list | tuple):
        value = " ".join(str(part) for part in value)
    return f"'{value}" if isinstance(value, str) and value.lstrip(" \u3000\ufeff").startswith(FORMULA) else value
