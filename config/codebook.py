"""The codebook: codes, families and context facts."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from config.invalid import InvalidSettings

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
