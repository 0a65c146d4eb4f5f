"""The frame of every page: where one can go, in which language, and who reads.

A route makes its page by `page(request, "outlets.html", title=words.gettext("Outlets"), place="outlets", rows=rows)`.
Its template extends `base.html` and has `frame` (a Frame), `words` (Words) and what the route hands it; `parts.html`
holds the macros that pages share. There are no style attributes and no scripts within pages: the policy forbids them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from babel import negotiate_locale
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from pipeline.report.auth import LOCAL, Caller
from pipeline.report.markup import render
from pipeline.report.words import N_, Tongue, Words, each_tongue

COOKIE, YEAR_S = "treatywatch_lang", 31_536_000
NAMES: dict[Tongue, str] = {"en": "English", "ja": "日本語"}  # each in itself, for who can't read the other


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the navigation leads to. `name`: a message."""

    id: str
    path: str
    name: str


PLACES = (
    Place("overview", "/", N_("Overview")),
    Place("articles", "/articles", N_("Articles")),
    Place("outlets", "/outlets", N_("Outlets")),
    Place("codes", "/codes", N_("Codes")),
    Place("feeds", "/feeds", N_("Feeds")),
    Place("digests", "/digests", N_("Digests")),
    Place("codebook", "/codebook", N_("Codebook")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is around a page. `place`: the id of the place that it belongs to; `tongues`: the same page in each language."""

    title: str
    place: str
    caller: Caller | None
    signed_in: bool
    tongues: tuple[tuple[Tongue, str, str], ...]
    places: tuple[Place, ...] = PLACES


def tongue_of(request: Request) -> Tongue:
    """The language to answer in: as `?lang=` says, else as it said before, else the browser's, else the settings'."""
    for choice in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        for tongue in each_tongue():
            if choice == tongue:
                return tongue
    accepted = [part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    negotiated = negotiate_locale([name.partition("-")[0] for name in accepted if name], each_tongue())
    default: Tongue = request.app.state.settings.report.language
    return next((tongue for tongue in each_tongue() if tongue == negotiated), default)


def caller_of(request: Request) -> Caller | None:
    """Who reads; nobody where the gate did not see the request."""
    caller: Caller | None = getattr(request.state, "caller", None)
    return caller


def words_of(request: Request) -> Words:
    """The words to answer with."""
    return Words(tongue_of(request))


Spoken = Annotated[Words, Depends(words_of)]


def page(
    request: Request, template: str, *, title: str, place: str = "", status: int = 200, **values: Any
) -> HTMLResponse:
    """A page of the dashboard: its template filled with `values`, in the reader's language. `title`: already in words."""
    tongue = tongue_of(request)
    caller = caller_of(request)
    signed_in = caller is not None and caller is not LOCAL
    frame = Frame(title=title, place=place, caller=caller, signed_in=signed_in, tongues=_tongues(request))
    answer = HTMLResponse(render(template, tongue, frame=frame, **values), status)
    if request.query_params.get("lang") == tongue:
        secure = request.scope["scheme"] == "https"
        answer.set_cookie(COOKIE, tongue, max_age=YEAR_S, secure=secure, httponly=True, samesite="lax")
    return answer


def _tongues(request: Request) -> tuple[tuple[Tongue, str, str], ...]:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return tuple((tongue, NAMES[tongue], f"?{urlencode([*kept, ('lang', tongue)])}") for tongue in each_tongue())
