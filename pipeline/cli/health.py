"""Commands that tell how the watching goes: alarms, and what became of what each feed announced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from pipeline.cli.app import Json, console, database_of, print_json, settings_of

if TYPE_CHECKING:
    from rich.table import Table

    from storage.queries import FeedDay, FeedHealth

STEPS = ("announced", "waiting", "fetched", "extracted", "relevant", "scored")
Days = Annotated[int, typer.Option("--days", min=1, max=3660, help="So many days, today included (UTC).")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("alarms")(alarms)


def alarms(context: typer.Context, as_json: Json = False) -> None:
    """Tell what is wrong with feeds, outlets and the pipeline itself. Exit code 1 if anything is."""
    from pipeline.cli.tables import table_of
    from storage import queries

    settings = settings_of(context)
    with database_of(context) as database, database.read() as connection:
        found = queries.alarms(
            connection, settings.alarms, interval_s=settings.poll.min_interval_s, now=datetime.now(UTC)
        )
    if as_json:
        print_json([asdict(alarm) for alarm in found])
    elif found:
        table = table_of("Alarms", "kind", "subject", "since", "why", "what to do")
        for alarm in found:
            table.add_row(alarm.kind, escape(alarm.subject), _time(alarm.since), escape(alarm.why), alarm.what_to_do)
        console.print(table)
    else:
        console.print("No alarm.")
    raise typer.Exit(1 if found else 0)


def health(
    context: typer.Context,
    days: Days = 1,
    feed: Annotated[str | None, typer.Option(help="Only this feed.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """How each watched feed fares: its state, and day by day what became of the entries that it announced."""
    from storage import queries

    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with database_of(context) as database, database.read() as connection:
        feeds = [one for one in queries.feed_health(connection) if one.active and feed in (None, one.url)]
        found = queries.feed_days(connection, since=today - timedelta(days=days - 1))
    if feed is not None and not feeds:
        raise typer.BadParameter(f"{feed} is not watched; `treatywatch feeds list` shows what is", param_hint="--feed")
    by_feed = {one.id: [day for day in found if day.feed_id == one.id] for one in feeds}
    if as_json:
        print_json([_plain(one) | {"days": [_plain(day) for day in by_feed[one.id]]} for one in feeds])
    else:
        console.print(_table(feeds, by_feed))


def _plain(row: FeedHealth | FeedDay) -> dict[str, Any]:
    from pipeline.collect.addresses import without_secrets

    return asdict(row) | {"url": without_secrets(row.url)}


def _table(feeds: Sequence[FeedHealth], by_feed: dict[int, list[FeedDay]]) -> Table:
    from pipeline.cli.tables import table_of
    from pipeline.collect.addresses import without_secrets

    heads = ("outlet", "feed", "state", "since", "why", "day", *STEPS, "dropped")
    table = table_of("Feeds", *heads, right=STEPS)
    for feed in feeds:
        why = " ".join(filter(None, (feed.reason, f"({feed.failures}x)" if feed.failures > 1 else "")))
        who = (escape(feed.outlet), escape(without_secrets(feed.url)), feed.state, _time(feed.state_since), why)
        for day in by_feed[feed.id]:
            dropped = ", ".join(f"{n} {reason}" for reason, n in day.dropped.items())
            table.add_row(*who, day.day, *(str(getattr(day, step)) for step in STEPS), dropped)
            who = ("",) * 5
        if not by_feed[feed.id]:
            table.add_row(*who, "-", *("0" for _ in STEPS), "")
    return table


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
