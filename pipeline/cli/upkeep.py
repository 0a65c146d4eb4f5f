"""Commands that look after the database: backup, restore, prune."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.cli.app import Json, console, database_of, errors, print_json, settings_of

if TYPE_CHECKING:
    from storage.archive import Manifest
    from storage.backup import Progress as Hears


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("prune")(prune)


@contextmanager
def progress_bars() -> Iterator[Hears]:
    """A bar for each stage on stderr, where that is a terminal."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True) as bars:
        tasks = {}

        def hear(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield hear


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write, or a folder: then it is named after the time.")],
    as_json: Json = False,
) -> None:
    """Save all that is stored to one file, while the service goes on."""
    from storage.backup import back_up, named

    now = datetime.now(UTC)
    into = file / named(now) if file.is_dir() else file
    with database_of(context) as database, progress_bars() as progress:
        manifest = back_up(database, into, now=now, progress=progress)
    if as_json:
        print_json({"file": into} | _figures(manifest))
    else:
        console.print(
            f"{manifest.rows} rows of {len(manifest.tables)} tables are saved in {into}, and were checked there"
        )


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A backup that `treatywatch backup` made, on either engine.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what is stored, after backing it up into the data directory.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring back all rows of a backup, into an empty database. Stop the service first."""
    from storage.backup import restore as bring_back

    own = settings_of(context).storage.directory() / "backups" if replace else None
    with database_of(context) as database, progress_bars() as progress:
        restored = bring_back(database, file, now=datetime.now(UTC), replace=own, progress=progress)
        url = database.url
    if as_json:
        print_json({"database": url, "replaced": restored.replaced} | _figures(restored.manifest))
        return
    manifest = restored.manifest
    console.print(f"{manifest.rows} rows of {manifest.created_at:%Y-%m-%d %H:%M} UTC are back in {url}")
    if restored.replaced:
        console.print(f"What was there before is saved in {restored.replaced}")


def _figures(manifest: Manifest) -> dict[str, object]:
    return {
        "created_at": manifest.created_at,
        "schema_revision": manifest.schema_revision,
        "rows": manifest.rows,
        "tables": {table.name: table.rows for table in manifest.tables},
    }


def prune(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what the retention settings let go. What a score rests on always stays."""
    from storage import retention

    keep, now = settings_of(context).retention, datetime.now(UTC)
    with database_of(context) as database:
        pruned = (retention.foreseen if dry_run else retention.prune)(database, keep, now)
    if as_json:
        print_json(asdict(pruned) | {"dry_run": dry_run})
        return
    from pipeline.cli.tables import table_of

    days = (keep.fetch_log_days, keep.unused_text_days, keep.former_text_days, keep.vector_days)
    names = ("fetch log", "texts not relevant", "former texts", "vectors")
    table = table_of("Would be removed" if dry_run else "Removed", "what", "kept for days", "rows", right=("rows",))
    for name, kept, rows in zip(names, days, asdict(pruned).values(), strict=True):
        table.add_row(name, str(kept or "ever"), str(rows))
    console.print(table)
