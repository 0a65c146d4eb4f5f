"""The command line. Reads settings once and hands each command the parts it needs; decides nothing about coverage itself."""

from __future__ import annotations

import sys

import typer


def main() -> None:
    """Entry point of the `treatywatch` command: turns known errors into one clear line and exit code 1 (2 for wrong usage)."""
