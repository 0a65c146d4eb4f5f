"""The table of faults in docs/operations.md. `python -m tests.faults` writes its last column, the tests by number."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
OPERATIONS = ROOT / "docs" / "operations.md"
FAULTS = range(1, 67)
ROW = re.compile(r"^\| F(\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"^(?:async )?def (test_((?:F\d+_)+)\w*)", re.MULTILINE)


def rows(text: str) -> dict[int, tuple[str, str]]:
    """Of each fault in the table: what happens, and what shows it."""
    return {int(number): (what, shown) for number, what, shown in ROW.findall(text)}


def cells() -> dict[int, str]:
    """What shows each fault, by the names of the tests that there are; `-` where there is none."""
    found: dict[int, list[str]] = {number: [] for number in FAULTS}
    for file in sorted((ROOT / "tests").glob("test_*.py")):
        of_file: dict[int, list[str]] = {}
        for name, numbers in TEST.findall(file.read_text(encoding="utf-8")):
            for number in re.findall(r"\d+", numbers):
                of_file.setdefault(int(number), []).append(name)
        for number, (first, *others) in of_file.items():
            found[number] += [f"`tests/{file.name}::{first}`", *(f"`::{name}`" for name in others)]
    return {number: " ".join(names) or "-" for number, names in found.items()}


def main() -> None:
    """Write the column."""
    known = cells()
    text = ROW.sub(lambda row: f"| F{row[1]} | {row[2]} | {known[int(row[1])]} |", OPERATIONS.read_text("utf-8"))
    OPERATIONS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
