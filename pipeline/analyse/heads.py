"""What training made: heads that judge passages and articles, and the change of the encoder, as one file of arrays.

Training is done in `pipeline.train`; here the file is only loaded, checked against model and codebook, and applied.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError

Floats = npt.NDArray[np.float32]
FORMAT = 2
PARTS = ("weights", "bias", "mean", "scale")


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
    """One training.

    `tuning`: the low-rank change of the encoder's weights, by name. `linear` holds `meaning` (one unit for each family,
    code, voice, fact and for the topic, on a passage's vector in its context), and on an article `relevance`, `spread`
    (one unit each) and `tone` (one for each step of the scale but the last). `wording` (BUCKETS x units): what the same
    units make of the passage's n-grams. `thresholds`: the shares from which a family, a code or a fact counts.
    `residuals`: sorted absolute errors of the tone on articles by authors unseen in training, in units of the error
    expected, from which intervals are read.
    """

    tuning: Mapping[str, Floats]
    linear: Mapping[str, Linear]
    wording: Floats
    thresholds: Mapping[str, Floats]
    residuals: Floats
    weights: str
    codebook: str
    hash: str
    about: Mapping[str, Any]


def save_heads(heads: Heads, file: Path) -> None:
    """Write the heads; equal heads give equal bytes."""
    arrays: dict[str, npt.NDArray[Any]] = {"residuals": heads.residuals, "wording": heads.wording.astype(np.float16)}
    arrays |= {f"tuning/{name}": values.astype(np.float16) for name, values in heads.tuning.items()}
    arrays |= {f"thresholds/{name}": values for name, values in heads.thresholds.items()}
    arrays |= {f"linear/{name}/{part}": getattr(unit, part) for name, unit in heads.linear.items() for part in PARTS}
    about = {"format": FORMAT, "weights": heads.weights, "codebook": heads.codebook, **heads.about}
    text = json.dumps(about, ensure_ascii=False, sort_keys=True)
    arrays["about"] = np.frombuffer(text.encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type] # members are stamped 1980-01-01: the bytes are stable
    whole = file.with_name(f".{file.name}.part")
    whole.write_bytes(buffer.getvalue())
    whole.replace(file)


def load_heads(file: Traversable | Path, *, weights: str, codebook: str) -> Heads:
    """Read heads trained on the model with these `weights` and on this `codebook` (hashes).

    Raises ModelError otherwise.
    """
    try:
        raw = file.read_bytes()
    except OSError:
        raise ModelError(f"{file} is missing; `treatywatch train` makes it", reason="no_heads") from None
    try:
        arrays = np.load(io.BytesIO(raw))
        about = json.loads(arrays["about"].tobytes().decode())
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        raise ModelError(
            f"{file} is damaged ({error}); `treatywatch train` makes it anew", reason="bad_heads"
        ) from None
    with arrays:
        _check(about, weights=weights, codebook=codebook, file=str(file))
        units = _under(arrays, "linear")
        return Heads(
            tuning={name: values.astype(np.float32) for name, values in _under(arrays, "tuning").items()},
            linear={
                unit: Linear(**{part: units[f"{unit}/{part}"] for part in PARTS})
                for unit in sorted({name.split("/")[0] for name in units})
            },
            wording=arrays["wording"].astype(np.float32),
            thresholds=_under(arrays, "thresholds"),
            residuals=arrays["residuals"],
            weights=about["weights"],
            codebook=about["codebook"],
            hash=hashlib.sha256(raw).hexdigest()[:16],
            about=about,
        )


def read_about(file: Traversable | Path) -> Mapping[str, Any]:
    """What a file of heads says of itself, such as their measured `figures`. Raises what reading raises."""
    with np.load(io.BytesIO(file.read_bytes())) as arrays:
        about: Mapping[str, Any] = json.loads(arrays["about"].tobytes().decode())
    return about


def _under(arrays: Mapping[str, Floats], folder: str) -> dict[str, Floats]:
    return {name.removeprefix(f"{folder}/"): arrays[name] for name in arrays if name.startswith(f"{folder}/")}


def _check(about: Mapping[str, Any], *, weights: str, codebook: str, file: str) -> None:
    if about.get("format") != FORMAT:
        raise ModelError(f"{file} has another format; run `treatywatch train`", reason="heads_format")
    for what, wanted in (("weights", weights), ("codebook", codebook)):
        if about[what] != wanted:
            raise ModelError(
                f"{file} was trained on {what} {about[what]}, not {wanted}; run `treatywatch train` with them",
                reason="heads_mismatch",
            )
