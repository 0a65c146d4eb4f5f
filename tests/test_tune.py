"""Adapting an encoder: learns, repeats itself, leaves the encoder as it was, and ships as two thin matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.codebook import load_codebook
from config.corpus import LabelledArticle, LabelledPassage
from pipeline.analyse.heads import load_heads, save_heads
from pipeline.analyse.reading import in_context
from pipeline.train.corpus import Example, examples
from pipeline.train.fit import fit
from pipeline.train.targets import targets
from pipeline.train.tune import Lower, Tuned, Tuner

HOPE, DOUBT, FACT = "door open again warm", "door shut trap bait", "they met in town"
VOCABULARY = {word: i for i, word in enumerate(f"pad {HOPE} {DOUBT} {FACT}".split(), 0)}


def labelled(number: int) -> LabelledArticle:
    def passage(text: str, *codes: str) -> LabelledPassage:
        return LabelledPassage(text=text, codes=codes, voice="own" if codes else None, facts=())

    words = [HOPE, DOUBT, FACT] if number % 2 else [FACT, DOUBT, HOPE]
    codes = {HOPE: ("rupture_averted",), DOUBT: ("information_operation",), FACT: ()}
    return LabelledArticle(
        id=f"a{number}", language="en", author=f"w{number % 3}", outlet="o", date="", kind="", relevant=True, tone=0.0,
        title=passage("they met"), paragraphs=(tuple(passage(text, *codes[text]) for text in words),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> Any:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(VOCABULARY) + 1, hidden_size=24, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=48, max_position_embeddings=64, pad_token_id=0,
    )  # fmt: skip
    return BertModel(config, add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def corpus() -> list[Example]:
    return examples([labelled(number) for number in range(12)], load_codebook())


def tuner_of(encoder: Any, corpus: list[Example]) -> Tuner:
    tokens = [[VOCABULARY[word] for word in passage.text.split()] for e in corpus for passage in e.passages]
    return Tuner(encoder, Lower(encoder, tokens, 1, lambda _: None), corpus, load_codebook(), 1)


def tuned(encoder: Any, corpus: list[Example]) -> tuple[Tuned, Any]:
    heard: list[int] = []
    result = tuner_of(encoder, corpus).tune(range(8), range(8, 12), heard.append)
    assert sum(heard) % 8 == 0
    return result


def test_equal_examples_give_equal_results(encoder: Any, corpus: list[Example]) -> None:
    (one, said), (two, again) = tuned(encoder, corpus), tuned(encoder, corpus)
    assert all((one.tuning[name] == two.tuning[name]).all() for name in one.tuning)
    assert (said == again).all()


def test_the_encoder_is_left_as_it_was(encoder: Any, corpus: list[Example]) -> None:
    before = {name: values.clone() for name, values in encoder.state_dict().items()}
    tuned(encoder, corpus)
    after = encoder.state_dict()
    assert after.keys() == before.keys()
    assert all((after[name] == before[name]).all() for name in before)


def test_what_was_learnt_carries_over_to_unseen_articles(encoder: Any, corpus: list[Example]) -> None:
    _, said = tuned(encoder, corpus)
    truth = targets(corpus[8:])
    assert (said[:, :3].argmax(axis=1) == truth.family).mean() > 0.9


def test_added_to_the_weights_the_change_gives_what_training_saw(encoder: Any, corpus: list[Example]) -> None:
    import torch

    result, said = tuned(encoder, corpus)
    modules = dict(encoder.named_modules())
    names = sorted({name.rpartition(".")[0] for name in result.tuning})
    original = {name: modules[name].weight.detach().clone() for name in names}
    with torch.no_grad():
        for name in names:
            modules[name].weight += torch.from_numpy(result.tuning[f"{name}.up"] @ result.tuning[f"{name}.down"])
        inputs = tuner_of(encoder, corpus).inputs(range(8, 12))
        for name in names:
            modules[name].weight.copy_(original[name])
    merged = result.meaning(inputs)
    assert np.abs(merged - said).max() < 0.1 * np.abs(said).max()  # bfloat16 keeps three digits


def test_training_sees_the_same_context_as_scoring(encoder: Any, corpus: list[Example]) -> None:
    inputs = tuner_of(encoder, corpus).inputs([0])
    width = inputs.shape[1] // 3
    assert np.allclose(inputs, in_context(inputs[:, :width]), atol=1e-6)


class Tiny:
    """As much of an embedder as training asks for."""

    weights = "tiny"

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder

    def encoder(self) -> Any:
        return self._encoder

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [[VOCABULARY[word] for word in text.split()] for text in texts]


def test_the_whole_training_gives_heads_that_survive_their_file(encoder: Any, tmp_path: Path) -> None:
    codebook = load_codebook()
    articles = [
        replace(labelled(n), tone=(-0.5, 0.5)[n % 2]) if n % 4 else replace(labelled(n), relevant=False, tone=None)
        for n in range(24)
    ]
    passed = [replace(example, subjects=1) for example in examples(articles, codebook)]
    heard: dict[str, int] = {}
    heads, unseen = fit(passed, codebook, Tiny(encoder), lambda stage, done, _: heard.update({stage: done}))  # type: ignore[arg-type]
    save_heads(heads, tmp_path / "heads.npz")
    loaded = load_heads(tmp_path / "heads.npz", weights="tiny", codebook=codebook.hash)
    assert loaded.linear.keys() == {"meaning", "relevance", "tone", "spread"}
    assert len(heard) == 5  # the reading, three trainings without some authors, one with all
    assert [len(coded) for coded in unseen.coded] == [len(example.passages) for example in passed]
    toned = [i for i, article in enumerate(articles) if article.tone is not None]
    assert np.isfinite(unseen.ratios[toned]).all()
    assert set(np.flatnonzero(np.isnan(unseen.tone)).tolist()).isdisjoint(toned)
