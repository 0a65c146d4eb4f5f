"""Commands that read what is stored: query, explain."""

from __future__ import annotations

import contextlib
import csv
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import asking
from pipeline.cli.app import Json, console, database_of, print_json, settings_of
from pipeline.cli.asking import (
    Code,
    Country,
    Kind,
    Language,
    Omitted,
    Outlet,
    RunId,
    Since,
    Text,
    ToneMax,
    ToneMin,
    Until,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.queries import Explanation, Filter, Period, Similar

Option = typer.Option


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("query")(query)
    app.command("explain")(explain)


def query(
    context: typer.Context,
    text: Text = None,
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
    sort: Annotated[
        str, Option(help="newest, oldest, credulous or vigilant first.", autocompletion=asking.sorts)
    ] = "newest",
    limit: Annotated[int, Option(min=1, max=1000, help="Articles at most.")] = 50,
    after: Annotated[str | None, Option(help="Continue where an earlier answer ended (its `next`).")] = None,
    like: Annotated[str | None, Option(help="The articles nearest in meaning to these words, in any language.")] = None,
    similar_to: Annotated[str | None, Option(help="The articles most like the one at this URL.")] = None,
    by_outlet: Annotated[bool, Option("--by-outlet", help="Compare outlets instead of listing articles.")] = False,
    by_day: Annotated[bool, Option("--by-day", help="Mean tone by day (UTC) instead.")] = False,
    by_week: Annotated[bool, Option("--by-week", help="Mean tone by week instead, from its Monday on.")] = False,
    group: Annotated[
        str | None,
        Option(help="With --by-day, --by-week: by outlet, language, country or kind.", autocompletion=asking.groups),
    ] = None,
    min_n: Annotated[int, Option(min=5, help="With --by-...: fewer articles than this have no mean.")] = 10,
    as_json: Json = False,
    as_csv: Annotated[bool, Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """List stored coverage scores, the newest first, or take them together."""
    asking.refuse_unknown("--sort", sort, asking.sorts(""))
    if group is not None:
        asking.refuse_unknown("--group", group, asking.groups(""))
    if by_outlet + by_day + by_week > 1 or (group and not by_day and not by_week):
        raise typer.BadParameter("one of --by-outlet, --by-day and --by-week; --group goes with the latter two")
    wanted = asking.wanted(
        text=text, outlet=outlet, country=country, kind=kind, language=language, code=code, omitted=omitted,
        since=since, until=until, tone_min=tone_min, tone_max=tone_max, run_id=run_id,
    )  # fmt: skip
    if like is not None or similar_to is not None:
        from pipeline.cli.tables import similar_table

        alike = _alike(context, wanted, limit, like, similar_to)
        _give(alike, lambda: similar_table(alike), as_json=as_json, as_csv=as_csv)
        return
    with database_of(context) as database, database.read() as connection:
        if by_outlet:
            _compare(connection, wanted, min_n, as_json=as_json, as_csv=as_csv)
        elif by_day or by_week:
            period: Period = "day" if by_day else "week"
            _trend(connection, wanted, period, group, min_n, as_json=as_json, as_csv=as_csv)
        else:
            _list(connection, wanted, sort, limit, after, as_json=as_json, as_csv=as_csv)


def _alike(
    context: typer.Context, wanted: Filter, limit: int, like: str | None, similar_to: str | None
) -> tuple[Similar, ...]:
    """The articles nearest in meaning to words, or to the article at a URL."""
    from pipeline.analyse.judge import load_judge
    from pipeline.report.asked import Asked
    from storage import queries

    if like is not None and similar_to is not None:
        raise typer.BadParameter("say either --like or --similar-to")
    question = None
    if like is not None:
        question = Asked(lambda: load_judge(settings_of(context)).meaning, timeout_s=600)(like)
    with database_of(context) as database, database.read() as connection:
        if question:
            return queries.nearest(connection, question.vector, limit, wanted, language=question.language)
        found = _explained(connection, similar_to or "")
        if found is None or found.article is None:
            raise typer.BadParameter(f"no article is stored of --similar-to {similar_to}")
        return queries.similar(connection, found.article["id"], limit, wanted)


def _list(
    connection: Connection,
    wanted: Filter,
    sort: Any,
    limit: int,
    after: str | None,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    from pipeline.cli.tables import coverage_table
    from storage import queries

    page = queries.coverage(connection, wanted, sort=sort, limit=limit, after=after)
    if as_json:
        print_json({"rows": [asdict(row) for row in page.rows], "next": page.next})
        return
    _give(page.rows, lambda: coverage_table(page.rows), as_json=False, as_csv=as_csv)
    if page.next:
        typer.echo(f"more: --after {page.next}", err=True)


def _compare(connection: Connection, wanted: Filter, min_n: int, *, as_json: bool, as_csv: bool) -> None:
    from pipeline.cli.trends import outlet_table
    from storage import queries

    outlets = queries.by_outlet(connection, wanted, min_n=min_n)
    weeks = () if as_json or as_csv else queries.trend(connection, wanted, period="week", group="outlet", min_n=5)
    _give(outlets, lambda: outlet_table(outlets, weeks), as_json=as_json, as_csv=as_csv)
    _tell_of_few([outlet.tone for outlet in outlets], min_n)


def _trend(
    connection: Connection,
    wanted: Filter,
    period: Period,
    group: Any,
    min_n: int,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    from pipeline.cli.trends import trend_table
    from storage import queries

    points = queries.trend(connection, wanted, period=period, group=group, min_n=min_n)
    _give(points, lambda: trend_table(points, period, group), as_json=as_json, as_csv=as_csv)
    _tell_of_few([point.tone for point in points], min_n)


def _tell_of_few(tones: list[float | None], min_n: int) -> None:
    """Say on stderr why some rows have no mean."""
    if few := tones.count(None):
        typer.echo(
            f"{few} of {len(tones)} rows have no mean: fewer than {min_n} articles (--min-n, 5 at least)", err=True
        )


def _give(found: Iterable[Any], table: Any, *, as_json: bool, as_csv: bool) -> None:
    rows = [asdict(row) for row in found]
    if as_json:
        print_json(rows)
    elif as_csv:
        _print_csv(rows)
    else:
        console.print(table())


def _print_csv(rows: list[dict[str, Any]]) -> None:
    from pipeline.report.cells import cell

    flat = [_flat(row) for row in rows]
    writer = csv.writer(sys.stdout)
    if flat:
        writer.writerow(flat[0])
    writer.writerows([cell(value) for value in row.values()] for row in flat)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row for a spreadsheet: an interval is two columns."""
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("interval"):
            cells[f"{name}_low"], cells[f"{name}_high"] = value or (None, None)
        else:
            cells[name] = value
    return cells


def _explained(connection: Connection, url: str) -> Explanation | None:
    from pipeline.collect.addresses import canonical
    from pipeline.errors import FetchError
    from storage import queries

    found = queries.explain(connection, url)
    if found is None:
        with contextlib.suppress(FetchError):  # what is no address at all is unknown, too
            found = queries.explain(connection, canonical(url))
    return found


def explain(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="The article's address; `query --csv` lists those of scored articles.")],
    as_json: Json = False,
) -> None:
    """Say why an article is in or out: who announced it, what was fetched, what was decided, on what evidence."""
    from pipeline.cli.tables import article_part, explanation_parts
    from storage import queries

    with database_of(context) as database, database.read() as connection:
        found = _explained(connection, url)
        evidence = queries.evidence(connection, found.scores[-1]["id"]) if found and found.scores else ()
        view = queries.article_view(connection, found.article["id"]) if found and found.article else None
    if found is None:
        console.print(
            f"{url} is unknown: no watched feed has announced it. `treatywatch feeds list` shows what is watched, "
            "`treatywatch query --csv` the addresses of what is scored.",
            markup=False,
        )
        raise typer.Exit(1)
    score = view.score if view else None
    if as_json:
        told = {"evidence": [asdict(quotation) for quotation in evidence], "score": asdict(score) if score else None}
        print_json({**asdict(found), **told})
        return
    for part in explanation_parts(found, evidence):
        console.print(part)
    if score:
        console.print(article_part(score, evidence))
