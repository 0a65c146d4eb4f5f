"""Commands about who gets the digest: recipients add, list, remove, schedule."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from pipeline.cli.app import Json, console, database_of, errors, print_json, settings_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
recipients_app = typer.Typer(help="Mailing lists: who gets the digest, when, in which language.", no_args_is_help=True)
List = Annotated[str, typer.Option("--list", help="The mailing list.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    recipients_app.command("add")(add)
    recipients_app.command("list")(list_recipients)
    recipients_app.command("remove")(remove)
    recipients_app.command("schedule")(schedule)
    app.add_typer(recipients_app, name="recipients")


def add(
    context: typer.Context,
    addresses: Annotated[list[str], typer.Argument(help="Mail addresses.")],
    name: List = "daily",
) -> None:
    """Put addresses on a list, which is made if it is not there."""
    from storage import recipients

    now = datetime.now(UTC)
    with database_of(context) as database, database.write() as connection:
        if name not in {known.name for known in recipients.lists(connection)}:
            recipients.schedule(connection, name, first_schedule(context), now)
        added = {address: recipients.add(connection, name, address, now) for address in addresses}
    for address, new in added.items():
        _say(f"{address} {'is now' if new else 'was already'} on the list {name!r}.")


def first_schedule(context: typer.Context) -> dict[str, Any]:
    """What a new list begins with."""
    settings = settings_of(context)
    chosen = {"language": settings.report.language, "zone": settings.digest.zone, "send_at": settings.digest.send_at}
    return chosen | {"weekdays": range(len(DAYS)), "empty_days": False}


def list_recipients(context: typer.Context, as_json: Json = False) -> None:
    """The lists with their times, and the addresses on them."""
    from pipeline.cli.tables import table_of
    from storage import recipients

    with database_of(context) as database, database.read() as connection:
        lists, people = recipients.lists(connection), recipients.on_list(connection)
    if as_json:
        print_json({"lists": [asdict(one) for one in lists], "recipients": [asdict(one) for one in people]})
        return
    table = table_of("Mailing lists", "list", "recipients", "language", "sent at", "time zone", "days", "empty days")
    for one in lists:
        days = " ".join(DAYS[day] for day in one.weekdays)
        row = (one.name, str(one.recipients), one.language, one.send_at, one.zone, days)
        table.add_row(*row, "yes" if one.empty_days else "no")
    console.print(table)
    table = table_of("Recipients", "list", "address", "since", "left")
    for person in people:
        left = f"{person.unsubscribed_at:%Y-%m-%d}" if person.unsubscribed_at else "-"
        table.add_row(person.list_name, escape(person.address), f"{person.added_at:%Y-%m-%d}", left)
    console.print(table)


def remove(
    context: typer.Context, address: Annotated[str, typer.Argument(help="The mail address.")], name: List = "daily"
) -> None:
    """Take an address off a list, and what waits for it out of the outbox."""
    from storage import outbox

    with database_of(context) as database, database.write() as connection:
        removed = outbox.remove(connection, name, address, datetime.now(UTC))
    if not removed:
        typer.echo(f"treatywatch: {address} is not on the list {name!r}; see `treatywatch recipients list`", err=True)
        raise typer.Exit(1)
    _say(f"{address} gets no more mails of the list {name!r}.")


def schedule(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The list's name, such as daily or tokyo-weekdays.")],
    zone: Annotated[str | None, typer.Option(help="Time zone of its readers, such as Asia/Tokyo.")] = None,
    at: Annotated[str | None, typer.Option(help="Local time of sending, such as 07:00.")] = None,
    days: Annotated[str | None, typer.Option(help="Weekdays, such as mon,tue,wed,thu,fri.")] = None,
    language: Annotated[str | None, typer.Option(help="en or ja.")] = None,
    empty_days: Annotated[
        bool | None, typer.Option("--empty-days/--no-empty-days", help="Whether to send when nothing is new.")
    ] = None,
) -> None:
    """Make a mailing list, or change when and how it is sent."""
    from storage import recipients

    asked = {"zone": zone, "send_at": at, "language": language, "empty_days": empty_days}
    changes: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    changes |= {"weekdays": _weekdays(days)} if days else {}
    with database_of(context) as database, database.write() as connection:
        if name not in {known.name for known in recipients.lists(connection)}:
            changes = first_schedule(context) | changes
        made = recipients.schedule(connection, name, changes, datetime.now(UTC))
    told = " ".join(DAYS[day] for day in made.weekdays)
    _say(f"{made.name!r}: {told} at {made.send_at} {made.zone}, in {made.language}; {made.recipients} recipients.")


def _weekdays(words: str) -> list[int]:
    from config.invalid import nearest

    days = [word.strip().lower()[:3] for word in words.split(",")]
    for day in days:
        if day not in DAYS:
            raise typer.BadParameter(f"--days {day!r} is unknown{nearest(day, DAYS)}")
    return [DAYS.index(day) for day in days]


def _say(text: str) -> None:
    errors.print(text, markup=False, highlight=False)
