"""Turn passages into vectors.

An article is embedded by itself, never in one batch with others, so that its vectors do not depend on its
neighbours: the same text gives the same score whether it is scored alone, in a run of thousands, or again next
year.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from config.sections import EmbedSettings
from pipeline.analyse import bundled
from pipeline.analyse.heads import Floats
from pipeline.errors import ModelError
from pipeline.records import Article, EmbeddedArticle, Passage, Vectors

BATCH = 16
BUNDLED = "bundled"


class Embedder(Protocol):
    """Anything that turns texts into unit vectors. `name`, `weights` and `engine` go into the run's stamp."""

    name: str
    weights: str
    engine: str
    max_tokens: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors (n x d, float32, unit length) of n texts; n may be 0."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens that the model would read for `text`, with the prompt."""
        ...


def embed(article: Article, passages: tuple[Passage, ...], embedder: Embedder) -> EmbeddedArticle:
    """Embed the passages of one article. Raises ModelError if the model gives anything but finite numbers."""
    vectors = as_stored(embedder.encode([passage.text for passage in passages]))
    if not np.isfinite(vectors).all():
        raise ModelError(f"{embedder.name} gave vectors that are no numbers for {article.url}", reason="not_finite")
    return EmbeddedArticle(article=article, passages=passages, vectors=vectors, model=embedder.name)


def as_stored(vectors: Vectors) -> Vectors:
    """Round to what storage keeps (float16), so that scoring now and re-scoring from storage see the same numbers."""
    return vectors.astype(np.float16).astype(np.float32)


class SentenceEmbedder:
    """A sentence-transformers model on the CPU, loaded at construction.

    `models` is the folder for unpacked models. Raises ModelError when the model can't be loaded.
    """

    engine = "torch-float32"

    def __init__(self, settings: EmbedSettings, models: Path) -> None:
        self._prompt = settings.prompt
        if settings.model == BUNDLED:
            self.name, self.weights = bundled.NAME, bundled.WEIGHTS_SHA256[:16]
            self._model = _load_bundled(bundled.unpack(models), settings.threads)
        else:
            self.name = settings.model
            self._model = _load(settings.model, settings.threads)
            self.weights = _hash(self._model)
        self.max_tokens = int(self._model.max_seq_length or 512)
        self.dimensions = int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors (n x d, float32, unit length) of n texts."""
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        prompted = [self._prompt + text for text in texts]
        vectors = self._model.encode(
            prompted,
            batch_size=BATCH,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32)

    def count_tokens(self, text: str) -> int:
        """Tokens that the model would read for `text`, with the prompt."""
        return len(self._model.tokenizer(self._prompt + text, truncation=False, verbose=False)["input_ids"])

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """What the model reads of each text: prompt, text and special tokens, cut where the model stops reading."""
        prompted = [self._prompt + text for text in texts]
        found = self._model.tokenizer(prompted, truncation=True, max_length=self.max_tokens, verbose=False)
        return list(found["input_ids"])

    def encoder(self) -> Any:
        """The transformer inside, for the trainer. Raises ModelError where it is not of the BERT family."""
        encoder = self._model[0].auto_model
        if not hasattr(getattr(encoder, "encoder", None), "layer"):
            raise ModelError(
                f"{self.name} can't be adapted; name a model of the BERT family in embed.model", reason="not_adaptable"
            )
        return encoder

    def tune(self, tuning: Mapping[str, Floats]) -> None:
        """Add a low-rank change, `up` (out x r) times `down` (r x in) for each weight, to the encoder's weights."""
        import torch

        modules = dict(self.encoder().named_modules())
        with torch.no_grad():
            for name in sorted({key.rpartition(".")[0] for key in tuning}):
                change = tuning[f"{name}.up"] @ tuning[f"{name}.down"]
                modules[name].weight += torch.from_numpy(change)


def _load(model: str, threads: int, **options: Any) -> Any:
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer

    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("transformers").setLevel(logging.ERROR)
    torch.set_num_threads(threads or os.cpu_count() or 1)
    try:
        return SentenceTransformer(model, device="cpu", **options)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"embed.model {model!r} can't be loaded ({error}); name a sentence-transformers folder, a hub model "
            f"that is in the local cache or reachable, or {BUNDLED!r}",
            reason="no_model",
        ) from error


def _load_bundled(folder: Path, threads: int) -> Any:
    """Load and keep the word table, 80 % of the weights, in the float16 of the file.

    The arithmetic is float32 all the same.
    """
    import torch

    class NarrowEmbedding(torch.nn.Embedding):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name
            return super().forward(input).float()

    model = _load(str(folder), threads, local_files_only=True, model_kwargs={"dtype": torch.float16})
    embeddings = model[0].auto_model.embeddings
    table = embeddings.word_embeddings
    narrow = NarrowEmbedding(
        table.num_embeddings, table.embedding_dim, padding_idx=table.padding_idx, _weight=table.weight.data
    )
    del embeddings.word_embeddings
    model.float()
    embeddings.word_embeddings = narrow
    return model.eval()


def _hash(model: Any) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()[:16]


class HashingEmbedder:
    """A model-free stand-in.

    Character trigrams hashed into a vector. For tests and dry runs of the flow, never for scores.
    """

    name, weights, engine, max_tokens = "hashing", "none", "hashing", 512

    def __init__(self, dimensions: int = 384) -> None:
        self.dimensions = dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors (n x d, float32, unit length) of n texts."""
        return np.stack([self._vector(text) for text in texts]) if texts else np.empty((0, self.dimensions), np.float32)

    def count_tokens(self, text: str) -> int:
        """Characters, as a cautious count."""
        return len(text)

    def _vector(self, text: str) -> Vectors:
        vector = np.zeros(self.dimensions, np.float32)
        padded = f"  {text} "
        for (a, b), c in zip(pairwise(padded), padded[2:], strict=False):
            digest = hashlib.blake2b((a + b + c).encode("utf-8", "replace"), digest_size=4).digest()
            vector[int.from_bytes(digest) % self.dimensions] += 1
        return vector / np.float32(np.linalg.norm(vector) or 1)
