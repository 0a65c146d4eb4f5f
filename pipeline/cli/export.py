"""The command that writes everything out: export."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.progress import DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.cli import asking
from pipeline.cli.app import Json, console, database_of, errors, print_json
from pipeline.cli.asking import Code, Country, Kind, Language, Omitted, Outlet, RunId, Since, ToneMax, ToneMin, Until

Option = typer.Option
SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("export")(export)


def tables(incomplete: str) -> list[str]:
    """What can be exported."""
    return [name for name in ("articles", "evidence", "daily") if name.startswith(incomplete)]


def formats(incomplete: str) -> list[str]:
    """What it can be written as."""
    return [name for name in dict.fromkeys(SUFFIXES.values()) if name.startswith(incomplete)]


def export(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="articles, evidence or daily.", autocompletion=tables)] = "articles",
    output: Annotated[
        Path | None, Option("--output", "-o", help="The file to write; standard output without.", show_default=False)
    ] = None,
    form: Annotated[
        str | None,
        Option("--format", help="csv, jsonl or parquet; else as the file's name says.", autocompletion=formats),
    ] = None,
    text: Annotated[str | None, Option("--text", help='Words or "phrases" in title or text.')] = None,
    outlet: Outlet = None,
    country: Country = None,
    kind: Kind = None,
    language: Language = None,
    code: Code = None,
    omitted: Omitted = None,
    since: Since = None,
    until: Until = None,
    tone_min: ToneMin = None,
    tone_max: ToneMax = None,
    run_id: RunId = None,
    dictionary: Annotated[
        bool, Option("--dictionary", help="Print what each column means, and export nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write all scored articles, their evidence, or the daily tone to a file for other programs."""
    if dictionary:
        _explain_columns(as_json=as_json)
        return
    asking.refuse_unknown("TABLE", table, tables(""))
    written: Any = _format(form, output)
    wanted = asking.wanted(
        text=text, outlet=outlet, country=country, kind=kind, language=language, code=code, omitted=omitted,
        since=since, until=until, tone_min=tone_min, tone_max=tone_max, run_id=run_id,
    )  # fmt: skip
    from pipeline.report.exporting import export as exported

    name: Any = table
    with database_of(context) as database, database.read() as connection:
        size = _write(exported(connection, name, written, wanted), output)
    if output is not None and as_json:
        print_json({"file": output, "table": table, "format": written, "bytes": size})
    elif output is not None:
        console.print(f"{size} bytes are written to {output}", markup=False)


def _explain_columns(*, as_json: bool) -> None:
    from dataclasses import asdict

    from pipeline.report.columns import TABLES, dictionary

    if as_json:
        print_json({name: [asdict(column) for column in columns] for name, columns in TABLES.items()})
    else:
        typer.echo(dictionary(), nl=False)


def _format(form: str | None, output: Path | None) -> str:
    if form is not None:
        asking.refuse_unknown("--format", form, formats(""))
        return form
    if output is None:
        return "csv"
    if output.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"what is {output.name}? give --format, or a name that ends in {', '.join(SUFFIXES)}")
    return SUFFIXES[output.suffix.lower()]


def _write(pieces: Iterable[bytes], output: Path | None) -> int:
    size = 0
    with _progress() as count, _sink(output) as sink:
        for piece in pieces:
            size += sink.write(piece)
            count(len(piece))
    return size


@contextmanager
def _progress() -> Iterator[Any]:
    columns = (TextColumn("written"), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True) as bars:
        task = bars.add_task("written", total=None)
        yield lambda size: bars.advance(task, size)


@contextmanager
def _sink(output: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that is there whole or not at all."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(output)
    except OSError as error:
        raise typer.BadParameter(f"{output} can't be written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
