"""All articles' vectors as one bit a dimension, in memory, to find the likely nearest among a million at once.

A process reads them once and then only what is new: 56 bytes an article at 384 dimensions, so 56 MB a million. Vectors
are centred first: what all articles of a language have in common, the language itself above all, is taken away, or
every article would be nearest to those of its own language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, Engine, func, select

from pipeline.records import Vectors
from storage.meanings import KEPT_AS, read, unit
from storage.schema import meanings

BATCH = 20_000
SAMPLE = 2000  # articles of a language that its centre is taken from
FEW = 20  # with as many articles, half of the centre is believed
LATE = 256  # the last rows are read again: on PostgreSQL a transaction may commit after one with higher ids
Words = npt.NDArray[np.uint64]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What is known of a model's articles. `words` (w x n): their codes; an article may have a former one as well."""

    model: str
    dimensions: int
    centres: dict[str, Vectors]
    ids: Ids
    words: Words
    last: frozenset[tuple[int, int, int]]
    seen: int

    def centred(self, vectors: Vectors, languages: Sequence[str]) -> Vectors:
        """Unit vectors (n x d) of texts in these languages, made comparable across languages."""
        everywhere = np.mean(list(self.centres.values()), axis=0) if self.centres else np.float32(0)
        centres = [self.centres.get(language, everywhere) for language in languages]
        return unit(vectors - np.stack(np.broadcast_arrays(*centres, vectors[0])[:-1]))

    def distances(self, vector: Vectors) -> npt.NDArray[np.uint16]:
        """How many bits differ between a centred vector and each article."""
        total = np.zeros(len(self.ids), np.uint16)
        for row, word in zip(self.words, _codes(vector[None])[:, 0], strict=True):
            total += np.bitwise_count(row ^ word)
        return total


_held: WeakKeyDictionary[Engine, Codes] = WeakKeyDictionary()
_lock = Lock()


def codes(connection: Connection, model: str) -> Codes:
    """The codes of a model's articles as they are now. The first call in a process reads all vectors."""
    with _lock:
        held = _held.get(connection.engine)
        newest = connection.scalar(select(func.max(meanings.c.id))) or 0
        if held is None or (held.model, held.dimensions > 0) != (model, True) or newest < held.seen:
            held = _none(connection, model)
        held = _refreshed(connection, held, newest)
        _held[connection.engine] = held
        return held


def of_model(known: Codes) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions for vectors that can be compared."""
    size = known.dimensions * KEPT_AS.itemsize
    return meanings.c.model == known.model, func.length(meanings.c.vector) == size


def _none(connection: Connection, model: str) -> Codes:
    """Nothing known yet but how large vectors are, and the centres."""
    newest = select(func.length(meanings.c.vector)).where(meanings.c.model == model).order_by(meanings.c.id.desc())
    dimensions = (connection.scalar(newest.limit(1)) or 0) // KEPT_AS.itemsize
    none = Codes(
        model=model,
        dimensions=dimensions,
        centres={},
        ids=np.empty(0, np.int64),
        words=np.empty((-(-dimensions // 64), 0), np.uint64),
        last=frozenset(),
        seen=0,
    )
    languages = connection.scalars(select(meanings.c.language).where(*of_model(none)).distinct())
    return replace(none, centres={language: _centre(connection, none, language) for language in languages.all()})


def _centre(connection: Connection, known: Codes, language: str) -> Vectors:
    newest = select(meanings.c.vector).where(*of_model(known), meanings.c.language == language)
    vectors = connection.scalars(newest.order_by(meanings.c.id.desc()).limit(SAMPLE))
    found = np.stack([read(data) for data in vectors])
    return np.asarray(found.sum(axis=0) / (len(found) + FEW), np.float32)


def _refreshed(connection: Connection, held: Codes, newest: int) -> Codes:
    """With what came since. Where there are many, some at a time, so that not all vectors are in memory at once."""
    names = ("id", "article_id", "revision_id", "language", "vector")
    new = select(*(meanings.c[name] for name in names)).where(*of_model(held))
    after, ids, words, last = max(0, held.seen - LATE), [held.ids], [held.words], held.last
    while rows := connection.execute(new.where(meanings.c.id > after).order_by(meanings.c.id).limit(BATCH)).all():
        after = rows[-1].id
        fresh = [row for row in rows if tuple(row[:3]) not in held.last]
        last = frozenset(tuple(row[:3]) for row in rows[-LATE:])
        if fresh:
            ids.append(np.array([row.article_id for row in fresh]))
            words.append(_codes(_centred(held, fresh)))
    if len(ids) == 1:
        return replace(held, seen=newest)
    return replace(held, ids=np.concatenate(ids), words=np.concatenate(words, axis=1), last=last, seen=newest)


def _centred(held: Codes, rows: Sequence[Any]) -> Vectors:
    vectors = np.frombuffer(b"".join(row.vector for row in rows), KEPT_AS).reshape(len(rows), -1)
    return held.centred(vectors.astype(np.float32), [row.language for row in rows])


def _codes(vectors: Vectors) -> Words:
    """One bit a dimension, 64 a word (w x n); dimensions that fill no word are filled up with zeros."""
    bits = np.packbits(vectors > 0, axis=1)
    filled = np.zeros((len(bits), -(-bits.shape[1] // 8) * 8), np.uint8)
    filled[:, : bits.shape[1]] = bits
    return np.ascontiguousarray(filled.view(np.uint64).T)
