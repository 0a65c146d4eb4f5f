"""From vectors and wording to calibrated shares, before anything is decided."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from config.codebook import load_codebook
from pipeline.analyse.embed import HashingEmbedder, embed
from pipeline.analyse.reading import AROUND, WHOLE, Reader, in_context, reading, readings, units
from pipeline.analyse.wording import BUCKETS, wording
from pipeline.records import FAMILIES, VOICES
from tests.samples import article, coded, untrained_heads

CODEBOOK = load_codebook()
UNITS = units(CODEBOOK)
SIZE = UNITS["topic"].stop
TEXTS = ("The door is open.", "対話の窓は開いている。", "Дверь для диалога открыта.", "😀 ١٢٣ नमस्ते שלום", "ｶﾀｶﾅ")


def rows(texts: tuple[str, ...]) -> Any:
    return wording(texts).toarray()


def test_every_unit_judges_one_thing_and_none_is_left_over() -> None:
    sizes = {name: place.stop - place.start for name, place in UNITS.items()}
    assert sizes == {
        "family": len(FAMILIES),
        "codes": len(CODEBOOK.codes),
        "voice": len(VOICES),
        "facts": len(CODEBOOK.facts),
        "topic": 1,
    }
    places = list(UNITS.values())
    assert (places[0].start, [a.stop == b.start for a, b in pairwise(places)]) == (0, [True] * 4)


def test_a_passage_is_read_with_its_article_and_its_neighbours() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    whole, around = [2 / 3, 2 / 3], [[0, 0.5], [1, 0.5], [0, 0.5]]
    wanted = np.hstack([vectors, WHOLE * np.tile(whole, (3, 1)), AROUND * np.array(around)])
    assert np.allclose(in_context(vectors), wanted)


def test_a_passage_by_itself_is_its_own_article_and_has_no_neighbours() -> None:
    assert np.allclose(in_context(np.array([[0.6, 0.8]], np.float32)), [[0.6, 0.8, 0.3, 0.4, 0, 0]])


def test_an_article_without_passages_has_no_rows() -> None:
    found = in_context(np.empty((0, 4), np.float32))
    assert (found.shape, found.dtype) == ((0, 12), np.float32)


def test_the_context_leaves_the_vectors_as_they_were() -> None:
    vectors = np.eye(3, dtype=np.float32)
    in_context(vectors)
    assert vectors.tolist() == np.eye(3).tolist()


def test_families_and_voices_sum_to_one_and_the_others_are_each_by_themselves() -> None:
    activations = np.random.default_rng(1).normal(scale=20, size=(50, SIZE)).astype(np.float32)
    found = reading(activations, UNITS)
    assert np.allclose(found.family.sum(axis=1), 1)
    assert np.allclose(found.voice.sum(axis=1), 1)
    shares = np.hstack([found.family, found.codes, found.voice, found.facts, found.topic[:, None]])
    assert (shares.shape, bool(((shares >= 0) & (shares <= 1)).all())) == ((50, SIZE), True)


def test_each_share_comes_from_its_own_unit() -> None:
    activations = np.zeros((1, SIZE), np.float32)
    activations[0, [UNITS["family"].start + 1, UNITS["codes"].start + 4, UNITS["facts"].start + 2, SIZE - 1]] = 9
    found = reading(activations, UNITS)
    assert (found.family.argmax(), found.codes.argmax(), found.facts.argmax()) == (1, 4, 2)
    assert (found.topic.tolist(), np.allclose(found.voice, 1 / 3)) == ([pytest.approx(0.99988, abs=1e-5)], True)


def test_readings_are_cut_where_the_articles_end() -> None:
    activations = np.random.default_rng(1).normal(size=(6, SIZE)).astype(np.float32)
    found = readings(activations, [1, 3, 2], UNITS)
    whole = reading(activations, UNITS)
    assert [len(one.topic) for one in found] == [1, 3, 2]
    assert np.concatenate([one.codes for one in found]).tolist() == whole.codes.tolist()


def test_the_reader_adds_what_meaning_and_wording_say() -> None:
    heads, embedder, given = untrained_heads(CODEBOOK), HashingEmbedder(), article()
    embedded = embed(given, tuple(one.passage for one in coded(given)), embedder)
    texts = [passage.text for passage in embedded.passages]
    activations = heads.linear["meaning"](in_context(embedded.vectors)) + wording(texts).toarray() @ heads.wording
    found, wanted = Reader(heads, CODEBOOK).read(embedded), reading(activations, UNITS)
    assert np.allclose(found.family, wanted.family, atol=1e-5)
    assert np.allclose(found.topic, wanted.topic, atol=1e-5)


@pytest.mark.parametrize("text", TEXTS)
def test_the_wording_of_a_text_in_any_script_is_a_row_of_unit_length(text: str) -> None:
    (row,) = rows((text,))
    assert (row.shape, row.dtype, float(np.linalg.norm(row))) == ((BUCKETS,), np.float32, pytest.approx(1))


def test_no_text_has_no_wording() -> None:
    assert not rows(("", " ", "島")).any()  # the shortest strings that count have two characters


def test_the_same_text_has_the_same_wording_whatever_stands_beside_it() -> None:
    alone = np.vstack([rows((text,)) for text in TEXTS])
    assert alone.tolist() == rows(TEXTS).tolist()


def test_texts_of_other_words_have_another_wording() -> None:
    said, denied = rows(("Москва хочет мира с Японией.", "Москва якобы хочет мира с Японией."))
    assert 0.6 < float(said @ denied) < 0.95


def test_a_repetition_weighs_less_than_the_first_time() -> None:
    once, often = rows(("ab", "abababababab"))
    assert 0 < float(once @ often) < 0.9


def test_the_case_of_letters_does_not_matter() -> None:
    upper, lower = rows(("МИРНЫЙ Договор", "мирный договор"))
    assert upper.tolist() == lower.tolist()
