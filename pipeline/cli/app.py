"""The root of the command line: options that every command shares, and how commands print."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import Settings
    from storage.database import Database

app = typer.Typer(
    name="treatywatch",
    help="Watch how media cover the Japan-Russia peace-treaty talks, and score their tone on quoted sentences.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console()
errors = Console(stderr=True)

NOISY = ("httpx", "httpcore", "trafilatura", "alembic", "apscheduler", "sentence_transformers")
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@dataclass(frozen=True)
class State:
    """What the shared options say; settings are read when a command first asks for them."""

    config: Path | None
    flags: tuple[str, ...]

    @cached_property
    def settings(self) -> Settings:
        """The settings of this call."""
        from config.settings import load

        settings = load(self.config, self.flags)
        configure_logging(settings)
        return settings


Context = typer.Context


def state(context: typer.Context) -> State:
    """The shared options of a call."""
    found: State = context.obj
    return found


def settings_of(context: typer.Context) -> Settings:
    """The settings of a call."""
    return state(context).settings


@contextmanager
def database_of(context: typer.Context) -> Iterator[Database]:
    """The database that the settings name, migrated, closed at the end."""
    from storage.database import open_database

    storage = settings_of(context).storage
    database = open_database(storage.database_url(), backups=storage.directory() / "backups")
    try:
        yield database
    finally:
        database.close()


def print_json(value: Any) -> None:
    """Print a value as JSON, unadorned, so that other programs can read it."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def configure_logging(settings: Settings) -> None:
    """Send events to stderr, as text or as JSON lines: ours, and those of the libraries."""
    import structlog

    level = getattr(logging, settings.log.level.upper())
    stamps: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide_secrets,
    ]
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log.json_lines
        else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*stamps, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    named = [structlog.stdlib.add_logger_name, *stamps, structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=named[:-1], processors=[named[-1], renderer])
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(max(level, logging.ERROR if noisy == "trafilatura" else logging.WARNING))


def _hide_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whatever is logged, the logins and keys of feeds are not."""
    from pipeline.collect.addresses import without_secrets

    return {name: without_secrets(value) if isinstance(value, str) else value for name, value in event.items()}


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"treatywatch {version('treatywatch')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Your settings file.", envvar="TREATYWATCH_CONFIG", show_default=False),
    ] = None,
    flags: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one setting; may be given again."),
    ] = None,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remember the options that all commands share."""
    context.obj = State(config=config, flags=tuple(flags or ()))
