"""The trained heads: files that fit their model and codebook, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.codebook import home, load_codebook
from pipeline.analyse import bundled
from pipeline.analyse.heads import FORMAT, PARTS, Heads, Linear, load_heads, save_heads, sigmoid, softmax
from pipeline.analyse.reading import units
from pipeline.analyse.wording import BUCKETS
from pipeline.errors import ModelError
from pipeline.records import FAMILIES, VOICES


def small_heads() -> Heads:
    unit = Linear(
        weights=np.ones((2, 3), np.float32),
        bias=np.zeros(2, np.float32),
        mean=np.zeros(3, np.float32),
        scale=np.ones(3, np.float32),
    )
    return Heads(
        tuning={"layer.0.up": np.array([[0.1], [2]], np.float32), "layer.0.down": np.array([[1, -1]], np.float32)},
        linear={"meaning": unit, "tone": replace(unit, bias=np.array([1, 2], np.float32))},
        wording=np.array([[0.1, -3], [0, 1]], np.float32),
        thresholds={"codes": np.array([0.5], np.float32), "family": np.ones(3, np.float32)},
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
    assert described(loaded) == described(small_heads())
    assert (len(loaded.hash), loaded.about["codes"]) == (16, ["a"])


def described(heads: Heads) -> dict[str, object]:
    """All numbers by name; tuning and wording as the file keeps them, in half precision."""
    halved = {f"tuning/{name}": values for name, values in heads.tuning.items()} | {"wording": heads.wording}
    whole = {f"thresholds/{name}": values for name, values in heads.thresholds.items()}
    whole |= {f"{name}/{part}": getattr(unit, part) for name, unit in heads.linear.items() for part in PARTS}
    numbers = {name: values.astype(np.float16).tolist() for name, values in halved.items()}
    return numbers | {name: values.tolist() for name, values in whole.items()} | {"residuals": heads.residuals.tolist()}


def test_what_was_kept_in_half_precision_is_calculated_with_in_single(tmp_path: Path) -> None:
    save_heads(small_heads(), tmp_path / "heads.npz")
    loaded = load_heads(tmp_path / "heads.npz", weights="w", codebook="c")
    arrays = (loaded.wording, *loaded.tuning.values(), *(getattr(loaded.linear["tone"], part) for part in PARTS))
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_heads_say_what_they_were_made_from_and_with(tmp_path: Path) -> None:
    heads = replace(small_heads(), about={"codes": ["a"], "figures": {"all": {"articles": 1.0}}})
    save_heads(heads, tmp_path / "heads.npz")
    loaded = load_heads(tmp_path / "heads.npz", weights="w", codebook="c")
    assert dict(loaded.about) == {"format": FORMAT, "weights": "w", "codebook": "c", **heads.about}


def test_other_heads_have_another_hash(tmp_path: Path) -> None:
    hashes = set()
    for number, heads in enumerate((small_heads(), replace(small_heads(), wording=np.eye(2, dtype=np.float32)))):
        save_heads(heads, tmp_path / f"{number}.npz")
        hashes.add(load_heads(tmp_path / f"{number}.npz", weights="w", codebook="c").hash)
    assert len(hashes) == 2


def test_heads_of_an_earlier_format_are_refused(tmp_path: Path) -> None:
    about = np.frombuffer(json.dumps({"format": FORMAT - 1, "weights": "w", "codebook": "c"}).encode(), np.uint8)
    np.savez(tmp_path / "heads.npz", about=about, residuals=np.zeros(1))
    with pytest.raises(ModelError) as caught:
        load_heads(tmp_path / "heads.npz", weights="w", codebook="c")
    assert caught.value.reason == "heads_format"


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
    size = units(codebook)["topic"].stop
    assert (heads.about["codes"], heads.about["facts"]) == (list(codebook.codes), list(codebook.facts))
    assert {name: len(unit.weights) for name, unit in heads.linear.items()} == {
        "meaning": size,
        "relevance": 1,
        "tone": 4,
        "spread": 1,
    }
    assert heads.wording.shape == (BUCKETS, size)
    assert {name: len(cut) for name, cut in heads.thresholds.items()} == {
        "family": len(FAMILIES),
        "voice": len(VOICES),
        "codes": 1,
        "facts": len(codebook.facts),
    }
    assert bool((np.diff(heads.residuals) >= 0).all() and (heads.residuals >= 0).all())
    assert {name.rpartition(".")[2] for name in heads.tuning} == {"up", "down"}


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
