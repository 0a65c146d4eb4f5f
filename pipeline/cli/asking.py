"""The options that say which articles are meant, for every command that reads coverage, and what the shell offers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

if TYPE_CHECKING:
    from storage.queries import Filter

Option = typer.Option
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]


def _starting(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.lower().startswith(incomplete.lower())]


def codes(incomplete: str) -> list[str]:
    """Codes of the codebook."""
    from config.codebook import load_codebook

    return _starting(load_codebook().codes, incomplete)


def facts(incomplete: str) -> list[str]:
    """Context facts of the codebook."""
    from config.codebook import load_codebook

    return _starting(load_codebook().facts, incomplete)


def kinds(incomplete: str) -> list[str]:
    """Kinds of outlets."""
    from config.sources import FeedKind

    return _starting(get_args(FeedKind), incomplete)


def languages(incomplete: str) -> list[str]:
    """The languages that are watched."""
    from pipeline.records import Language

    return _starting(get_args(Language), incomplete)


def sorts(incomplete: str) -> list[str]:
    """The orders in which articles are listed."""
    from storage.queries import Sort

    return _starting(get_args(Sort), incomplete)


def groups(incomplete: str) -> list[str]:
    """What articles can be grouped by."""
    from storage.queries import Group

    return _starting(get_args(Group), incomplete)


def outlets(context: typer.Context, incomplete: str) -> list[str]:
    """The watched outlets. A shell that completes a word must not be told of wrong settings."""
    from config.invalid import InvalidSettings
    from config.settings import load
    from config.sources import load_feeds

    given = (context.parent or context).params.get("config")
    try:
        sources = load_feeds(load(Path(given) if given else None).feeds.path())
    except InvalidSettings:
        return []
    return _starting(sorted({source.outlet for source in sources}), incomplete)


Text = Annotated[str | None, typer.Argument(help='Words or "phrases" in title or text.', show_default=False)]
Outlet = Annotated[str | None, Option(help="Only this outlet.", autocompletion=outlets)]
Country = Annotated[str | None, Option(help="Only outlets of this country, such as JP.")]
Kind = Annotated[str | None, Option(help="Only outlets of this kind, such as wire.", autocompletion=kinds)]
Language = Annotated[str | None, Option(help="en, ja or ru.", autocompletion=languages)]
Code = Annotated[str | None, Option(help="Only articles with a passage that bears this code.", autocompletion=codes)]
Omitted = Annotated[str | None, Option(help="Only articles that leave out this context fact.", autocompletion=facts)]
Since = Annotated[datetime | None, Option(help="Published at this UTC time or later.", formats=DATES)]
Until = Annotated[datetime | None, Option(help="Published before this UTC time.", formats=DATES)]
ToneMin = Annotated[float | None, Option(help="Tone at least, -1 to 1.", min=-1, max=1)]
ToneMax = Annotated[float | None, Option(help="Tone at most, -1 to 1.", min=-1, max=1)]
RunId = Annotated[int | None, Option("--run", help="Scores of this run instead of the latest.", min=1)]


def wanted(*, since: datetime | None, until: datetime | None, **asked: Any) -> Filter:
    """The articles that the options ask for. Raises typer.BadParameter for a word that would match nothing."""
    from storage.columns import in_utc
    from storage.queries import Filter

    for name, words in (("code", codes), ("omitted", facts), ("kind", kinds), ("language", languages)):
        if asked.get(name) is not None:
            refuse_unknown(f"--{name}", asked[name], words(""))
    return Filter(since=since and in_utc(since), until=until and in_utc(until), **asked)


def refuse_unknown(option: str, value: str, words: Iterable[str]) -> None:
    """Refuse a word that is not one of these, with the nearest that is."""
    from config.invalid import nearest

    words = list(words)
    if value not in words:
        raise typer.BadParameter(f"{option} {value!r} is unknown{nearest(value, words)}")
