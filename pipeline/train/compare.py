"""Compare ways to judge passages and articles on the same author-disjoint folds: what each step buys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from config.codebook import Codebook
from pipeline.analyse.embed import SentenceEmbedder, as_stored
from pipeline.analyse.heads import Floats
from pipeline.analyse.reading import Reading, in_context, units
from pipeline.analyse.score import expected_tone
from pipeline.records import FAMILIES
from pipeline.train.articles import fit_ordinal, fit_ridge, tone_table
from pipeline.train.calibrate import Said
from pipeline.train.corpus import Example, Ints
from pipeline.train.figures import figures
from pipeline.train.fit import Unseen, judge_unseen
from pipeline.train.judged import unseen_judged
from pipeline.train.measure import macro_f1, ordinal_alpha, spearman
from pipeline.train.passages import MEANING, fit_units
from pipeline.train.targets import targets

SHOWN = ("family macro-F1", "code micro-F1", "voice macro-F1", "tone Spearman", "tone ordinal alpha")
ALPHA = 30.0  # of the ridge regression


@dataclass(frozen=True, kw_only=True)
class Row:
    """One approach: figures by language and for `all`."""

    name: str
    groups: dict[str, dict[str, float]]


def compare(
    examples: Sequence[Example], codebook: Codebook, embedder: SentenceEmbedder, said: Said, fold: Ints
) -> list[Row]:
    """All approaches. `said`: by the tuned encoder and by the wording; `embedder`: as it came, not tuned."""
    vectors = [as_stored(embedder.encode([passage.text for passage in e.passages])) for e in examples]
    own, around = np.vstack(vectors), np.vstack([in_context(v) for v in vectors])
    frozen_own = cross(own, examples, codebook, fold, MEANING)
    frozen = cross(around, examples, codebook, fold, MEANING)
    nothing = np.zeros_like(said.meaning)
    approaches = {
        "logistic heads on the encoder as it came, sentence alone": Said(meaning=frozen_own, wording=nothing),
        "the same, sentence in its context": Said(meaning=frozen, wording=nothing),
        "wording alone": Said(meaning=nothing, wording=said.wording),
        "encoder as it came, in context, and wording": Said(meaning=frozen, wording=said.wording),
        "tuned encoder, in context": Said(meaning=said.meaning, wording=nothing),
        "tuned encoder, in context, and wording (ships)": said,
    }
    rows = [_prototypes(own, examples, codebook, embedder)]
    for name, given in approaches.items():
        unseen = judge_unseen(examples, codebook, given, fold)
        rows.append(Row(name=name, groups=_groups(unseen, codebook)))
    return rows + list(_tone_rows(unseen, codebook))


def cross(inputs: Floats, examples: Sequence[Example], codebook: Codebook, fold: Ints, strength: float) -> Floats:
    """Activations (passages x units) of logistic heads that had not seen the passage's author."""
    of = np.repeat(fold, [len(e.passages) for e in examples])
    truth = targets(examples)
    said = np.zeros((len(of), units(codebook)["topic"].stop), np.float32)
    for k in sorted(set(fold.tolist())):
        rest = inputs[of != k]
        mean, scale = rest.mean(axis=0), rest.std()
        weights, bias = fit_units((rest - mean) / scale, truth.rows(of != k), codebook, strength)
        said[of == k] = (inputs[of == k] - mean) / scale @ weights.T + bias
    return said


def _groups(unseen: Unseen, codebook: Codebook) -> dict[str, dict[str, float]]:
    judged = unseen_judged(unseen, codebook, 0.5)
    ratios = np.sort(unseen.ratios[np.isfinite(unseen.ratios)])
    found = {name: figures([j for j in judged if j.source.language == name], ratios) for name in codebook.languages}
    return found | {"all": figures(judged, ratios)}


def _prototypes(own: Floats, examples: Sequence[Example], codebook: Codebook, embedder: SentenceEmbedder) -> Row:
    """The nearest mean of a code's exemplars decides; its counter-exemplars stand for neutral."""
    means, families = [], []
    for code in codebook.codes.values():
        for texts, family in ((code.exemplars, code.family), (code.counter, "neutral")):
            vectors = embedder.encode([text for language in texts.values() for text in language])
            means.append(vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0)))
            families.append([str(f) for f in FAMILIES].index(family))
    said = np.array(families)[(own @ np.array(means).T).argmax(axis=1)]
    ends = np.cumsum([len(e.passages) for e in examples])
    parts = list(zip(examples, np.split(said, ends[:-1]), strict=True))
    groups = {}
    for name in (*codebook.languages, "all"):
        chosen = [
            (e.families[1:], part[1:])
            for e, part in parts
            if not e.single and e.source.relevant and name in ("all", e.source.language)
        ]
        truth, found = (np.concatenate(side) for side in zip(*chosen, strict=True))
        groups[name] = {"family macro-F1": macro_f1(truth, found, len(FAMILIES))}
    return Row(name="zero-shot: nearest exemplars of the codebook", groups=groups)


def _tone_rows(unseen: Unseen, codebook: Codebook) -> Iterator[Row]:
    """Ways to an article's tone, all from the same coded passages."""
    chosen = [i for i, e in enumerate(unseen.examples) if not e.single and e.source.relevant]
    fold = unseen.fold[chosen]
    truth = np.array([unseen.examples[i].source.tone for i in chosen], np.float32)
    languages = np.array([unseen.examples[i].source.language for i in chosen])
    table = tone_table([unseen.examples[i] for i in chosen], [unseen.readings[i] for i in chosen])
    balance = np.array([_balance(unseen.readings[i]) for i in chosen], np.float32)
    ways: dict[str, Callable[[], Floats]] = {
        "tone: mean of optimistic less vigilant passages": lambda: balance,
        "tone: the same, scaled to the coder": lambda: _crossed(balance[:, None], truth, fold),
        "tone: ridge regression": lambda: _crossed(table, truth, fold),
        "tone: ordinal logistic regression (ships)": lambda: _ordinal(table, truth, fold),
    }
    for name, way in ways.items():
        said = np.clip(way(), -1, 1)
        groups = {}
        for language in (*codebook.languages, "all"):
            of = (languages == language) | (language == "all")
            groups[language] = {
                "tone Spearman": spearman(truth[of], said[of]),
                "tone ordinal alpha": ordinal_alpha(truth[of], said[of]),
            }
        yield Row(name=name, groups=groups)


def _balance(reading: Reading) -> float:
    return float((reading.family[:, 0] - reading.family[:, 1]).mean())


def _crossed(inputs: Floats, truth: Floats, fold: Ints) -> Floats:
    said = np.zeros(len(truth), np.float32)
    for k in sorted(set(fold.tolist())):
        said[fold == k] = fit_ridge(inputs[fold != k], truth[fold != k], ALPHA)(inputs[fold == k])[:, 0]
    return said


def _ordinal(inputs: Floats, truth: Floats, fold: Ints) -> Floats:
    said = np.zeros(len(truth), np.float32)
    for k in sorted(set(fold.tolist())):
        said[fold == k] = expected_tone(fit_ordinal(inputs[fold != k], truth[fold != k])(inputs[fold == k]))
    return said


def comparison_table(rows: Sequence[Row]) -> Table:
    """One line an approach; F1 and Spearman for all languages, with each language in brackets."""
    table = Table(title="Approaches, authors unseen in training: all (en / ja / ru)", title_justify="left")
    for column in ("approach", *SHOWN):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row.name, *(_cell(row, measure) for measure in SHOWN))
    return table


def _cell(row: Row, measure: str) -> str:
    if measure not in row.groups["all"]:
        return ""
    each = " / ".join(f"{row.groups[name][measure]:.3f}" for name in row.groups if name != "all")
    return f"{row.groups['all'][measure]:.3f} ({each})"
