"""Score given articles: JSON lines in, JSON lines out, in the same order, without a database.

In: `{"id", "title", "text"}` and optionally `url, outlet, language, published_at`. A line that is no article gives
`{"id" | "line", "error"}`; the others are scored all the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, get_args

from pipeline.analyse.judge import Judge, Judgement
from pipeline.errors import TreatywatchError
from pipeline.records import Article, CodedPassage, EmbeddedArticle, Language, Run

Line = dict[str, Any]
Identify = Callable[[str], str]
LANGUAGES = get_args(Language)
KNOWN = {"id", "title", "text", "url", "outlet", "language", "published_at"}


class BadLineError(ValueError):
    """A line that is no article; the message says what it lacks."""


def score_lines(lines: Iterable[str], judge: Judge, identify: Identify) -> Iterator[Line]:
    """One scored line for each line that is not blank. `identify` finds the language of a text."""
    for number, raw in enumerate(lines, 1):
        if raw.strip():
            yield _score_line(raw, number, judge, identify)


def _score_line(raw: str, number: int, judge: Judge, identify: Identify) -> Line:
    row: Any = None
    try:
        row = _read(raw)
        article = _article(row, identify)
        return {"id": row["id"], **as_line(article, judge.judge(article), judge.run)}
    except (BadLineError, TreatywatchError, RuntimeError, ValueError) as error:
        named = isinstance(row, dict) and "id" in row and _is_text(row["id"])
        return {**({"id": row["id"]} if named else {"line": number}), "error": str(error)}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_text(value: Any) -> bool:
    """Whether a value can be written as UTF-8; half a surrogate pair can't."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


def _read(raw: str) -> Line:
    try:
        row = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"not valid JSON: {error}") from None
    if not isinstance(row, dict):
        raise BadLineError('expected an object such as {"id": "1", "title": "...", "text": "..."}')
    return row


def _article(row: Line, identify: Identify) -> Article:
    for key in ("id", "title", "text"):
        if key not in row:
            raise BadLineError(f"the key {key!r} is missing")
    if not _is_text(row["id"]):
        raise BadLineError("'id' holds half a surrogate pair, which is no text")
    title, text = _string(row, "title"), _string(row, "text")
    if not text.strip():
        raise BadLineError("the text is empty")
    language = _string(row, "language") or identify(f"{title}\n{text}")
    if language not in LANGUAGES:
        raise BadLineError(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
    return Article(
        url=_string(row, "url"),
        outlet=_string(row, "outlet"),
        title=title,
        text=text,
        language=language,
        published_at=_date(_string(row, "published_at")),
        content_hash=sha256(f"{title}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:32],
        extractor="given",
    )


def _string(row: Line, key: str) -> str:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise BadLineError(f"{key!r} must be a string, not {type(value).__name__}")
    if not _is_text(value):
        raise BadLineError(f"{key!r} holds half a surrogate pair, which is no text")
    return value or ""


def _date(raw: str) -> datetime | None:
    if not raw:
        return None
    try:
        date = datetime.fromisoformat(raw)
    except ValueError:
        raise BadLineError(f"published_at {raw!r} is no ISO 8601 date, such as 2021-06-05T09:00:00Z") from None
    return date.replace(tzinfo=date.tzinfo or UTC)


def as_line(article: Article, judgement: Judgement, run: Run) -> Line:
    """The line for one judged article. Offsets index `text`, or `title` where a passage says `"in": "title"`."""
    score = judgement.score
    return {
        "language": article.language,
        "relevant": judgement.relevance.relevant,
        "relevance": judgement.relevance.value,
        "reason": judgement.relevance.reason,
        "tone": score.tone if score else None,
        "interval": list(score.interval) if score else None,
        "outlook": score.outlook if score else None,
        "scrutiny": score.scrutiny if score else None,
        "credulity": score.credulity if score else None,
        "codes": dict(score.codes) if score else {},
        "evidence": [_evidence(passage) for passage in score.coded if passage.codes] if score else [],
        "passages": [_passage(passage) for passage in score.coded] if score else _uncoded(judgement.embedded),
        "omitted": list(score.omitted) if score else [],
        "given": dict(score.given) if score else {},
        "unusual": list(score.unusual) if score else [],
        "run": asdict(run),
    }


def _place(part: str, start: int, end: int) -> Line:
    return {"start": start, "end": end, **({"in": "title"} if part == "title" else {})}


def _evidence(coded: CodedPassage) -> Line:
    passage = coded.passage
    where = _place(passage.part, passage.start, passage.end)
    return {"text": passage.text, **where, "codes": dict(coded.codes), "voice": coded.voice}


def _passage(coded: CodedPassage) -> Line:
    where = _place(coded.passage.part, coded.passage.start, coded.passage.end)
    return {**where, "family": coded.family, "codes": list(coded.codes)}


def _uncoded(embedded: EmbeddedArticle | None) -> list[Line]:
    passages = embedded.passages if embedded else ()
    return [{**_place(p.part, p.start, p.end), "family": "neutral", "codes": []} for p in passages]
