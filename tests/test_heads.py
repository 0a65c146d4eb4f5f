"""The trained heads: files that fit their model and codebook, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.codebook import home, load_codebook
from pipeline.analyse import bundled
from pipeline.analyse.heads import Heads, Linear, load_heads, save_heads, sigmoid, softmax
from pipeline.errors import ModelError


def small_heads() -> Heads:
    unit = Linear(
        weights=np.ones((2, 3), np.float32),
        bias=np.zeros(2, np.float32),
        mean=np.zeros(3, np.float32),
        scale=np.ones(3, np.float32),
    )
    return Heads(
        linear={"family": unit},
        thresholds={"codes": np.array([0.5], np.float32)},
        residuals=np.array([0.1, 0.2], np.float32),
        weights="w",
        codebook="c",
        hash="",
        about={"codes": ["a"]},
    )


def test_heads_survive_a_round_trip_and_equal_heads_give_equal_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    save_heads(small_heads(), one)
    save_heads(small_heads(), two)
    loaded = load_heads(one, weights="w", codebook="c")
    assert one.read_bytes() == two.read_bytes()
    assert (loaded.linear["family"].weights == 1).all()
    assert loaded.residuals.tolist() == small_heads().residuals.tolist()
    assert len(loaded.hash) == 16


@pytest.mark.parametrize("wrong", [{"weights": "x", "codebook": "c"}, {"weights": "w", "codebook": "x"}])
def test_heads_of_another_model_or_codebook_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    save_heads(small_heads(), tmp_path / "heads.npz")
    with pytest.raises(ModelError, match="treatywatch train"):
        load_heads(tmp_path / "heads.npz", **wrong)


def test_missing_heads_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="treatywatch train"):
        load_heads(tmp_path / "none.npz", weights="w", codebook="c")


def test_the_shipped_heads_fit_the_bundled_model_and_the_shipped_codebook() -> None:
    codebook = load_codebook()
    heads = load_heads(home().joinpath("heads.npz"), weights=bundled.WEIGHTS_SHA256[:16], codebook=codebook.hash)
    assert heads.about["codes"] == list(codebook.codes)
    assert heads.linear.keys() == {"family", "codes", "facts", "voice", "topic", "relevance", "tone"}


def test_a_linear_unit_standardises_before_it_weighs() -> None:
    unit = Linear(
        weights=np.array([[1, 2]], np.float32),
        bias=np.array([0.5], np.float32),
        mean=np.array([1, 1], np.float32),
        scale=np.array([2, 1], np.float32),
    )
    assert unit(np.array([[3, 2]], np.float32)).tolist() == [[1 * 1 + 2 * 1 + 0.5]]


def test_softmax_sums_to_one_and_sigmoid_stays_within_bounds() -> None:
    assert np.allclose(softmax(np.array([[1e3, 0, -1e3]], np.float32)).sum(axis=1), 1)
    assert sigmoid(np.array([-1e9, 0, 1e9], np.float32)).round(6).tolist() == [0, 0.5, 1]
