"""A text cut at its coded passages, so that a page can mark them in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from storage.queries import CodedSentence


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the text, and the passage that it belongs to, if it bears a code or gives a context fact."""

    text: str
    passage: CodedSentence | None


def marked(text: str, passages: Iterable[CodedSentence]) -> tuple[tuple[Piece, ...], ...]:
    """The paragraphs of a text, each in pieces. A passage that overlaps with the one before is not marked."""
    paragraphs: list[list[Piece]] = [[]]
    for piece in _pieces(text, passages):
        first, *others = piece.text.split("\n")
        paragraphs[-1].append(Piece(first, piece.passage))
        paragraphs += [[Piece(line, piece.passage)] for line in others]
    kept = ([piece for piece in paragraph if piece.text] for paragraph in paragraphs)
    return tuple(tuple(paragraph) for paragraph in kept if any(piece.text.strip() for piece in paragraph))


def _pieces(text: str, passages: Iterable[CodedSentence]) -> Iterator[Piece]:
    end = 0
    for passage in sorted(passages, key=lambda passage: passage.start):
        if passage.start < end or not (passage.codes or passage.facts):
            continue
        yield Piece(text[end : passage.start], None)
        yield Piece(text[passage.start : passage.end], passage)
        end = passage.end
    yield Piece(text[end:], None)
