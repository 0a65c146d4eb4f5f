"""The digest by hand: look at it, write it to a file, send it, and see what became of the mails."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pipeline.cli.app import Json, console, database_of, errors, print_json, settings_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from config.settings import Settings
    from storage.database import Database
    from storage.digests import Digest

digest_app = typer.Typer(help="The daily digest.", invoke_without_command=True)
FORMATS = (".html", ".txt", ".eml")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    digest_app.callback()(digest)
    digest_app.command("outbox")(outbox)
    app.add_typer(digest_app, name="digest")


def digest(
    context: typer.Context,
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Of this day; today.")] = None,
    name: Annotated[str | None, typer.Option("--list", help="As this mailing list gets it.")] = None,
    language: Annotated[str | None, typer.Option(help="en or ja, without --list.")] = None,
    output: Annotated[Path | None, typer.Option(help="A file that ends with .html, .txt or .eml.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Make it for good and send it to the list.")] = False,
) -> None:
    """Show the digest of a day as text, write it to a file, or send it. What was sent is shown as it was sent."""
    if context.invoked_subcommand:
        return
    _check(name, language, output, send=send)
    settings = settings_of(context)
    with database_of(context) as database:
        found = _sent(settings, database, name or "", _day(day)) if send else None
        if found is None:
            with database.read() as connection:
                found = _shown(connection, settings, name, language, _day(day))
    if output:
        _write(settings, found, output)
        errors.print(f"{found.subject}\nwritten to {output}", markup=False, highlight=False)
    elif not send:
        typer.echo(f"{found.subject}\n\n{found.plain}", nl=False)


def _check(name: str | None, language: str | None, output: Path | None, *, send: bool) -> None:
    if send and not name:
        raise typer.BadParameter("--send needs --list NAME; `treatywatch recipients list` shows them")
    if name and language:
        raise typer.BadParameter("a list has its language: leave out --language, or see `recipients schedule`")
    if language not in (None, "en", "ja"):
        raise typer.BadParameter(f"--language {language!r} is unknown; there are en and ja")
    if output and output.suffix not in FORMATS:
        raise typer.BadParameter(f"--output {output}: let its name end with {', '.join(FORMATS)}")


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


def _shown(
    connection: Connection, settings: Settings, name: str | None, language: str | None, day: date | None
) -> Digest:
    """A list's digest as it was kept, or as it would be made now; without a list, that of a whole day."""
    from pipeline.mail import editions
    from pipeline.mail.post import prepared
    from pipeline.report.digest.making import of_day
    from storage import digests, recipients

    now = datetime.now(UTC)
    if name is None:
        return of_day(connection, settings, day, "ja" if (language or settings.report.language) == "ja" else "en", now)
    wanted = recipients.list_named(connection, name)
    day = day or now.astimezone(wanted.tz).date()
    kept = digests.digest_on(connection, name, day)
    if kept and not kept.quiet:
        return kept
    until = min(now, editions.moment(wanted, day + timedelta(days=1)))
    return prepared(connection, settings, editions.edition(connection, wanted, day, until), now).unkept()


def _sent(settings: Settings, database: Database, name: str, day: date | None) -> Digest | None:
    """Make a list's digest if there is none, and send what waits. None if nothing is new."""
    from pipeline.errors import SettingsError
    from pipeline.mail import editions
    from pipeline.mail.post import keep, prepared
    from pipeline.mail.sending import send_due
    from storage import digests, recipients
    from storage import outbox as mails

    if not settings.mail.host:
        raise SettingsError("mail.host is empty, so no mails are sent; name a server there", reason="no_mail")
    now = datetime.now(UTC)
    with database.read() as connection:
        wanted = recipients.list_named(connection, name)
        day = day or now.astimezone(wanted.tz).date()
        kept = digests.digest_on(connection, name, day)
        made = prepared(connection, settings, editions.edition(connection, wanted, day, now), now)
    if kept is None:
        keep(settings, database, wanted, made, now)
    send_due(settings.mail, database)
    with database.read() as connection:
        kept = digests.digest_on(connection, name, day)
        messages = mails.messages(connection, digest_id=kept.id, limit=10_000) if kept else ()
    if kept is None or kept.quiet:
        errors.print("Nothing is new, so nothing was sent; a list may ask for empty days, too.")
        return None
    states = ", ".join(f"{sum(one.state == state for one in messages)} {state}" for state in _states(messages))
    errors.print(f"{kept.subject}\n{states or 'nobody is on the list'}", markup=False, highlight=False)
    return kept


def _states(messages: object) -> list[str]:
    return sorted({message.state for message in messages})  # type: ignore[attr-defined]


def _write(settings: Settings, found: Digest, output: Path) -> None:
    from pipeline.errors import StorageError

    try:
        output.write_bytes(content(settings, found, output.suffix))
    except OSError as error:
        raise StorageError(f"{output} can't be written: {error.strerror}", reason="no_file") from None


def content(settings: Settings, found: Digest, suffix: str) -> bytes:
    """A digest as the content of a file of that kind."""
    from pipeline.report.digest.mail import as_file
    from pipeline.report.digest.making import standing_alone

    if suffix == ".eml":
        return as_file(found, settings.mail)
    return (standing_alone(found) if suffix == ".html" else found.plain).encode()


def outbox(
    context: typer.Context,
    resend: Annotated[int | None, typer.Option(help="Send this failed or unknown mail again, by its id.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were sent.")] = False,
    as_json: Json = False,
) -> None:
    """What became of the mails: those that wait, failed, or may or may not have arrived."""
    from pipeline.cli.tables import table_of
    from storage import outbox as mails
    from storage.schema import OUTBOX_STATES

    with database_of(context) as database:
        if resend is not None:
            with database.write() as connection:
                again = mails.resend(connection, resend, datetime.now(UTC))
            if not again:
                typer.echo(f"treatywatch: no failed or unknown mail has the id {resend}", err=True)
                raise typer.Exit(1)
        states = [state for state in OUTBOX_STATES if everything or state != "sent"]
        with database.read() as connection:
            found = mails.messages(connection, states=states, limit=1000)
    if as_json:
        print_json([{key: value for key, value in asdict(one).items() if key != "token"} for one in found])
        return
    table = table_of("Outbox", "id", "state", "recipient", "digest", "tries", "next try", "reason")
    for one in found:
        following = f"{one.next_try_at:%Y-%m-%d %H:%M}" if one.state == "pending" and one.next_try_at else "-"
        row = (str(one.id), one.state, escape(one.recipient), str(one.digest_id), str(one.attempts), following)
        table.add_row(*row, escape(one.reason))
    console.print(table)
    if resend is not None:
        errors.print("It is sent on the service's next tick, or by `treatywatch digest --list NAME --send`.")
