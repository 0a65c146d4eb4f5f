"""The sample outlets: invented newspapers with invented articles, read from the files in `outlets/`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Literal

Edition = Literal["morning", "evening"]
EDIT_DELAY = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleArticle:
    """An article of a sample outlet.

    Some are edited in the evening: then the `edited_` fields hold the later wording.
    """

    slug: str
    date: datetime
    title: str
    summary: str
    text: str
    tone: str
    byline: str = ""
    wire_of: str = ""
    edited_title: str = ""
    edited_text: str = ""

    def title_in(self, edition: Edition) -> str:
        """The headline as it stands in an edition."""
        return self.edited_title if edition == "evening" and self.edited_title else self.title

    def text_in(self, edition: Edition) -> str:
        """The text as it stands in an edition."""
        return self.edited_text if edition == "evening" and self.edited_text else self.text

    def updated_in(self, edition: Edition) -> datetime:
        """When the article was last changed."""
        return self.date + EDIT_DELAY if edition == "evening" and self.edited_text else self.date


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOutlet:
    """A sample outlet with its articles, newest first. `format` is its feed's, `charset` that of its pages and feed."""

    slug: str
    name: str
    country: str
    language: str
    kind: str
    format: str
    charset: str
    tagline: str
    articles: tuple[SampleArticle, ...]

    @property
    def host(self) -> str:
        """The outlet's host name; browsers resolve names under .localhost to this machine by themselves."""
        return f"{self.slug}.localhost"


def sample_outlets() -> tuple[SampleOutlet, ...]:
    """All sample outlets, by file name."""
    folder = files("pipeline.demo").joinpath("outlets")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(_outlet(file.name.removesuffix(".toml"), tomllib.loads(file.read_text("utf-8"))) for file in found)


def _outlet(slug: str, data: dict[str, object]) -> SampleOutlet:
    rows: list[dict[str, str]] = data.pop("article")  # type: ignore[assignment]
    articles = [SampleArticle(**{**row, "date": _date(row["date"])}) for row in rows]  # type: ignore[arg-type]
    articles.sort(key=lambda article: article.date, reverse=True)
    return SampleOutlet(slug=slug, articles=tuple(articles), **data)  # type: ignore[arg-type]


def _date(raw: str) -> datetime:
    return datetime.fromisoformat(raw).astimezone(UTC)
