"""The sentences of a score, as the article has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from pipeline.records import Family, Part, Voice
from storage.columns import MAX_ID
from storage.schema import articles, coding_codes, codings, revisions, scores
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
    joined = scores.join(revisions, revisions.c.id == scores.c.revision_id)
    selection = select(revisions.c.title, revisions.c.text).select_from(joined).where(scores.c.id == score_id)
    row = connection.execute(selection).one_or_none()
    return located(connection, {score_id: (row.title, row.text)}).get(score_id, ()) if row else ()


def located(connection: Connection, texts: Mapping[int, tuple[str, str]]) -> dict[int, tuple[CodedSentence, ...]]:
    """The same for several scores at once, of which (title, text) are given."""
    rows = connection.execute(
        select(codings).where(codings.c.score_id.in_(texts)).order_by(codings.c.score_id, codings.c.position)
    )
    codes = _codes(connection, texts)
    found: dict[int, tuple[CodedSentence, ...]] = {}
    for row in rows:
        title, text = texts[row.score_id]
        quotation = _quotation(row, title if row.part == "title" else text, codes.get((row.score_id, row.position), {}))
        found[row.score_id] = (*found.get(row.score_id, ()), *((quotation,) if quotation else ()))
    return found


def _codes(connection: Connection, score_ids: Iterable[int]) -> dict[tuple[int, int], dict[str, float]]:
    order = (coding_codes.c.score_id, coding_codes.c.position, coding_codes.c.strength.desc(), coding_codes.c.code)
    found: dict[tuple[int, int], dict[str, float]] = {}
    selection = select(coding_codes).where(coding_codes.c.score_id.in_(score_ids))
    for row in connection.execute(selection.order_by(*order)):
        found.setdefault((row.score_id, row.position), {})[row.code] = row.strength
    return found


def _quotation(row: Row[Any], source: str, codes: dict[str, float]) -> CodedSentence | None:
    start, end = row.start_offset, row.end_offset
    text = source[start:end]
    if hash_of(text) != row.text_hash:
        return None
    judged = {"family": row.family, "voice": row.voice, "codes": codes, "facts": tuple(row.facts)}
    return CodedSentence(position=row.position, part=row.part, start=start, end=end, text=text, **judged)


def texts(connection: Connection, article_ids: Sequence[int]) -> dict[int, str]:
    """The latest text of each article, by article id."""
    latest = (revisions.c.article_id == articles.c.id) & (revisions.c.number == articles.c.revision)
    selection = select(articles.c.id, revisions.c.text).join(revisions, latest)
    return {row.id: row.text for row in connection.execute(selection.where(articles.c.id.in_(article_ids)))}
