"""The sentences of a score, as the article has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from pipeline.records import Family, Part, Voice
from storage.columns import MAX_ID
from storage.schema import coding_codes, codings, revisions, scores
from storage.scores import hash_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedSentence:
    """A sentence as it was coded: `text` stands at [start, end) of the article's `part`.

    `codes`: strongest first; `facts`: the context that it gives.
    """

    position: int
    part: Part
    start: int
    end: int
    text: str
    family: Family
    voice: Voice
    codes: dict[str, float]
    facts: tuple[str, ...]


def evidence(connection: Connection, score_id: int) -> tuple[CodedSentence, ...]:
    """The sentences of a score that bear a code or give a context fact, in their order.

    What is not found in the stored text any more is left out.
    """
    return tuple(one for one in sentences(connection, score_id) if one.codes or one.facts)


def sentences(connection: Connection, score_id: int) -> tuple[CodedSentence, ...]:
    """All sentences of a score that are still found in the stored text, in their order."""
    if not 0 < score_id <= MAX_ID:
        return ()
    joined = codings.join(scores, scores.c.id == codings.c.score_id).join(
        revisions, revisions.c.id == scores.c.revision_id
    )
    selection = select(codings, revisions.c.title, revisions.c.text).select_from(joined)
    rows = connection.execute(selection.where(codings.c.score_id == score_id).order_by(codings.c.position))
    codes = _codes(connection, score_id)
    quotations = (_quotation(row, codes.get(row.position, {})) for row in rows)
    return tuple(quotation for quotation in quotations if quotation)


def _codes(connection: Connection, score_id: int) -> dict[int, dict[str, float]]:
    order = (coding_codes.c.position, coding_codes.c.strength.desc(), coding_codes.c.code)
    found: dict[int, dict[str, float]] = {}
    rows = connection.execute(select(coding_codes).where(coding_codes.c.score_id == score_id).order_by(*order))
    for row in rows:
        found.setdefault(row.position, {})[row.code] = row.strength
    return found


def _quotation(row: Row[Any], codes: dict[str, float]) -> CodedSentence | None:
    start, end = row.start_offset, row.end_offset
    text = (row.title if row.part == "title" else row.text)[start:end]
    if hash_of(text) != row.text_hash:
        return None
    judged = {"family": row.family, "voice": row.voice, "codes": codes, "facts": tuple(row.facts)}
    return CodedSentence(position=row.position, part=row.part, start=start, end=end, text=text, **judged)
