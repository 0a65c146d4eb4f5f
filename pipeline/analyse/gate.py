"""The cheap first step of screening: can an article be about the talks at all?

It looks for words that show Japan, Russia and the subject, and lets an article through that has all three. It
does not judge relevance: that is the trained step's work, on what passes here.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import Path
from typing import Any

SIDES = ("japan", "russia")
SUBJECT = "subject"
LANGUAGES = ("en", "ja", "ru")

MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff]")  # accents, stress, soft hyphens, zero-width
CJK = "\u3005\u3040-\u30ff\u3400-\u9fff"
BROKEN = re.compile(rf"(?<=[{CJK}])\s+(?=[{CJK}])")  # a line broken within Japanese words


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """Whether an article may pass. `reason`: `passed no_japan no_russia no_subject`.

    `terms`: the names of all terms found, in the order of the list; `subjects`: those that show the subject.
    """

    passed: bool
    terms: tuple[str, ...]
    subjects: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. `needle`, a piece of every match, is looked for first: most texts lack it."""

    needle: str
    regex: re.Pattern[str]

    def places(self, text: str) -> Iterator[int]:
        """Offsets of the matches in `text`, which must be normalised."""
        return (match.start() for match in self.regex.finditer(text)) if self.needle in text else iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A thing that articles name in many ways, and what it shows."""

    name: str
    shows: frozenset[str]
    weak: bool
    patterns: tuple[Pattern, ...]

    def occurs(self, text: str) -> bool:
        """Whether one of the patterns matches."""
        return any(True for _ in self.places(text))

    def places(self, text: str) -> Iterator[int]:
        """Offsets of all matches, pattern by pattern."""
        return chain.from_iterable(pattern.places(text) for pattern in self.patterns)


class Gate:
    """Looks for the terms of a list. Build it with `from_terms`."""

    def __init__(self, terms: Sequence[Term], *, home: Mapping[str, str], near: int) -> None:
        self._terms = tuple(terms)
        self._home = dict(home)
        self._near = near

    @classmethod
    def from_terms(cls, source: Path | Traversable | Mapping[str, Any] | None = None) -> Gate:
        """Read a list of terms: a file, its content as a mapping, or the one that ships with treatywatch.

        Raises ValueError that names the term if it is faulty.
        """
        source = files("config").joinpath("codebook/terms.toml") if source is None else source
        data = source if isinstance(source, Mapping) else tomllib.loads(source.read_text(encoding="utf-8"))
        return cls([_term(entry) for entry in data["term"]], home=data.get("home", {}), near=data["near"])

    def matches(self, title: str, text: str, language: str) -> GateResult:
        """Whether the article can be about the talks; terms of every language are looked for."""
        whole = normalised(f"{title}\n{text}")
        found = [term for term in self._terms if term.occurs(whole)]
        shown = {side for term in found if not term.weak for side in term.shows} | {self._home.get(language, "")}
        if SUBJECT not in shown and shown.issuperset(SIDES) and self._weak_subject(whole, found, language):
            shown.add(SUBJECT)
        lacking = [what for what in (*SIDES, SUBJECT) if what not in shown]
        return GateResult(
            passed=not lacking,
            terms=tuple(term.name for term in found),
            subjects=tuple(term.name for term in found if SUBJECT in term.shows),
            reason=f"no_{lacking[0]}" if lacking else "passed",
        )

    def _weak_subject(self, text: str, found: Sequence[Term], language: str) -> bool:
        """Whether a weak word stands near words for both sides; in a language at home in one, near the other."""
        foreign = [side for side in SIDES if side != self._home.get(language)]
        sides = [_places(text, [term for term in found if side in term.shows]) for side in foreign]
        weak = _places(text, [term for term in found if term.weak])
        return any(all(_comes_near(places, at, self._near) for places in sides) for at in weak)


def _places(text: str, terms: Sequence[Term]) -> list[int]:
    return sorted(chain.from_iterable(term.places(text) for term in terms))


def _comes_near(places: Sequence[int], at: int, near: int) -> bool:
    following = bisect_left(places, at - near)
    return following < len(places) and places[following] <= at + near


def normalised(text: str) -> str:
    """The text without differences of case, width, accents and line breaks."""
    plain = MARKS.sub("", unicodedata.normalize("NFKD", text))
    return BROKEN.sub("", unicodedata.normalize("NFC", plain).casefold())


def _term(entry: Mapping[str, Any]) -> Term:
    sources = [source for language in LANGUAGES for source in entry.get(language, ())]
    unknown = set(entry["shows"]) - {*SIDES, SUBJECT}
    if unknown or not sources:
        fault = f"shows the unknown {', '.join(sorted(unknown))}" if unknown else "has no pattern"
        raise ValueError(f"term {entry['name']!r} {fault}")
    return Term(
        name=entry["name"],
        shows=frozenset(entry["shows"]),
        weak=entry.get("weak", False),
        patterns=tuple(map(_pattern, sources)),
    )


def _pattern(source: str) -> Pattern:
    words = normalised(source).split()
    if not any(word.strip("*~") for word in words):
        raise ValueError(f"pattern {source!r}: has no word")
    regex = ""
    for before, word in zip([None, *words], words, strict=False):
        if word == "~":
            regex += r"(?:\W{1,3}\w{1,40}){0,4}?"
        else:
            regex += (r"\W{1,3}" if before else "") + _word(word)
    return Pattern(max((word.strip("*~") for word in words), key=len), re.compile(regex))


def _word(word: str) -> str:
    stem = re.escape(word.removesuffix("*"))
    if re.match(f"[{CJK}0-9]*[{CJK}]", word):
        return stem
    letters = "a-z0-9" if word.isascii() else "а-я0-9"
    ending = f"[{letters}]*" if word.endswith("*") else f"(?![{letters}])"
    return f"(?<![{letters}]){stem}{ending}"
