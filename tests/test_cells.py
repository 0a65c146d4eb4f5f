"""Cells of a spreadsheet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.report.cells import cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "＋1", "－1", "＠x", "\u3000=1",
             "\ufeff=1", '=HYPERLINK("https://evil.example")', "=cmd|' /C calc'!A0"],
)  # fmt: skip
def test_F48_a_formula_is_shown_and_not_run(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("対話", "対話"), ("a=b", "a=b"), ("", ""), (-0.5, -0.5), (None, None), (("a", "b"), "a b"), (("=a",), "'=a"),
     ({"x": 0.5}, "x=0.500"), (datetime(2026, 11, 24, tzinfo=UTC), "2026-11-24T00:00:00+00:00")],
)  # fmt: skip
def test_other_values_are_given_plainly(value: Any, shown: Any) -> None:
    assert cell(value) == shown
