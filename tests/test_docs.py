"""The documents tell of everything there is."""

from __future__ import annotations

import re
from pathlib import Path

import typer
from typer.main import get_command

from config.codebook import load_codebook
from config.settings import defaults
from pipeline.cli import analysis, coverage, digest, export, feeds, health, recipients, service, tokens, upkeep
from pipeline.cli.app import app
from tests import faults

ROOT = Path(__file__).parents[1]
UNSHOWN: set[int] = set()  # faults without a test yet
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_every_command() -> None:
    fresh = typer.Typer()
    for commands in (service, health, analysis, coverage, export, feeds, digest, recipients, tokens, upkeep):
        commands.register(fresh)
    names = set(get_command(fresh).commands)  # type: ignore[attr-defined]
    assert {name for name in names if f"`{name}" not in README} == set()
    assert app is not fresh


def test_the_readme_names_every_section_of_the_settings() -> None:
    assert {section for section in defaults() if f"`{section}`" not in README} == set()


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = [
        (document.name, target)
        for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_the_method_explains_every_context_fact_and_family() -> None:
    codebook = load_codebook()
    text = (ROOT / "config" / "codebook" / "codebook.toml").read_text(encoding="utf-8")
    assert all(f"[codes.{code}]" in text for code in codebook.codes)
    method = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    assert all(word in method for word in ("outlook", "scrutiny", "tone", "omitted", "interval", *codebook.families))


def test_every_fault_is_in_the_table_with_what_happens() -> None:
    told = faults.rows(faults.OPERATIONS.read_text(encoding="utf-8"))
    assert list(told) == list(faults.FAULTS)
    assert [number for number, (what, _) in told.items() if not what.strip(" -?")] == []


def test_the_table_of_faults_names_every_test_of_each_and_none_that_there_is_not() -> None:
    told = faults.rows(faults.OPERATIONS.read_text(encoding="utf-8"))
    assert {number: shown for number, (_, shown) in told.items()} == faults.cells()


def test_every_fault_is_shown_by_a_test() -> None:
    assert {number for number, shown in faults.cells().items() if shown == "-"} == UNSHOWN
