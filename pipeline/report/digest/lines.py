"""The sentences of a digest, ready to be set as a page or as text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an outlet wrote, in its language."""

    text: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """A quotation, and who speaks and what it conveys."""

    said: Said
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A name that leads somewhere; `url` may be empty."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLines:
    """A story. `step`: of the plain scale, 0 to 4. `outlets`: each with its article and the dashboard's page."""

    headline: Said
    step: int
    tone: str
    numbers: str
    outlets: tuple[tuple[Link, str, Link], ...]
    more: str
    quotes: tuple[QuoteLine, ...]
    omitted: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with lines."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A digest, ready to be set."""

    tongue: str
    subject: str
    title: str
    when: str
    summary: tuple[str, ...]
    chart: str
    stories_title: str
    stories: tuple[StoryLines, ...]
    left: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    archive: Link
