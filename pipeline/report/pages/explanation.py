"""Why an article is in or out: everything that is known of an address."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from pipeline.collect.addresses import canonical
from pipeline.errors import FetchError
from pipeline.report.asking import Reading
from pipeline.report.pages import names
from pipeline.report.pages.page import Spoken, page
from pipeline.report.words import N_, Words
from storage import queries
from storage.queries import Explanation

LONGEST = 2048  # characters of an address
Section = tuple[str, tuple[tuple[str, str], ...]]

SECTIONS: dict[str, Section] = {
    "feeds": (N_("Announced by"), (("outlet", N_("Outlet")), ("url", N_("Feed")), ("state", N_("State")),
        ("last_success_at", N_("Last read")))),
    "entries": (N_("Entries in feeds"), (("title", N_("Headline")), ("state", N_("State")), ("reason", N_("Reason")),
        ("published_at", N_("Published")), ("first_seen_at", N_("First seen")), ("attempts", N_("Attempts")))),
    "fetches": (N_("Fetched"), (("at", N_("When")), ("what", N_("What")), ("outcome", N_("Outcome")),
        ("status", N_("Status")), ("bytes", N_("Bytes")), ("detail", N_("Detail")))),
    "revisions": (N_("Versions of the text"), (("number", N_("Version")), ("title", N_("Headline")),
        ("partial", N_("Partial")), ("extractor", N_("Read by")), ("fetched_at", N_("Fetched")))),
    "screenings": (N_("Judged for relevance"), (("number", N_("Version")), ("relevant", N_("Relevant")),
        ("value", N_("Probability")), ("reason", N_("Reason")), ("terms", N_("Words found")), ("stamp", N_("Run")))),
    "drops": (N_("Dropped"), (("at", N_("When")), ("stage", N_("Step")), ("reason", N_("Reason")),
        ("detail", N_("Detail")))),
    "scores": (N_("Scored"), (("number", N_("Version")), ("tone", N_("Tone")), ("tone_low", N_("From")),
        ("tone_high", N_("To")), ("scored_at", N_("When")), ("stamp", N_("Run")))),
    "lineage": (N_("Same wire text"), (("outlet", N_("Outlet")), ("url", N_("Address")),
        ("similarity", N_("Similarity")))),
}  # fmt: skip

# Columns whose values have names.
CALLED = {
    "reason": names.REASONS,
    "outcome": names.REASONS,
    "stage": names.STAGES,
    "state": names.STATES,
    "what": names.ASKED_FOR,
}
ENGLISH = ("terms", "detail")  # what the program wrote down when it happened


def explanation_routes() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/explain")
    def explain(request: Request, connection: Reading, words: Spoken) -> HTMLResponse:
        url = request.query_params.get("url", "").strip()
        found = known(connection, url) if url else None
        return page(
            request,
            "explain.html",
            title=words.gettext("Why an article is in or out"),
            place="articles",
            status=404 if url and not found else 200,
            url=url,
            found=found,
            verdict=verdict(found, words) if found else "",
            sections=_sections(found, words) if found else [],
        )

    return router


def known(connection: Connection, url: str) -> Explanation | None:
    """What is known of an address as it was typed, or else as treatywatch writes it."""
    if len(url) > LONGEST:
        return None
    found = queries.explain(connection, url)
    if found is None:
        with suppress(FetchError):  # what is no address at all is unknown, too
            found = queries.explain(connection, canonical(url))
    return found


def verdict(found: Explanation, words: Words) -> str:
    """In one sentence why the article is in or out."""
    last = found.screenings[-1] if found.screenings else None
    said: dict[str, str]
    if found.scores and last and last["relevant"]:
        tone = words.tone_number(found.scores[-1]["tone"])
        return words.gettext("In: its latest run scored it %(tone)s.") % {"tone": tone}
    if last:
        said = {"value": words.percent(last["value"]), "reason": _called("reason", last["reason"], words)}
        return words.gettext("Out: %(reason)s (probability %(value)s).") % said
    if found.article:
        return words.gettext("Kept, but not judged yet; the next pass judges it.")
    if found.drops:
        said = {name: _called(name, found.drops[-1][name], words) for name in ("stage", "reason")}
        return words.gettext("Out: dropped at %(stage)s, because %(reason)s.") % said
    if found.entries:
        return words.gettext("Announced, but its page has not been read yet.")
    return words.gettext("A feed, or a page that was fetched without becoming an article.")


def _called(column: str, value: str, words: Words) -> str:
    """A step or a reason in words; one without a name as it is."""
    return words.gettext(CALLED[column].get(value, value)) if value else ""


def _sections(found: Explanation, words: Words) -> list[dict[str, Any]]:
    return [
        {
            "title": title,
            "columns": [name for _, name in columns],
            "rows": [[_cell(column, row.get(column), row, words) for column, _ in columns] for row in rows],
        }
        for field, (title, columns) in SECTIONS.items()
        if (rows := getattr(found, field))
    ]


def _cell(column: str, value: Any, row: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """A cell's text and, for what an outlet wrote, the language it is in."""
    return {
        "text": _text(column, value, words),
        "language": (row.get("language") or "") if column == "title" else "en" if column in ENGLISH else "",
        "url": value if column == "url" else "",
        "short": column in CALLED,
    }


def _text(column: str, value: Any, words: Words) -> str:
    match value:
        case None:
            text = ""
        case bool():
            text = words.gettext("yes") if value else words.gettext("no")
        case datetime():
            text = words.moment(value)
        case float():
            text = words.tone_number(value) if column.startswith("tone") else f"{value:.2f}"
        case list() | tuple():
            text = ", ".join(str(part) for part in value)
        case _:
            text = _called(column, value, words) if column in CALLED else str(value)
    return text
