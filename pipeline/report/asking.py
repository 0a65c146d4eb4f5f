"""What a route works with: the connection that it reads by, the settings, and what the reader asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, get_args

from fastapi import Depends, Query, Request
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from sqlalchemy import Connection

from config.settings import Settings
from config.sources import FeedKind
from pipeline.records import Language
from storage.columns import MAX_ID, in_utc
from storage.queries import Filter


def _reader(request: Request) -> Iterator[Connection]:
    with request.app.state.database.read() as connection:
        yield connection


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


Reading = Annotated[Connection, Depends(_reader)]
Settled = Annotated[Settings, Depends(_settings)]

EMPTY: dict[str, Any] = {"type": "string", "maxLength": 0}
TIMES: list[dict[str, Any]] = [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]


def _given(value: Any) -> Any:
    """A field of a form that was left empty asks for nothing."""
    return value or None


def written(value: Any) -> Any:
    """A date or time as it is written; pydantic would read a bare number as seconds since 1970."""
    if isinstance(value, str) and not value[:5].endswith("-"):
        raise ValueError("write a date as 2026-11-01, or a time as 2026-11-01T09:30:00+09:00")
    return value


def _utc(time: datetime) -> datetime:
    try:
        return in_utc(time)
    except OverflowError:
        raise ValueError("this time lies outside the years 1 to 9999") from None


Blank = BeforeValidator(_given)
Name = Annotated[Annotated[str, StringConstraints(max_length=200)] | None, Blank]
Words = Annotated[Annotated[str, StringConstraints(max_length=500)] | None, Blank]
KindName = Annotated[FeedKind | None, Blank, WithJsonSchema({"type": "string", "enum": [*get_args(FeedKind), ""]})]
LanguageName = Annotated[Language | None, Blank, WithJsonSchema({"type": "string", "enum": [*get_args(Language), ""]})]
Moment = Annotated[
    Annotated[datetime, BeforeValidator(written), AfterValidator(_utc)] | None,
    Blank,
    WithJsonSchema({"anyOf": [*TIMES, EMPTY]}),
]
Tone = Annotated[
    Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None,
    Blank,
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": -1, "maximum": 1}, EMPTY]}),
]
RunId = Annotated[
    Annotated[int, Field(ge=1, le=MAX_ID)] | None,
    Blank,
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_ID}, EMPTY]}),
]


def wanted(
    outlet: Annotated[Name, Query(description="Only this outlet.")] = None,
    country: Annotated[Name, Query(description="Only outlets of this country, such as JP.")] = None,
    kind: Annotated[KindName, Query(description="Only outlets of this kind.")] = None,
    language: Annotated[LanguageName, Query(description="Only texts in this language.")] = None,
    code: Annotated[Name, Query(description="Only articles with a passage that bears it.")] = None,
    omitted: Annotated[Name, Query(description="Only articles that leave out this fact.")] = None,
    since: Annotated[Moment, Query(description="Published then or later; UTC where no offset is given.")] = None,
    until: Annotated[Moment, Query(description="Published before then; UTC where no offset is given.")] = None,
    tone_min: Annotated[Tone, Query(description="Tone at least, from -1 (vigilant) to 1 (credulous).")] = None,
    tone_max: Annotated[Tone, Query(description="Tone at most.")] = None,
    text: Annotated[Words, Query(description='Words or "phrases" in title or text.')] = None,
    run_id: Annotated[RunId, Query(description="Scores of this run; the latest where none is given.")] = None,
) -> Filter:
    """The articles that a reader asks for. A field that is empty asks for nothing."""
    asked: dict[str, Any] = {
        "outlet": outlet, "country": country, "kind": kind, "language": language, "code": code,
        "omitted": omitted, "since": since, "until": until, "tone_min": tone_min, "tone_max": tone_max,
        "text": text, "run_id": run_id,
    }  # fmt: skip
    return Filter(**{name: value for name, value in asked.items() if value is not None})


Wanted = Annotated[Filter, Depends(wanted)]


def meant(request: Request, meaning: str) -> Any:
    """A question as a vector with its language; None where this server has no model. Raises ModelError."""
    embed = getattr(request.app.state, "embed", None)
    return None if embed is None else embed(meaning)
