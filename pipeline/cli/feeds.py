"""Commands about the list of feeds: list, check, health, discover, import, export."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from pipeline.cli.app import Json, console, errors, print_json, settings_of
from pipeline.cli.health import health

if TYPE_CHECKING:
    from config.settings import Settings
    from config.sources import FeedSource

feeds_app = typer.Typer(help="The outlets' feeds: what is watched, and whether it can be read.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    feeds_app.command("list")(list_feeds)
    feeds_app.command("check")(check)
    feeds_app.command("health")(health)
    feeds_app.command("discover")(discover)
    feeds_app.command("import")(import_opml)
    feeds_app.command("export")(export_opml)
    app.add_typer(feeds_app, name="feeds")


def sources_of(settings: Settings) -> tuple[FeedSource, ...]:
    """The list of feeds that the settings name."""
    from config.sources import load_feeds

    return load_feeds(settings.feeds.path())


def list_feeds(context: typer.Context, as_json: Json = False) -> None:
    """List the feeds."""
    from pipeline.cli.tables import table_of

    sources = sources_of(settings_of(context))
    if as_json:
        print_json([source.model_dump() for source in sources])
        return
    table = table_of("Feeds", "outlet", "country", "language", "kind", "format", "url", "verified")
    for source in sources:
        row = (source.outlet, source.country, source.language, source.kind, source.format, source.url)
        table.add_row(*map(escape, row), "yes" if source.verified else "no")
    console.print(table)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What trying one feed gave: `ok`, `degraded` or the reason of its failure."""

    outlet: str
    url: str
    outcome: str
    format: str = ""
    entries: int = 0
    newest: str = ""
    detail: str = ""


def check(
    context: typer.Context,
    feed: Annotated[str | None, typer.Option(help="Only this URL, listed or not.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Try each feed and say what was found. Stores nothing."""
    from pipeline.cli.analysis import progress_bar
    from pipeline.cli.tables import table_of

    settings = settings_of(context)
    targets = [(source.outlet, source.url) for source in sources_of(settings) if feed in (None, source.url)]
    targets = targets or [("", feed or "")]
    with progress_bar("checking") as bar:
        task = bar.add_task("checking", total=len(targets))
        checked = asyncio.run(_check_all(settings, targets, lambda: bar.advance(task)))
    if as_json:
        print_json([asdict(row) for row in checked])
    else:
        table = table_of(
            "Feeds", "outlet", "url", "outcome", "format", "entries", "newest", "detail", right=("entries",)
        )
        for row in checked:
            table.add_row(*(escape(str(value)) for value in asdict(row).values()))
        console.print(table)
    raise typer.Exit(0 if all(row.outcome in ("ok", "degraded") for row in checked) else 1)


async def _check_all(settings: Settings, targets: Sequence[tuple[str, str]], tick: Any) -> list[Checked]:
    from pipeline.collect.fetch import Fetcher
    from pipeline.collect.workers import Workers

    async with Fetcher(settings.fetch) as fetcher, Workers(settings.workers) as readers:

        async def one(outlet: str, url: str) -> Checked:
            checked = await _check(fetcher, readers, outlet, url, settings.poll.max_entries)
            tick()
            return checked

        return await asyncio.gather(*(one(outlet, url) for outlet, url in targets))


async def _check(fetcher: Any, readers: Any, outlet: str, url: str, max_entries: int) -> Checked:
    from pipeline.errors import CollectError

    try:
        parsed = await readers.parse(await fetcher.fetch(url), max_entries=max_entries)
    except CollectError as error:
        return Checked(outlet=outlet, url=url, outcome=error.reason, detail=str(error))
    newest = max((entry.published_at for entry in parsed.entries if entry.published_at), default=None)
    return Checked(
        outlet=outlet,
        url=url,
        outcome="degraded" if parsed.degraded else "ok",
        format=parsed.format,
        entries=len(parsed.entries),
        newest=f"{newest:%Y-%m-%d %H:%M}" if newest else "",
        detail=parsed.degraded,
    )


def discover(context: typer.Context, url: str, as_json: Json = False) -> None:
    """Find the feeds that a page announces."""
    from pipeline.cli.tables import table_of

    found = asyncio.run(_discover(settings_of(context), url))
    if as_json:
        print_json([asdict(row) for row in found])
    elif found:
        table = table_of(f"Feeds announced by {escape(url)}", "url", "title", "format")
        for row in found:
            table.add_row(escape(row.url), escape(row.title), row.format)
        console.print(table)
    else:
        errors.print(f"{url} announces no feed; look for /rss, /feed or /sitemap.xml by hand", markup=False)
    raise typer.Exit(0 if found else 1)


async def _discover(settings: Settings, url: str) -> Any:
    from pipeline.collect.discover import discover as announced
    from pipeline.collect.fetch import Fetcher
    from pipeline.records import Fetched

    async with Fetcher(settings.fetch) as fetcher:
        page = await fetcher.fetch(url)
    return announced(page) if isinstance(page, Fetched) else ()


def import_opml(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An OPML file.")],
    language: Annotated[Literal["en", "ja", "ru"], typer.Option(help="Language of outlines that name none.")] = "en",
    country: Annotated[str, typer.Option(help="Country of outlines that name none, such as JP.")] = "XX",
) -> None:
    """Print the feeds of an OPML file in the format of feeds.toml, those that are listed already left out."""
    import tomli_w

    from pipeline.collect import opml

    known = {source.url for source in sources_of(settings_of(context))}
    rows = [
        {
            "url": outline.url,
            "outlet": outline.title or outline.url,
            "country": country.upper(),
            "language": outline.language or language,
            "kind": "specialist",
            "format": "rss",
            "verified": False,
        }
        for outline in opml.read(file.read_bytes())
        if outline.url not in known
    ]
    sys.stdout.write(tomli_w.dumps({"feed": rows}))
    errors.print(f"{len(rows)} new feeds; check country, kind and format before you add them to your list")


def export_opml(
    context: typer.Context,
    into: Annotated[
        Path | None, typer.Option(help="File to write. Default: standard output.", show_default=False)
    ] = None,
) -> None:
    """Write the list of feeds as OPML, for a feed reader."""
    from pipeline.collect import opml

    outlines = [
        opml.OpmlOutline(url=source.url, title=source.outlet, language=source.language)
        for source in sources_of(settings_of(context))
    ]
    content = opml.write(outlines)
    if into is None:
        sys.stdout.buffer.write(content)
    else:
        into.write_bytes(content)
