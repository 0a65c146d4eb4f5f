"""The trained heads: small linear models on top of the embeddings, as one file of arrays.

Training is done in `pipeline.train`; here they are only loaded, checked against model and codebook, and applied.
Everything is plain numpy, so a score needs no training library.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError

Floats = npt.NDArray[np.float32]
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Linear:
    """k linear units on d inputs: `weights` (k x d), `bias` (k). Inputs are standardised by `mean` and `scale` (d)."""

    weights: Floats
    bias: Floats
    mean: Floats
    scale: Floats

    def __call__(self, inputs: Floats) -> Floats:
        """Activations (n x k) of inputs (n x d)."""
        return np.asarray(((inputs - self.mean) / self.scale) @ self.weights.T + self.bias, np.float32)


def sigmoid(values: Floats) -> Floats:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -30, 30))), np.float32)


def softmax(values: Floats) -> Floats:
    """Shares that sum to 1 along the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


@dataclass(frozen=True, kw_only=True)
class Heads:
    """All heads of one training.

    `linear` holds family (3), codes (16), voice (3), facts (8), topic (1), relevance (1), tone (1); `thresholds` the
    calibrated probabilities from which a code, a fact or an article counts. `residuals`: sorted absolute errors of
    the tone on articles by authors unseen in training, from which intervals are read.
    """

    linear: Mapping[str, Linear]
    thresholds: Mapping[str, Floats]
    residuals: Floats
    weights: str
    codebook: str
    hash: str
    about: Mapping[str, Any]


def save_heads(heads: Heads, file: Path) -> None:
    """Write the heads; equal heads give equal bytes."""
    arrays: dict[str, Floats] = {"residuals": heads.residuals}
    for name, unit in heads.linear.items():
        for part in ("weights", "bias", "mean", "scale"):
            arrays[f"linear/{name}/{part}"] = getattr(unit, part)
    for name, values in heads.thresholds.items():
        arrays[f"thresholds/{name}"] = values
    about = {"format": FORMAT, "weights": heads.weights, "codebook": heads.codebook, **heads.about}
    text = json.dumps(about, ensure_ascii=False, sort_keys=True)
    arrays["about"] = np.frombuffer(text.encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # numpy stamps every member 1980-01-01, so the bytes are stable
    file.write_bytes(buffer.getvalue())


def load_heads(file: Traversable | Path, *, weights: str, codebook: str) -> Heads:
    """Read heads trained on the model with these `weights` and on this `codebook` (hashes).

    Raises ModelError otherwise.
    """
    try:
        raw = file.read_bytes()
    except OSError:
        raise ModelError(f"{file} is missing; `treatywatch train` makes it", reason="no_heads") from None
    with np.load(io.BytesIO(raw)) as arrays:
        about = json.loads(arrays["about"].tobytes().decode())
        _check(about, weights=weights, codebook=codebook, file=str(file))
        units = {name.split("/")[1] for name in arrays if name.startswith("linear/")}
        return Heads(
            linear={
                unit: Linear(**{part: arrays[f"linear/{unit}/{part}"] for part in ("weights", "bias", "mean", "scale")})
                for unit in sorted(units)
            },
            thresholds={name.split("/")[1]: arrays[name] for name in arrays if name.startswith("thresholds/")},
            residuals=arrays["residuals"],
            weights=about["weights"],
            codebook=about["codebook"],
            hash=hashlib.sha256(raw).hexdigest()[:16],
            about=about,
        )


def _check(about: Mapping[str, Any], *, weights: str, codebook: str, file: str) -> None:
    if about.get("format") != FORMAT:
        raise ModelError(f"{file} has another format; run `treatywatch train`", reason="heads_format")
    for what, wanted in (("weights", weights), ("codebook", codebook)):
        if about[what] != wanted:
            raise ModelError(
                f"{file} was trained on {what} {about[what]}, not {wanted}; run `treatywatch train` with them",
                reason="heads_mismatch",
            )
