"""Scored coverage: which articles, how toned, on what evidence, and how outlets compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from statistics import NormalDist
from typing import Any

from sqlalchemy import Connection, Row, Select, func, literal, select, tuple_

from pipeline.errors import StorageError
from pipeline.records import Family, Part, Voice
from storage.columns import MAX_ID, Utc, iso
from storage.queries.filters import WHEN, Filter, scored
from storage.schema import articles, coding_codes, codings, revisions, runs, scores
from storage.scores import hash_of

MAX_LIMIT = 1000
MIN_N = 5  # `student_t` is a series that needs some degrees of freedom


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One scored article.

    `at`: when it was published, else first seen. `codes`: each with its greatest strength.
    """

    score_id: int
    article_id: int
    revision_id: int
    url: str
    outlet: str
    country: str
    kind: str
    language: str
    title: str
    at: datetime
    published_at: datetime | None
    first_seen_at: datetime
    partial: bool
    tone: float
    tone_low: float
    tone_high: float
    outlook: float
    scrutiny: float
    credulity: float | None
    omitted: tuple[str, ...]
    unusual: tuple[str, ...]
    codes: dict[str, float]
    run: str
    scored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of an answer; `next` asks for those that follow, None at the end."""

    rows: tuple[Coverage, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """A sentence that the score rests on: `text` stands at [start, end) of the article's `part`.

    `codes`: strongest first; `facts`: the context that it gives. One of them is never empty.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletTone:
    """How an outlet covers the talks.

    Without enough articles, `tone` and all that follows are None.
    """

    outlet: str
    country: str
    articles: int
    tone: float | None
    interval: tuple[float, float] | None
    outlook: float | None
    scrutiny: float | None
    credulity: float | None


COLUMNS = (
    scores.c.id.label("score_id"),
    articles.c.id.label("article_id"),
    revisions.c.id.label("revision_id"),
    *(articles.c[name] for name in ("url", "outlet", "country", "kind", "published_at", "first_seen_at")),
    *(revisions.c[name] for name in ("language", "title", "partial")),
    *(scores.c[name] for name in ("tone", "tone_low", "tone_high", "outlook", "scrutiny", "credulity")),
    *(scores.c[name] for name in ("omitted", "unusual", "scored_at")),
    runs.c.stamp.label("run"),
    WHEN,
)


def coverage(
    connection: Connection, wanted: Filter | None = None, *, limit: int = 100, after: str | None = None
) -> Page:
    """Scored articles, the newest first, from 1 to MAX_LIMIT at once. `after`: the `next` of the page before.

    Raises StorageError (`bad_cursor`) for an `after` that no page gave.
    """
    limit = min(max(limit, 1), MAX_LIMIT)
    selection = scored(connection, wanted or Filter(), *COLUMNS)
    if after is not None:
        at, score_id = _place(after)
        selection = selection.where(tuple_(WHEN, scores.c.id) < tuple_(literal(at, Utc()), literal(score_id)))
    rows = _rows(connection, selection.order_by(WHEN.desc(), scores.c.id.desc()).limit(limit + 1))
    page = rows[:limit]
    return Page(rows=page, next=f"{iso(page[-1].at)}.{page[-1].score_id}" if len(rows) > limit else None)


def extremes(
    connection: Connection, n: int, wanted: Filter | None = None
) -> tuple[tuple[Coverage, ...], tuple[Coverage, ...]]:
    """The `n` most credulous and the `n` most vigilant articles, the extreme first."""
    selection = scored(connection, wanted or Filter(), *COLUMNS).limit(min(max(n, 0), MAX_LIMIT))
    credulous = selection.order_by(scores.c.tone.desc(), WHEN.desc(), scores.c.id.desc())
    vigilant = selection.order_by(scores.c.tone, WHEN.desc(), scores.c.id.desc())
    return _rows(connection, credulous), _rows(connection, vigilant)


def evidence(connection: Connection, score_id: int) -> tuple[Quotation, ...]:
    """The sentences of a score that bear a code or give a context fact, in their order.

    What is not found in the stored text any more is left out.
    """
    if not 0 < score_id <= MAX_ID:
        return ()
    joined = codings.join(scores, scores.c.id == codings.c.score_id).join(
        revisions, revisions.c.id == scores.c.revision_id
    )
    selection = select(codings, revisions.c.title, revisions.c.text).select_from(joined)
    rows = connection.execute(selection.where(codings.c.score_id == score_id).order_by(codings.c.position))
    codes = _codes(connection, score_id)
    quotations = (_quotation(row, codes.get(row.position, {})) for row in rows if row.position in codes or row.facts)
    return tuple(quotation for quotation in quotations if quotation)


def by_outlet(
    connection: Connection, wanted: Filter | None = None, *, min_n: int = 10, level: float = 0.9
) -> tuple[OutletTone, ...]:
    """Mean tone of each outlet with its t interval, the most credulous first.

    Outlets with fewer than `min_n` articles (never less than MIN_N) follow unranked, with their number only.
    """
    tone = scores.c.tone
    means = [
        func.avg(column).label(column.name)
        for column in (tone, scores.c.outlook, scores.c.scrutiny, scores.c.credulity)
    ]
    counts = (func.count().label("n"), func.sum(tone * tone).label("squares"))
    names = (articles.c.outlet, func.min(articles.c.country).label("country"))
    selection = scored(connection, wanted or Filter(), *names, *counts, *means)
    rows = connection.execute(selection.group_by(articles.c.outlet))
    outlets = [_outlet(row, max(min_n, MIN_N), level) for row in rows]
    return tuple(sorted(outlets, key=_rank))


def _rank(outlet: OutletTone) -> tuple[bool, float, int, str]:
    return outlet.tone is None, -(outlet.tone or 0), -outlet.articles, outlet.outlet


def _place(cursor: str) -> tuple[datetime, int]:
    at, _, score_id = cursor.rpartition(".")
    try:
        place = datetime.fromisoformat(at), int(score_id)
        if place[0].tzinfo and abs(place[1]) <= MAX_ID:
            return place
    except ValueError:
        pass
    raise StorageError("the cursor is none that a page gave; ask for the first page again", reason="bad_cursor")


def _rows(connection: Connection, selection: Select[Any]) -> tuple[Coverage, ...]:
    rows = connection.execute(selection).all()
    strongest = _strongest(connection, [row.score_id for row in rows])
    return tuple(_coverage(row, strongest.get(row.score_id, {})) for row in rows)


def _coverage(row: Row[Any], codes: dict[str, float]) -> Coverage:
    unusual = tuple(row.unusual or ())
    return Coverage(**{**row._mapping, "omitted": tuple(row.omitted), "unusual": unusual, "codes": codes})


def _strongest(connection: Connection, score_ids: Sequence[int]) -> dict[int, dict[str, float]]:
    strength = func.max(coding_codes.c.strength).label("strength")
    selection = select(coding_codes.c.score_id, coding_codes.c.code, strength)
    grouped = selection.where(coding_codes.c.score_id.in_(score_ids)).group_by(
        coding_codes.c.score_id, coding_codes.c.code
    )
    found: dict[int, dict[str, float]] = {}
    for score_id, code, value in connection.execute(grouped.order_by(strength.desc(), coding_codes.c.code)):
        found.setdefault(score_id, {})[code] = value
    return found


def _codes(connection: Connection, score_id: int) -> dict[int, dict[str, float]]:
    order = (coding_codes.c.position, coding_codes.c.strength.desc(), coding_codes.c.code)
    found: dict[int, dict[str, float]] = {}
    rows = connection.execute(select(coding_codes).where(coding_codes.c.score_id == score_id).order_by(*order))
    for row in rows:
        found.setdefault(row.position, {})[row.code] = row.strength
    return found


def _quotation(row: Row[Any], codes: dict[str, float]) -> Quotation | None:
    start, end = row.start_offset, row.end_offset
    text = (row.title if row.part == "title" else row.text)[start:end]
    if hash_of(text) != row.text_hash:
        return None
    judged = {"family": row.family, "voice": row.voice, "codes": codes, "facts": tuple(row.facts)}
    return Quotation(position=row.position, part=row.part, start=start, end=end, text=text, **judged)


def _outlet(row: Row[Any], min_n: int, level: float) -> OutletTone:
    names = {"outlet": row.outlet, "country": row.country, "articles": row.n}
    if row.n < min_n:
        return OutletTone(**names, tone=None, interval=None, outlook=None, scrutiny=None, credulity=None)
    deviation = sqrt(max(0.0, (row.squares - row.n * row.tone**2) / (row.n - 1)))
    half_width = student_t((1 + level) / 2, row.n - 1) * deviation / sqrt(row.n)
    interval = (max(-1.0, row.tone - half_width), min(1.0, row.tone + half_width))
    shares = {name: row._mapping[name] for name in ("outlook", "scrutiny", "credulity")}
    return OutletTone(**names, tone=row.tone, interval=interval, **shares)


def student_t(share: float, freedom: int) -> float:
    """The quantile of Student's t, from 4 degrees of freedom: Abramowitz and Stegun 26.7.5."""
    x = NormalDist().inv_cdf(share)
    series = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return float(x + sum(term / freedom**power for power, term in enumerate(series, 1)))
