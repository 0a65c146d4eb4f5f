"""Adapt the encoder to the codebook: low-rank changes to its upper layers, learnt together with the heads.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022). The lower layers stay as they are and run
once; the heads start from logistic regressions on the encoder as it came, so that the first steps do not shake it.
Every task of the codebook is learnt at once, and every passage in its article, because the context is half of what a
head looks at.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from config.codebook import Codebook
from pipeline.analyse.heads import Floats, Linear
from pipeline.analyse.reading import AROUND, WHOLE, units
from pipeline.train.corpus import UNKNOWN, Example, Ints
from pipeline.train.passages import fit_meaning
from pipeline.train.targets import CLASSES, Targets, known, targets

RANK, ALPHA = 16, 2.0
EPOCHS = 3
RATE, HEAD_RATE, DECAY = 1e-3, 1e-3, 0.01
WARM_UP = 0.06  # of all steps
BATCH = 1500  # tokens
ROW = 256  # tokens packed into one row
DROPOUT = 0.1
SMOOTHING = 0.05
WEIGHTS = {"family": 1.0, "codes": 2.0, "voice": 0.5, "facts": 0.7, "topic": 0.3}
ADAPTED = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
Watch = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What one training gave: the change of the encoder's weights by name, and the heads on top (units x 3d)."""

    tuning: dict[str, Floats]
    meaning: Linear


class Adapted(nn.Module):
    """A linear layer that stays as it is, plus a product of two thin matrices."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(torch.randn(RANK, layer.in_features) / math.sqrt(layer.in_features))
        self.up = nn.Parameter(torch.zeros(layer.out_features, RANK))

    def forward(self, inputs: Tensor) -> Tensor:
        """The layer's output with the change."""
        change = (inputs @ self.down.t().to(inputs.dtype)) @ self.up.t().to(inputs.dtype)
        return self.layer(inputs) + ALPHA * change  # type: ignore[no-any-return]


class Lower:
    """The lower layers' output for every passage of the examples, in bfloat16: it never changes, so it is made once."""

    def __init__(self, encoder: Any, tokens: Sequence[Sequence[int]], below: int, watch: Watch) -> None:
        self.states: list[Tensor] = [torch.empty(0)] * len(tokens)
        for chunk in _chunks(tokens, 8000):
            self._run(encoder, [tokens[i] for i in chunk], chunk, below)
            watch(len(chunk))

    @torch.no_grad()
    def _run(self, encoder: Any, tokens: list[Sequence[int]], places: list[int], below: int) -> None:
        width = max(map(len, tokens))
        ids = torch.tensor([[*row, *[encoder.config.pad_token_id] * (width - len(row))] for row in tokens])
        seen = torch.arange(width)[None, :] < torch.tensor([[len(row)] for row in tokens])
        with torch.autocast("cpu", torch.bfloat16):
            states = encoder.embeddings(input_ids=ids)
            for layer in encoder.encoder.layer[:below]:
                states = layer(states, _mask(seen[:, None, :]))
        for row, place in zip(states, places, strict=True):
            self.states[place] = row[: len(tokens[places.index(place)])].to(torch.bfloat16).clone()


def _chunks(tokens: Sequence[Sequence[int]], budget: int) -> Iterator[list[int]]:
    """Places of passages of about the same length, at most `budget` tokens together when padded."""
    chunk: list[int] = []
    for place in sorted(range(len(tokens)), key=lambda i: len(tokens[i])):
        if chunk and (len(chunk) + 1) * len(tokens[place]) > budget:
            yield chunk
            chunk = []
        chunk.append(place)
    yield chunk


def _mask(seen: Tensor) -> Tensor:
    """What attention adds to its scores; `seen`: rows x (1 or tokens) x tokens."""
    return torch.zeros(seen.shape, dtype=torch.bfloat16).masked_fill(~seen, -1e9)[:, None]


class Tuner:
    """Trains an encoder's layers from `below` on; each training starts from the encoder as it came."""

    def __init__(self, encoder: Any, lower: Lower, examples: Sequence[Example], codebook: Codebook, below: int) -> None:
        self._layers = encoder.encoder.layer[below:]
        self._lower, self._examples, self._codebook, self._below = lower, examples, codebook, below
        self._starts = np.cumsum([0, *(len(e.passages) for e in examples)]).tolist()
        self._drop = nn.Dropout(DROPOUT)
        for layer in self._layers:
            layer.requires_grad_(False)

    def tune(self, learnt: Sequence[int], judged: Sequence[int], watch: Watch) -> tuple[Tuned, Floats]:
        """Learn from some examples (by number), and give the activations (passages x units) for others.

        `watch` hears how many examples each step has learnt from. Deterministic: equal examples give equal results on
        the same processor and number of threads.
        """
        torch.manual_seed(0)
        truth = targets([self._examples[i] for i in learnt])
        head = Head(fit_meaning(self.inputs(learnt), truth, self._codebook), truth, units(self._codebook))
        adapters = self._adapt()
        try:
            self._descend(learnt, adapters, head, watch)
            meaning = head.linear()
            activations = meaning(self.inputs(judged))
        finally:
            self._restore()
        return Tuned(tuning=_change(adapters, self._below), meaning=meaning), activations

    def inputs(self, chosen: Sequence[int]) -> Floats:
        """What the heads see of the chosen examples' passages (n x 3d), with the layers as they are now."""
        with torch.no_grad():
            parts = [self._encode(part).numpy() for part in _slices(chosen, 12)]
        width = 3 * self._lower.states[0].shape[1]
        return np.vstack([np.empty((0, width), np.float32), *parts])

    def _adapt(self) -> dict[str, Adapted]:
        names = [(number, name) for number in range(len(self._layers)) for name in ADAPTED]
        adapters = {f"{number}.{name}": Adapted(self._layers[number].get_submodule(name)) for number, name in names}
        for number, name in names:
            self._layers[number].set_submodule(name, adapters[f"{number}.{name}"])
        return adapters

    def _restore(self) -> None:
        for layer in self._layers:
            for name in ADAPTED:
                layer.set_submodule(name, layer.get_submodule(name).layer)

    def _descend(self, learnt: Sequence[int], adapters: dict[str, Adapted], head: Head, watch: Watch) -> None:
        thin = [part for adapter in adapters.values() for part in (adapter.down, adapter.up)]
        groups = [{"params": thin, "lr": RATE}, {"params": head.parameters(), "lr": HEAD_RATE}]
        optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)
        shuffled = random.Random(0)  # noqa: S311 - an order, not a secret
        batches = [batch for _ in range(EPOCHS) for batch in self._batches(learnt, shuffled)]
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step, len(batches)))
        for batch in batches:
            truth = targets([self._examples[i] for i in batch])
            loss = head.loss(self._encode(batch, training=True), truth)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(thin, 1.0)
            optimizer.step()
            schedule.step()
            watch(len(batch))

    def _batches(self, learnt: Sequence[int], shuffled: random.Random) -> Iterator[list[int]]:
        order, size = list(learnt), 0
        batch: list[int] = []
        shuffled.shuffle(order)
        for example in order:
            tokens = sum(len(self._lower.states[i]) for i in self._places(example))
            if batch and size + tokens > BATCH:
                yield batch
                batch, size = [], 0
            batch.append(example)
            size += tokens
        yield batch

    def _places(self, example: int) -> range:
        return range(self._starts[example], self._starts[example + 1])

    def _encode(self, examples: Sequence[int], *, training: bool = False) -> Tensor:
        """Vectors of the examples' passages in their context (n x 3d)."""
        places = [place for example in examples for place in self._places(example)]
        rows = list(_rows([self._lower.states[place] for place in places]))
        states, owner = _packed([self._lower.states[place] for place in places], rows)
        with torch.autocast("cpu", torch.bfloat16):
            states = self._drop(states) if training else states
            mask = _mask(owner[:, :, None] == owner[:, None, :])
            for layer in self._layers:
                states = layer(states, mask)
        vectors = _means(states.float(), owner, len(places))
        vectors = self._drop(vectors) if training else vectors
        return _in_context(vectors, [len(self._places(example)) for example in examples])


class Head(nn.Module):
    """All units that judge a passage, and how wrong they are."""

    def __init__(self, start: Linear, truth: Targets, of: dict[str, slice]) -> None:
        super().__init__()
        self._of, self._start = of, start
        self._weights = nn.Parameter(torch.from_numpy(start.weights.copy()))
        self._bias = nn.Parameter(torch.from_numpy(start.bias.copy()))
        self._mean, self._scale = torch.from_numpy(start.mean), torch.from_numpy(start.scale)
        self._balance = {name: _balance(name, truth.of(name), place.stop - place.start) for name, place in of.items()}

    def loss(self, inputs: Tensor, truth: Targets) -> Tensor:
        """The weighted sum of the tasks' cross-entropies. Classes weigh alike whatever their number."""
        activations = functional.linear((inputs - self._mean) / self._scale, self._weights, self._bias)
        losses = [
            weight * self._loss(name, activations[:, self._of[name]], torch.from_numpy(truth.of(name)))
            for name, weight in WEIGHTS.items()
        ]
        return torch.stack(losses).sum()

    def _loss(self, name: str, said: Tensor, goal: Tensor) -> Tensor:
        rows = goal.reshape(len(goal), -1)[:, 0] != UNKNOWN
        if not rows.any():
            return torch.zeros(())
        said, goal, balance = said[rows], goal[rows], self._balance[name]
        if name in CLASSES:
            return functional.cross_entropy(said, goal, weight=balance[0], label_smoothing=SMOOTHING)
        yes = goal.float()
        wrong = functional.binary_cross_entropy_with_logits(said, yes, reduction="none")
        return (wrong * (yes * balance[1] + (1 - yes) * balance[0])).mean()

    def linear(self) -> Linear:
        """The units as plain numbers."""
        weights, bias = (part.detach().numpy().copy() for part in (self._weights, self._bias))
        return Linear(weights=weights, bias=bias, mean=self._start.mean, scale=self._start.scale)


def _balance(name: str, goal: Ints, size: int) -> Tensor:
    """Weights that make every class count alike: (1 x classes), or (no, yes) for each answer."""
    goal = goal[known(goal)]
    if name in CLASSES:
        counts = np.bincount(goal, minlength=size)
        return torch.tensor(len(goal) / len(counts) / np.maximum(counts, 1), dtype=torch.float32)[None]
    share = goal.mean(axis=0).clip(1 / len(goal), 1 - 1 / len(goal))
    return torch.tensor(np.stack([0.5 / (1 - share), 0.5 / share]), dtype=torch.float32)


def _pace(step: int, steps: int) -> float:
    """The learning rate's share of its height: up for WARM_UP of the steps, then down in a line."""
    return min(1.0, (step + 1) / (WARM_UP * steps)) * (1 - step / steps)


def _slices(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _rows(states: Sequence[Tensor]) -> Iterator[list[int]]:
    """Which passages share a row of about ROW tokens, shortest first."""
    row: list[int] = []
    size = 0
    for i in sorted(range(len(states)), key=lambda i: len(states[i])):
        if row and size + len(states[i]) > ROW:
            yield row
            row, size = [], 0
        row.append(i)
        size += len(states[i])
    yield row


def _packed(states: Sequence[Tensor], rows: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
    """The rows' tokens (rows x tokens x d), and which passage each belongs to (rows x tokens; -1: none)."""
    width = max(sum(len(states[i]) for i in row) for row in rows)
    packed = torch.zeros(len(rows), width, states[0].shape[1], dtype=torch.bfloat16)
    owner = torch.full((len(rows), width), -1)
    for number, row in enumerate(rows):
        tokens = torch.cat([states[i] for i in row])
        packed[number, : len(tokens)] = tokens
        owner[number, : len(tokens)] = torch.cat([torch.full((len(states[i]),), i) for i in row])
    return packed, owner


def _means(states: Tensor, owner: Tensor, count: int) -> Tensor:
    """The mean over each passage's tokens, at unit length (count x d)."""
    flat, of = states.flatten(0, 1)[owner.flatten() >= 0], owner.flatten()[owner.flatten() >= 0]
    sums = torch.zeros(count, states.shape[-1]).index_add(0, of, flat)
    return functional.normalize(sums, dim=-1)


def _in_context(vectors: Tensor, lengths: Sequence[int]) -> Tensor:
    """`pipeline.analyse.reading.in_context` for the passages of several articles on end."""
    parts = []
    for own in torch.split(vectors, list(lengths)):
        before = functional.pad(own[:-1], (0, 0, 1, 0))
        after = functional.pad(own[1:], (0, 0, 0, 1))
        whole = own.mean(dim=0, keepdim=True).expand_as(own)
        parts.append(torch.cat([own, float(WHOLE) * whole, float(AROUND) * (before + after) / 2], dim=1))
    return torch.cat(parts)


def _change(adapters: dict[str, Adapted], below: int) -> dict[str, Floats]:
    """Name of the weight in the encoder -> its two factors, as `up` (out x RANK) and `down` (RANK x in)."""
    change: dict[str, Floats] = {}
    for place, adapter in adapters.items():
        number, name = place.split(".", 1)
        change[f"encoder.layer.{int(number) + below}.{name}.up"] = (ALPHA * adapter.up).detach().numpy().copy()
        change[f"encoder.layer.{int(number) + below}.{name}.down"] = adapter.down.detach().numpy().copy()
    return change
