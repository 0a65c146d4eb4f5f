"""Remembers judgements: which run found which text relevant, how it scored it, on which sentences.

A judgement belongs to a text and a run and is written once; writing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, select

from pipeline.errors import StorageError
from pipeline.records import Article, CodedPassage, EmbeddedArticle, Passage, Relevance, Score
from storage.articles import load
from storage.runs import StoredRun, ensure_run, latest_run, stamp_of, take_turn_if_done
from storage.schema import coding_codes, codings, passages, revisions, scores, screenings, vectors
from storage.standing import restand
from storage.writes import insert_new

__all__ = [
    "StoredRun",
    "ensure_run",
    "hash_of",
    "latest_run",
    "load_vectors",
    "save_score",
    "save_screening",
    "save_vectors",
    "stamp_of",
]

KEPT_AS = np.dtype("<f2")  # half precision: cosines change by less than 0.001


def save_screening(connection: Connection, revision_id: int, run_id: int, relevance: Relevance, now: datetime) -> None:
    """Keep whether a run found a text relevant. The last that it was to judge makes the run current."""
    row = asdict(relevance) | {"terms": list(relevance.terms)}
    row |= {"revision_id": revision_id, "run_id": run_id, "screened_at": now}
    if insert_new(connection, screenings, [row]):
        take_turn_if_done(connection, run_id)


def save_vectors(connection: Connection, revision_id: int, embedded: EmbeddedArticle) -> None:
    """Keep an article's passages and their vectors, in half precision.

    They take the place of what the same model gave before. Raises StorageError where a passage does not lie
    in the stored text.
    """
    _check(load(connection, revision_id), embedded.passages)
    kept = embedded.vectors.astype(KEPT_AS)
    key = {"revision_id": revision_id, "model": embedded.model}
    rows = [key | _span(passage) for passage in embedded.passages]
    row = key | {"count": kept.shape[0], "dimensions": kept.shape[1], "data": kept.tobytes()}
    if _is_kept(connection, row, rows):
        return
    for table in (passages, vectors):
        same = (table.c.revision_id == revision_id) & (table.c.model == embedded.model)
        connection.execute(delete(table).where(same))
    insert_new(connection, vectors, [row])
    insert_new(connection, passages, rows)


def _is_kept(connection: Connection, row: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    def found(table: Any) -> list[dict[str, Any]]:
        same = (table.c.revision_id == row["revision_id"]) & (table.c.model == row["model"])
        return [dict(found) for found in connection.execute(select(table).where(same)).mappings()]

    in_order = sorted(found(passages), key=lambda passage: passage["position"])
    return found(vectors) == [row] and in_order == rows


def load_vectors(connection: Connection, revision_id: int, model: str) -> EmbeddedArticle | None:
    """The article with its passages and vectors (n x d, float32) as kept for the model; None without any."""
    same = (vectors.c.revision_id == revision_id) & (vectors.c.model == model)
    row = connection.execute(select(vectors).where(same)).one_or_none()
    if row is None:
        return None
    article = load(connection, revision_id)
    spans = select(passages).where(passages.c.revision_id == revision_id, passages.c.model == model)
    return EmbeddedArticle(
        article=article,
        passages=tuple(_passage(article, span) for span in connection.execute(spans.order_by(passages.c.position))),
        vectors=np.frombuffer(row.data, KEPT_AS).reshape(row._mapping["count"], row.dimensions).astype(np.float32),
        model=model,
    )


def save_score(connection: Connection, revision_id: int, run_id: int, score: Score, now: datetime) -> int:
    """Keep a score with all coded passages; returns its id.

    Raises StorageError where a passage is not in the text, or a figure is no number.
    """
    _check_figures(score)
    _check(load(connection, revision_id), (coded.passage for coded in score.coded))
    row = {name: getattr(score, name) for name in ("tone", "expected_error", "outlook", "scrutiny", "credulity")}
    row |= {"tone_low": score.interval[0], "tone_high": score.interval[1]}
    row |= {"omitted": list(score.omitted), "given": dict(score.given), "unusual": list(score.unusual)}
    row |= {"revision_id": revision_id, "run_id": run_id, "scored_at": now}
    is_new = insert_new(connection, scores, [row])
    same = (scores.c.revision_id == revision_id) & (scores.c.run_id == run_id)
    score_id = int(connection.scalars(select(scores.c.id).where(same)).one())
    if is_new:
        _save_codings(connection, score_id, score.coded)
        of_revision = select(revisions.c.article_id).where(revisions.c.id == revision_id)
        restand(connection, connection.scalars(of_revision).one())
    return score_id


def _check_figures(score: Score) -> None:
    figures = (score.tone, *score.interval, score.expected_error, score.outlook, score.scrutiny, score.credulity)
    if not (np.isfinite(figures).all() and score.expected_error >= 0 and 0 <= score.credulity <= 1):
        raise StorageError(f"a score with the figures {figures} is none; score the article again", reason="refused")


def _save_codings(connection: Connection, score_id: int, coded: tuple[CodedPassage, ...]) -> None:
    insert_new(connection, codings, [_coding(score_id, passage) for passage in coded])
    strengths = (
        {"score_id": score_id, "position": passage.passage.position, "code": code, "strength": strength}
        for passage in coded
        for code, strength in sorted(passage.codes.items())
    )
    insert_new(connection, coding_codes, strengths)


def _coding(score_id: int, coded: CodedPassage) -> dict[str, Any]:
    optimistic, vigilant, neutral = coded.leanings
    leanings = {"optimistic": optimistic, "vigilant": vigilant, "neutral": neutral}
    judged = {"family": coded.family, "voice": coded.voice, "facts": list(coded.facts)}
    return {"score_id": score_id, "text_hash": hash_of(coded.passage.text)} | _span(coded.passage) | leanings | judged


def hash_of(quotation: str) -> str:
    """The first 16 hex digits of the SHA-256 of a passage, by which it is recognised when it is shown."""
    return sha256(quotation.encode()).hexdigest()[:16]


def _span(passage: Passage) -> dict[str, Any]:
    start, end = passage.start, passage.end
    return {"position": passage.position, "part": passage.part, "start_offset": start, "end_offset": end}


def _passage(article: Article, row: Any) -> Passage:
    source = article.title if row.part == "title" else article.text
    start, end = row.start_offset, row.end_offset
    return Passage(position=row.position, part=row.part, start=start, end=end, text=source[start:end])


def _check(article: Article, located: Iterable[Passage]) -> None:
    for passage in located:
        source = article.title if passage.part == "title" else article.text
        inside = 0 <= passage.start <= passage.end <= len(source)
        if not inside or source[passage.start : passage.end] != passage.text:
            raise StorageError(
                f"{article.url}: passage {passage.position} is not at [{passage.start}, {passage.end}) "
                f"of the stored {passage.part}; score the article as storage returns it",
                reason="not_located",
            )
