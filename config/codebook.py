"""The codebook: codes, families and context facts, and the labelled texts that the heads are trained on."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from config.invalid import InvalidSettings

SEPARATORS = {"ja": ""}
RULES = ("codebook.toml", "terms.toml", "abbreviations.toml")  # what judging depends on, beside model and heads


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One thing that a passage can convey. `exemplars` and `counter` map a language to sentences."""

    id: str
    family: str
    title: str
    definition: str
    exemplars: Mapping[str, tuple[str, ...]]
    counter: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codebook:
    """All codes in their order. `hash`: the first 16 hex digits of the SHA-256 over RULES."""

    name: str
    version: str
    languages: tuple[str, ...]
    families: Mapping[str, str]
    facts: Mapping[str, str]
    codes: Mapping[str, Code]
    hash: str

    def of_family(self, family: str) -> tuple[str, ...]:
        """Ids of the codes of a family, in order."""
        return tuple(code.id for code in self.codes.values() if code.family == family)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPassage:
    """A sentence and what a coder found in it."""

    text: str
    codes: tuple[str, ...]
    voice: str | None
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledArticle:
    """An article of the corpus: paragraphs of coded sentences. Without a title it is a list of single sentences."""

    id: str
    language: str
    author: str
    outlet: str
    date: str
    kind: str
    relevant: bool
    tone: float | None
    title: LabelledPassage | None
    paragraphs: tuple[tuple[LabelledPassage, ...], ...]

    @property
    def text(self) -> str:
        """The article as it would be printed."""
        joint = SEPARATORS.get(self.language, " ")
        return "\n\n".join(joint.join(passage.text for passage in paragraph) for paragraph in self.paragraphs)

    def passages(self) -> Iterator[LabelledPassage]:
        """The title, if any, then the sentences in order."""
        if self.title is not None:
            yield self.title
        for paragraph in self.paragraphs:
            yield from paragraph


def home() -> Traversable:
    """The folder of the codebook that ships with treatywatch."""
    return files("config").joinpath("codebook")


def load_codebook(folder: Traversable | Path | None = None) -> Codebook:
    """Read codebook.toml. Raises InvalidSettings that names the code and what it lacks."""
    folder = folder or home()
    try:
        data = tomllib.loads(folder.joinpath("codebook.toml").read_text(encoding="utf-8"))
        codes = {name: _code(name, entry) for name, entry in data["codes"].items()}
        book = Codebook(
            name=data["name"],
            version=data["version"],
            languages=tuple(data["languages"]),
            families=data["families"],
            facts=data["facts"],
            codes=codes,
            hash=_hash(folder),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"codebook.toml: not valid TOML: {error}") from None
    except KeyError as error:
        raise InvalidSettings(f"codebook.toml: the key {error} is missing") from None
    faults = list(check(book))
    if faults:
        raise InvalidSettings("\n".join(faults))
    return book


def _hash(folder: Traversable | Path) -> str:
    digest = hashlib.sha256()
    for file in RULES:
        digest.update(folder.joinpath(file).read_bytes() if folder.joinpath(file).is_file() else b"")
    return digest.hexdigest()[:16]


def _code(name: str, entry: Mapping[str, Any]) -> Code:
    return Code(
        id=name,
        family=entry["family"],
        title=entry["title"],
        definition=entry["definition"],
        exemplars={language: tuple(texts) for language, texts in entry["exemplars"].items()},
        counter={language: tuple(texts) for language, texts in entry["counter"].items()},
    )


def check(book: Codebook) -> Iterator[str]:
    """Faults of a codebook, one line each."""
    for code in book.codes.values():
        if code.family not in book.families:
            yield f"codebook.toml: code {code.id!r} names the unknown family {code.family!r}"
        for language in book.languages:
            if not code.exemplars.get(language) or not code.counter.get(language):
                yield f"codebook.toml: code {code.id!r} lacks exemplars or counter-exemplars in {language!r}"


def load_corpus(folder: Traversable | Path | None = None) -> tuple[LabelledArticle, ...]:
    """Read corpus/*.jsonl, in order of file name. Raises InvalidSettings that names file and line."""
    corpus = (folder or home()).joinpath("corpus")
    articles = []
    for file in sorted(corpus.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".jsonl"):
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                articles.append(_article(line, f"corpus/{file.name}:{number}"))
    return tuple(articles)


def _article(line: str, place: str) -> LabelledArticle:
    try:
        row = json.loads(line)
        return LabelledArticle(
            id=row["id"],
            language=row["language"],
            author=row["author"],
            outlet=row.get("outlet", ""),
            date=row.get("date", ""),
            kind=row.get("kind", ""),
            relevant=row["relevant"],
            tone=row.get("tone"),
            title=_passage(row["title"]) if row.get("title") else None,
            paragraphs=tuple(tuple(_passage(item) for item in paragraph) for paragraph in row["paragraphs"]),
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidSettings(f"{place}: not a labelled article ({error!r})") from None


def _passage(item: Mapping[str, Any]) -> LabelledPassage:
    return LabelledPassage(
        text=item["text"],
        codes=tuple(item.get("codes", ())),
        voice=item.get("voice"),
        facts=tuple(item.get("facts", ())),
    )
