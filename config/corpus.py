"""Labelled texts: what coders found in articles, sentence by sentence.

`corpus/` is what the heads are trained on. None of the others is ever trained on: `parity/` holds the same stories in
three languages, `pairs/` sentences that share their words but not their verdict, and `recoded/` a second coder's labels
for a fifth of the corpus.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from config.codebook import home
from config.invalid import InvalidSettings

SEPARATORS = {"ja": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPassage:
    """A sentence and what a coder found in it."""

    text: str
    codes: tuple[str, ...] = ()
    voice: Literal["own", "quoted_distanced", "quoted_bare"] | None = None
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledArticle:
    """Paragraphs of coded sentences. Without a title it is a list of single sentences.

    `printed`: the text where it was given as a whole. `codes_only`: the coder said nothing of voice and context facts.
    """

    id: str
    language: Literal["en", "ja", "ru"]
    author: str
    relevant: bool
    paragraphs: tuple[tuple[LabelledPassage, ...], ...]
    tone: Annotated[float, Field(ge=-1, le=1)] | None = None
    title: LabelledPassage | None = None
    outlet: str = ""
    date: str = ""
    kind: str = ""
    printed: str = ""
    codes_only: bool = False

    @property
    def text(self) -> str:
        """The article as it would be printed."""
        joint = SEPARATORS.get(self.language, " ")
        return self.printed or "\n\n".join(joint.join(p.text for p in paragraph) for paragraph in self.paragraphs)

    def sentences(self) -> Iterator[LabelledPassage]:
        """The sentences in order, without the title."""
        for paragraph in self.paragraphs:
            yield from paragraph

    def passages(self) -> Iterator[LabelledPassage]:
        """The title, if any, then the sentences in order."""
        if self.title is not None:
            yield self.title
        yield from self.sentences()


def load_corpus(name: str = "corpus", folder: Traversable | Path | None = None) -> tuple[LabelledArticle, ...]:
    """Read a folder of labelled texts, in order of file name. Raises InvalidSettings that names file and line."""
    files = (folder or home()).joinpath(name).iterdir()
    return tuple(
        article
        for file in sorted(files, key=lambda file: file.name)
        if file.name.endswith(".jsonl")
        for article in read_labelled(file)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimalPair:
    """Two sentences with nearly the same words, of which one is optimistic and one vigilant. `kind`: what turns it."""

    kind: str
    language: str
    optimistic: LabelledPassage
    vigilant: LabelledPassage


def load_pairs(folder: Traversable | Path | None = None) -> tuple[MinimalPair, ...]:
    """Read `pairs/*.jsonl`, named after the language."""
    files = sorted((folder or home()).joinpath("pairs").iterdir(), key=lambda file: file.name)
    return tuple(
        MinimalPair(
            kind=row["kind"],
            language=file.name.removesuffix(".jsonl"),
            optimistic=LabelledPassage(text=row["optimistic"]["text"], codes=tuple(row["optimistic"]["codes"])),
            vigilant=LabelledPassage(text=row["vigilant"]["text"], codes=tuple(row["vigilant"]["codes"])),
        )
        for file in files
        if file.name.endswith(".jsonl")
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
    )


def read_labelled(file: Traversable | Path) -> Iterator[LabelledArticle]:
    """The labelled articles of one file of JSON lines. Raises InvalidSettings that names file and line.

    Two forms: ours (`paragraphs` of sentences with codes, voice and facts; tone from -1 to 1), and the coders' sheet
    (`lang`, `text`, `sentences` with codes; tone in steps from -2 to 2).
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{file}: can't be read as UTF-8 text ({error})") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _article(line, f"{file.name}:{number}")


def _article(line: str, place: str) -> LabelledArticle:
    try:
        row = json.loads(line)
        given = _from_sheet(row) if "sentences" in row else row
        return _ARTICLE.validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidSettings(f"{place}: not a labelled article: {where}: {first['msg']}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidSettings(f"{place}: not a labelled article ({error!r})") from None


def _from_sheet(row: Mapping[str, Any]) -> dict[str, Any]:
    at = 0
    for sentence in row["sentences"]:
        at = row["text"].index(sentence["text"], at) + len(sentence["text"])
    return {
        "id": str(row["id"]),
        "language": row["lang"],
        "author": row.get("author", row.get("outlet", "")),
        "outlet": row.get("outlet", ""),
        "date": row.get("date", ""),
        "kind": row.get("kind", ""),
        "relevant": bool(row["relevant"]),
        "tone": row["tone"] / 2 if row.get("tone") is not None else None,
        "title": {"text": row["title"]},
        "paragraphs": [[{"text": s["text"], "codes": s["codes"]} for s in row["sentences"]]],
        "printed": row["text"],
        "codes_only": True,
    }


_ARTICLE = TypeAdapter(LabelledArticle)
