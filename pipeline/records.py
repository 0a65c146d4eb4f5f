"""The records that travel from stage to stage.

All are frozen and hold no behaviour beyond trivial properties. Every datetime is aware and in UTC. Offsets count
Unicode code points of the field they name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Language = Literal["en", "ja", "ru"]
Family = Literal["optimistic", "vigilant", "neutral"]
Voice = Literal["own", "quoted_distanced", "quoted_bare"]
Part = Literal["title", "text"]
Role = Literal["read", "code", "admin"]
FAMILIES: tuple[Family, ...] = get_args(Family)
VOICES: tuple[Voice, ...] = get_args(Voice)
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed as storage remembers it: who publishes it, where polling stands, and when it asks not to be polled.

    `skip_hours` are hours in UTC, `skip_days` days with Monday as 0.
    """

    url: str
    outlet: str
    country: str
    language: str
    kind: str
    format: str
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    due_at: datetime | None = None
    failures: int = 0
    reason: str = ""
    ttl_s: int | None = None
    skip_hours: Sequence[int] | None = None
    skip_days: Sequence[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A body that arrived whole. `permanent_url`: the new home if every redirect was permanent (301, 308)."""

    url: str
    final_url: str
    status: int
    body: bytes
    content_type: str
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    permanent_url: str | None = None
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """The server said that nothing changed since the validators we sent."""

    url: str
    fetched_at: datetime
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item that a feed announces. `guid` is the feed's own id, else derived from the link, else from the title."""

    guid: str
    link: str | None
    title: str
    summary: str
    published_at: datetime | None
    updated_at: datetime | None = None
    author: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A feed's entries. `degraded` says what was wrong with it where only part could be read, else ''."""

    title: str
    format: str
    entries: tuple[Entry, ...]
    language: str = ""
    degraded: str = ""
    ttl_s: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """The text of a page. `partial`: only the feed's summary, or the open part of a paid page, was to be had.

    `url` is canonical.
    """

    url: str
    outlet: str
    title: str
    text: str
    language: str
    content_hash: str
    published_at: datetime | None = None
    byline: str = ""
    partial: bool = False
    extractor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Something that was set aside, by which stage, and why. Nothing is discarded without one."""

    url: str
    stage: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """Whether an article is about the talks.

    `value` in [0, 1] is the trained screen's; `reason` a short word that explains it.
    """

    relevant: bool
    value: float
    reason: str
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One sentence: `text` equals the named part of the article at [start, end). Position 0 is the title."""

    position: int
    part: Part
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedArticle:
    """An article cut into passages; row i of `vectors` (n x d, unit length) is passage i."""

    article: Article
    passages: tuple[Passage, ...]
    vectors: Vectors
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedPassage:
    """What one passage conveys. `codes` maps a code to its calibrated strength in (0, 1]; empty when neutral.

    `leanings` are the family shares (optimistic, vigilant, neutral; sum 1) that the article's tone is computed from.
    `facts`: the context facts that the passage gives the reader.
    """

    passage: Passage
    family: Family
    codes: Mapping[str, float]
    voice: Voice
    leanings: tuple[float, float, float]
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """An article's tone in [-1, 1] with the error expected of it and its interval, and what it rests on.

    `outlook`: how hopeful, `scrutiny`: how much wary context, `credulity`: how hopeful on words left standing and
    facts left out, all in [0, 1]. `omitted`: context facts not found; `given`: those found, with the position of the
    passage that gives each. `unusual`: why the score needs care, empty for ordinary articles.
    """

    tone: float
    expected_error: float
    interval: tuple[float, float]
    outlook: float
    scrutiny: float
    credulity: float
    omitted: tuple[str, ...]
    given: Mapping[str, int]
    unusual: tuple[str, ...]
    codes: Mapping[str, float]
    coded: tuple[CodedPassage, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The stamp of an analysis: the same stamp on the same text gives the same score.

    Hashes are the first 16 hex digits of SHA-256 over the files named.
    """

    model: str
    model_hash: str
    engine: str
    codebook: str
    codebook_hash: str
    heads_hash: str
    version: str
