"""Commands about who may use the web server: tokens add, list, revoke."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.markup import escape

from pipeline.cli.app import Json, console, database_of, errors, print_json

if TYPE_CHECKING:
    from pipeline.records import Role

tokens_app = typer.Typer(help="Access tokens: who may use the web server.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    tokens_app.command("add")(add)
    tokens_app.command("list")(list_tokens)
    tokens_app.command("revoke")(revoke)
    app.add_typer(tokens_app, name="tokens")


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose it is, or what it is for.")],
    role: Annotated[str, typer.Option(metavar="read|code|admin", help="What it allows; code may code articles, too.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good for.")] = 365,
    as_json: Json = False,
) -> None:
    """Make a token and print it, once: only its hash is kept."""
    from storage import tokens

    now = datetime.now(UTC)
    with database_of(context) as database, database.write() as connection:
        token, presented = tokens.issue(connection, name, _role(role), now, life=timedelta(days=days))
    if as_json:
        print_json({**asdict(token), "token": presented})
        return
    errors.print(
        f"{token.name!r} may {token.role} until {token.expires_at:%Y-%m-%d}. The token is shown this once only:",
        markup=False,
        highlight=False,
    )
    typer.echo(presented)


def _role(word: str) -> Role:
    from config.invalid import nearest
    from pipeline.records import Role

    for role in get_args(Role):
        if word == role:
            known: Role = role
            return known
    raise typer.BadParameter(f"--role {word!r} is unknown{nearest(word, get_args(Role))}")


def list_tokens(context: typer.Context, as_json: Json = False) -> None:
    """List the tokens: role, state, when they were used last."""
    from pipeline.cli.tables import table_of
    from storage import tokens

    now = datetime.now(UTC)
    with database_of(context) as database, database.read() as connection:
        found = tokens.listed(connection)
    if as_json:
        print_json([{**asdict(token), "state": token.state(now)} for token in found])
        return
    table = table_of("Tokens", "name", "role", "state", "begins with", "made", "good until", "last used")
    for token in found:
        days = (_day(time) for time in (token.created_at, token.expires_at, token.last_used_at))
        table.add_row(escape(token.name), token.role, token.state(now), f"tw_{token.prefix}", *days)
    console.print(table)


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d}" if time else "-"


def revoke(context: typer.Context, name: Annotated[str, typer.Argument(help="The token's name.")]) -> None:
    """Take a token back for good, with the sessions that were begun with it."""
    from storage import tokens

    with database_of(context) as database, database.write() as connection:
        revoked = tokens.revoke(connection, name, datetime.now(UTC))
    if not revoked:
        typer.echo(f"treatywatch: no token named {name!r} is in force; see `treatywatch tokens list`", err=True)
        raise typer.Exit(1)
    errors.print(f"{name!r} is revoked.", markup=False, highlight=False)
