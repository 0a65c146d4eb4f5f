"""Commands that read what is stored: query, explain."""

from __future__ import annotations

import contextlib
import csv
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from pipeline.cli.app import Json, console, database_of, print_json

Option = typer.Option


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("query")(query)
    app.command("explain")(explain)


def query(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help='Words or "phrases" in title or text.', show_default=False)] = None,
    outlet: Annotated[str | None, Option(help="Only this outlet.")] = None,
    country: Annotated[str | None, Option(help="Only outlets of this country, such as JP.")] = None,
    kind: Annotated[str | None, Option(help="Only outlets of this kind, such as wire.")] = None,
    language: Annotated[str | None, Option(help="en, ja or ru.")] = None,
    code: Annotated[str | None, Option(help="Only articles with a passage that bears this code.")] = None,
    since: Annotated[datetime | None, Option(help="Published at this UTC time or later.")] = None,
    until: Annotated[datetime | None, Option(help="Published before this UTC time.")] = None,
    tone_min: Annotated[float | None, Option(help="Tone at least, -1 to 1.")] = None,
    tone_max: Annotated[float | None, Option(help="Tone at most, -1 to 1.")] = None,
    limit: Annotated[int, Option(min=1, max=1000, help="Articles at most.")] = 50,
    after: Annotated[str | None, Option(help="Continue where an earlier answer ended (its `next`).")] = None,
    by_outlet: Annotated[bool, Option("--by-outlet", help="Compare outlets instead of listing articles.")] = False,
    min_n: Annotated[int, Option(min=5, help="With --by-outlet: fewer articles than this are not ranked.")] = 10,
    as_json: Json = False,
    as_csv: Annotated[bool, Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """List stored coverage scores, the newest first."""
    from pipeline.cli.tables import coverage_table, outlet_table
    from storage import queries
    from storage.columns import in_utc

    _known(code, kind, language)
    wanted = queries.Filter(
        outlet=outlet, country=country, kind=kind, language=language, code=code,
        since=since and in_utc(since), until=until and in_utc(until), tone_min=tone_min, tone_max=tone_max, text=text,
    )  # fmt: skip
    with database_of(context) as database, database.read() as connection:
        if by_outlet:
            outlets = queries.by_outlet(connection, wanted, min_n=min_n)
            _give([asdict(row) for row in outlets], outlet_table(outlets), as_json=as_json, as_csv=as_csv)
            return
        page = queries.coverage(connection, wanted, limit=limit, after=after)
        rows = [asdict(row) for row in page.rows]
        if as_json:
            print_json({"rows": rows, "next": page.next})
        else:
            _give(rows, coverage_table(page.rows), as_json=False, as_csv=as_csv)
            if page.next:
                typer.echo(f"more: --after {page.next}", err=True)


def _known(code: str | None, kind: str | None, language: str | None) -> None:
    """Refuse a word that would match nothing, with the nearest that would."""
    from typing import get_args

    from config.codebook import load_codebook
    from config.invalid import nearest
    from config.sources import FeedKind
    from pipeline.records import Language

    for name, value, words in (
        ("--code", code, tuple(load_codebook().codes)),
        ("--kind", kind, get_args(FeedKind)),
        ("--language", language, get_args(Language)),
    ):
        if value is not None and value not in words:
            raise typer.BadParameter(f"{name} {value!r} is unknown{nearest(value, words)}")


def _give(rows: list[dict[str, Any]], table: Any, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(rows)
    elif as_csv:
        _print_csv(rows)
    else:
        console.print(table)


def _print_csv(rows: list[dict[str, Any]]) -> None:
    from pipeline.report.cells import cell

    writer = csv.writer(sys.stdout)
    if rows:
        writer.writerow(rows[0])
    writer.writerows([cell(value) for value in row.values()] for row in rows)


def explain(context: typer.Context, url: str, as_json: Json = False) -> None:
    """Say why an article is in or out: who announced it, what was fetched, what was decided, on what evidence."""
    from pipeline.cli.tables import explanation_parts
    from pipeline.collect.addresses import canonical
    from pipeline.errors import FetchError
    from storage import queries

    with database_of(context) as database, database.read() as connection:
        found = queries.explain(connection, url)
        if found is None:
            with contextlib.suppress(FetchError):  # what is no address at all is unknown, too
                found = queries.explain(connection, canonical(url))
        evidence = queries.evidence(connection, found.scores[-1]["id"]) if found and found.scores else ()
    if found is None:
        console.print(
            f"{url} is unknown: no watched feed has announced it. `treatywatch feeds list` shows what is watched.",
            markup=False,
        )
        raise typer.Exit(1)
    if as_json:
        print_json({**asdict(found), "evidence": [asdict(quotation) for quotation in evidence]})
        return
    for part in explanation_parts(found, evidence):
        console.print(part)
