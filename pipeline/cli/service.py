"""Commands that run the pipeline: run, rescore, demo, doctor."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pipeline.cli.app import Json, console, database_of, errors, print_json, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.passes import PassReport


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("run")(run)
    app.command("rescore")(rescore)
    app.command("serve")(serve)
    app.command("demo")(demo)
    app.command("doctor")(doctor)


class ProgressWatcher:
    """Draws a bar for each stage of a pass, on stderr, where that is a terminal."""

    def __init__(self, screen: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=screen,
            disable=not screen.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> ProgressWatcher:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def stage(self, name: str, total: int) -> None:
        """A stage begins, or grows by `total` things to do."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=0)
        task = self._bars.tasks[self._bars.task_ids.index(self._tasks[name])]
        self._bars.update(self._tasks[name], total=(task.total or 0) + total)

    def done(self, name: str) -> None:
        """One of them is done."""
        self._bars.advance(self._tasks[name])


def run(
    context: typer.Context,
    feed: Annotated[str | None, typer.Option(help="Only this feed, due or not.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """One pass over the due feeds: fetch, screen, score, store."""
    from config.sources import load_feeds
    from pipeline.tools import one_pass

    settings = settings_of(context)
    sources = load_feeds(settings.feeds.path())
    with database_of(context) as database, ProgressWatcher(errors) as watcher:
        report = asyncio.run(one_pass(settings, database, sources, only=feed, watcher=watcher))
    _tell(report, as_json=as_json)
    if not as_json:
        console.print(f"Coverage is kept in {database.url}")
    raise typer.Exit(1 if report.failed else 0)


def rescore(context: typer.Context, as_json: Json = False) -> None:
    """Judge every stored text again under the present model, codebook and heads. Fetches nothing."""
    from pipeline.tools import rejudge_all

    with database_of(context) as database, ProgressWatcher(errors) as watcher:
        report = asyncio.run(rejudge_all(settings_of(context), database, watcher=watcher))
    _tell(report, as_json=as_json)
    raise typer.Exit(1 if report.failed else 0)


def _tell(report: PassReport, *, as_json: bool) -> None:
    from pipeline.cli.tables import pass_tables

    if as_json:
        print_json(report.as_dict())
    else:
        for table in pass_tables(report):
            console.print(table)


def serve(
    context: typer.Context,
    web: Annotated[bool, typer.Option("--web/--no-web", help="Answer over HTTP.")] = True,
    scheduler: Annotated[bool, typer.Option("--scheduler/--no-scheduler", help="Make passes on schedule.")] = True,
    host: Annotated[str | None, typer.Option(help="Listen here instead of web.host.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Listen here instead of web.port.", show_default=False)] = None,
) -> None:
    """Run as a service: passes on schedule, dashboard and API. Stops on SIGTERM or Ctrl-C, within poll.drain_s."""
    from pipeline.service import serve as run_service

    settings = settings_of(context)
    with database_of(context) as database:
        address = (host or settings.web.host, settings.web.port if port is None else port)
        if web and errors.is_terminal:
            at = f"[{address[0]}]" if ":" in address[0] else address[0]
            errors.print(f"Dashboard: http://{at}:{address[1]}/ - Ctrl-C stops.", markup=False, highlight=False)
        asyncio.run(run_service(settings, database, address if web else None, scheduled=scheduler))


def demo(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Where the demo keeps its database.", show_default=False)
    ] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1 for the sample outlets.")] = 8733,
) -> None:
    """The whole pipeline on bundled sample outlets, served on this machine."""
    from pipeline.cli.tables import demo_tables, next_commands
    from pipeline.demo.play import play

    with ProgressWatcher(errors) as watcher:
        played = play(settings_of(context), directory, port, watcher)
    for table in demo_tables(played):
        console.print(table)
    for line in ("", "Look further:", *next_commands(played, sys.argv[0])):
        typer.echo(line)  # whole, to be copied
    raise typer.Exit(1 if played.failed else 0)


def doctor(
    context: typer.Context,
    only: Annotated[list[str] | None, typer.Option(help="Only this check; may be given again.")] = None,
    as_json: Json = False,
) -> None:
    """Check settings, database, model, disk, clock and feed list, and say what to do about what is wrong."""
    from pipeline.cli.tables import doctor_table
    from pipeline.doctor import examine

    findings = examine(settings_of(context), tuple(only or ()))
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        console.print(doctor_table(findings))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)
