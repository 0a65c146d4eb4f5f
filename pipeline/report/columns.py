"""What is exported, column by column, and what each means: the one definition that files, API and documents share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "integer", "number", "boolean", "time", "date", "list", "shares"]
Table = Literal["articles", "evidence", "daily"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of an export. `unit`: what its values are measured in or written as; `empty`: whether one may be."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    empty: bool = False


def _column(name: str, kind: Kind, unit: str, meaning: str, *, empty: bool = False) -> Column:
    return Column(name=name, kind=kind, unit=unit, meaning=meaning, empty=empty)


SCORE_ID = _column("score_id", "integer", "id", "The score; an article has one for each wording and run.")
ARTICLE_ID = _column("article_id", "integer", "id", "The article, whatever its wording.")
URL = _column("url", "text", "URL", "The article's canonical address.")
OUTLET = _column("outlet", "text", "name", "Who published it, as in the list of feeds.")
COUNTRY = _column("country", "text", "ISO 3166", "The outlet's country.")
KIND = _column("kind", "text", "word", "The kind of outlet, such as wire, national or state.")
LANGUAGE = _column("language", "text", "ISO 639", "The language of the text: en, ja or ru.")
RUN = _column("run", "text", "stamp", "The run that scored it: model, codebook, heads and version. Never mix two runs.")
TONE = "Tone of the article: -1 vigilant, 0 neither, +1 credulous."
OUTLOOK = "How hopeful the article is of a treaty."
SCRUTINY = "How much wary context it gives."
CREDULITY = "How hopeful it is on words left standing and facts left out."

TABLES: dict[Table, tuple[Column, ...]] = {
    "articles": (
        SCORE_ID,
        ARTICLE_ID,
        _column("revision_id", "integer", "id", "The wording that was scored."),
        URL,
        OUTLET,
        COUNTRY,
        KIND,
        LANGUAGE,
        _column("title", "text", "text", "The title of that wording."),
        _column("at", "time", "UTC", "When it was published, or else first seen: the time that filters go by."),
        _column("published_at", "time", "UTC", "When the outlet says that it was published.", empty=True),
        _column("first_seen_at", "time", "UTC", "When a feed first announced it to us."),
        _column("partial", "boolean", "true, false", "Only a summary, or the open part of a paid page, was to be had."),
        _column("tone", "number", "-1 to 1", TONE),
        _column("tone_low", "number", "-1 to 1", "Lower end of the tone's interval."),
        _column("tone_high", "number", "-1 to 1", "Upper end; the interval holds the tone that score.coverage says."),
        _column("outlook", "number", "0 to 1", OUTLOOK),
        _column("scrutiny", "number", "0 to 1", SCRUTINY),
        _column("credulity", "number", "0 to 1", CREDULITY, empty=True),
        _column("omitted", "list", "facts", "The context facts that the article leaves out."),
        _column("unusual", "list", "words", "Why the score is to be taken with care; empty for ordinary articles."),
        _column("codes", "shares", "0 to 1 each", "Each code that a passage bears, with its greatest strength."),
        RUN,
        _column("scored_at", "time", "UTC", "When it was scored."),
    ),
    "evidence": (
        SCORE_ID,
        ARTICLE_ID,
        URL,
        OUTLET,
        LANGUAGE,
        _column("position", "integer", "count", "The place of the passage in the article; 0 is the title."),
        _column("part", "text", "word", "Where it stands: title or text."),
        _column("start", "integer", "characters", "Where it begins in that part, in Unicode code points."),
        _column("end", "integer", "characters", "Where it ends, exclusive."),
        _column("text", "text", "text", "The sentence, as it stands in the article."),
        _column("family", "text", "word", "What it conveys: optimistic, vigilant or neutral."),
        _column("voice", "text", "word", "Whose words they are: own, quoted_distanced or quoted_bare."),
        _column("codes", "shares", "0 to 1 each", "The codes that it bears, with their strength."),
        _column("facts", "list", "facts", "The context facts that it gives the reader."),
        RUN,
    ),
    "daily": (
        _column("day", "date", "UTC day", "The day of publication, or else of first sight."),
        OUTLET,
        COUNTRY,
        KIND,
        LANGUAGE,
        _column("articles", "integer", "count", "How many articles the means are taken over."),
        _column("tone", "number", "-1 to 1", "Mean tone; over few articles it says little: weigh by `articles`."),
        _column("outlook", "number", "0 to 1", "Mean outlook."),
        _column("scrutiny", "number", "0 to 1", "Mean scrutiny."),
        _column("credulity", "number", "0 to 1", "Mean credulity of the articles that have one.", empty=True),
        RUN,
    ),
}

MEANINGS = {column.name: column.meaning for columns in reversed(TABLES.values()) for column in columns}


def dictionary() -> str:
    """All columns as a page of Markdown."""
    parts = []
    for table, columns in TABLES.items():
        rows = [f"| `{one.name}` | {one.kind} | {one.unit} | {one.meaning}{_may(one)} |" for one in columns]
        parts.append("\n".join([f"### {table}", "", "| column | type | unit | meaning |", "|---|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _may(column: Column) -> str:
    return " May be empty." if column.empty else ""
