"""Which shares of coverage bear a code, leave a fact out, or put a leaning into whose mouth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection

from pipeline.records import Family, Voice
from storage.queries.filters import Filter, Group
from storage.queries.intervals import MIN_N, Interval, wilson
from storage.queries.tones import sums
from storage.queries.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeShare:
    """How many of the `articles` of a group ("" for all together) bear a code; with too few, no share is told."""

    group: str
    code: str
    articles: int
    bearing: int
    share: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """How many of the `articles` of a group leave a context fact out; with too few, no share is told."""

    group: str
    fact: str
    articles: int
    omitting: int
    share: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceShare:
    """How many passages of a family a group puts in a voice, and their share of the family's passages there.

    `share` is None where the group has too few passages of the family.
    """

    group: str
    family: Family
    voice: Voice
    passages: int
    share: float | None


def code_shares(
    connection: Connection,
    wanted: Filter | None = None,
    *,
    group: Group | None = None,
    min_n: int = 10,
    level: float = 0.9,
) -> tuple[CodeShare, ...]:
    """The share of each group's articles that bear each code, with Wilson's interval; by group, the commonest first.

    Every code that any of the articles bears stands in every group.
    """
    wanted = wanted or Filter()
    counts = words(connection, wanted, "code", group=group)
    return tuple(
        CodeShare(group=name, code=code, articles=n, bearing=found, **_share(found, n, min_n, level))
        for name, code, n, found in _table(_sizes(connection, wanted, group), counts)
    )


def omissions(
    connection: Connection,
    wanted: Filter | None = None,
    *,
    group: Group | None = None,
    min_n: int = 10,
    level: float = 0.9,
) -> tuple[Omission, ...]:
    """The share of each group's articles that leave each fact out, with Wilson's interval; by group, the most
    omitted first.

    Every fact that any of the articles leaves out stands in every group.
    """
    wanted = wanted or Filter()
    counts = words(connection, wanted, "omitted", group=group)
    return tuple(
        Omission(group=name, fact=fact, articles=n, omitting=found, **_share(found, n, min_n, level))
        for name, fact, n, found in _table(_sizes(connection, wanted, group), counts)
    )


def voice_shares(
    connection: Connection, wanted: Filter | None = None, *, group: Group | None = None, min_n: int = 10
) -> tuple[VoiceShare, ...]:
    """In whose voice the passages of each family stand, by group and family; the commonest voice first.

    Families of fewer than `min_n` passages in a group (never less than MIN_N) have no shares.
    """
    counts = words(connection, wanted or Filter(), "voice", group=group)
    totals: dict[tuple[str, str], int] = {}
    for (name, word), n in counts.items():
        family = word.partition("/")[0]
        totals[name, family] = totals.get((name, family), 0) + n
    least = max(min_n, MIN_N)
    found = (_voice(name, word, n, totals, least) for (name, word), n in counts.items())
    return tuple(sorted(found, key=lambda one: (one.group, one.family, -one.passages, one.voice)))


def _voice(name: str, word: str, n: int, totals: dict[tuple[str, str], int], min_n: int) -> VoiceShare:
    family, _, voice = word.partition("/")
    total = totals[name, family]
    share = n / total if total >= min_n else None
    return VoiceShare(group=name, family=cast("Family", family), voice=cast("Voice", voice), passages=n, share=share)


def _sizes(connection: Connection, wanted: Filter, group: Group | None) -> dict[str, int]:
    return {name: found.n for (_, name), found in sums(connection, wanted, group=group).items()}


def _table(sizes: dict[str, int], counts: dict[tuple[str, str], int]) -> Iterator[tuple[str, str, int, int]]:
    """Every group with every kind: (group, kind, articles, counted)."""
    kinds = sorted({kind for _, kind in counts})
    for name, n in sizes.items():
        for kind in sorted(kinds, key=lambda kind: (-counts.get((name, kind), 0), kind)):
            yield name, kind, n, counts.get((name, kind), 0)


def _share(found: int, n: int, min_n: int, level: float) -> dict[str, Any]:
    if n < max(min_n, MIN_N):
        return {"share": None, "interval": None}
    return {"share": found / n, "interval": wilson(found, n, level)}
