"""What training and evaluation tell: files written, tables printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress
from rich.table import Table

from config.codebook import Codebook, LabelledArticle, load_codebook, load_corpus
from config.settings import Settings
from pipeline.analyse.embed import SentenceEmbedder
from pipeline.analyse.heads import Heads, load_heads, save_heads
from pipeline.records import FAMILIES, VOICES
from pipeline.train.articles import Unseen, fit
from pipeline.train.corpus import UNKNOWN, examples
from pipeline.train.measure import macro_f1, micro_f1, ordinal_alpha, spearman

Figures = dict[str, dict[str, float]]
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures by language (and `all`), measured on authors that the heads had not seen."""

    figures: Figures

    def table(self) -> Table:
        """The figures as a table, a line each."""
        table = Table(title="Agreement with the coder, authors unseen in training")
        table.add_column("measure")
        languages = list(self.figures)
        for language in languages:
            table.add_column(language, justify="right")
        for measure in self.figures[ALL]:
            table.add_row(measure, *(f"{self.figures[language][measure]:.3f}" for language in languages))
        return table


@dataclass(frozen=True, kw_only=True)
class Trained(Evaluation):
    """Heads that were written, with their figures."""

    file: Path
    hash: str


def train_heads(settings: Settings, into: Path | None, bar: Progress) -> Trained:
    """Fit the heads for the configured model and write them to `into`, or to the data directory."""
    heads, unseen = _fit(settings, bar)
    figures = measure(unseen)
    heads = replace(heads, about={**heads.about, "figures": figures})
    models = settings.storage.directory() / "models"
    file = into or models / f"heads-{heads.weights}.npz"
    file.parent.mkdir(parents=True, exist_ok=True)
    save_heads(heads, file)
    written = load_heads(file, weights=heads.weights, codebook=heads.codebook)
    return Trained(figures=figures, file=file, hash=written.hash)


def evaluate_heads(settings: Settings, bar: Progress) -> Evaluation:
    """Fit on all authors but some and judge those, in turn, and measure the agreement with the coder."""
    return Evaluation(figures=measure(_fit(settings, bar)[1]))


def _fit(settings: Settings, bar: Progress) -> tuple[Heads, Unseen]:
    codebook, corpus = load_codebook(), load_corpus()
    embedder = SentenceEmbedder(settings.embed, settings.storage.directory() / "models")
    task = bar.add_task("embedding", total=sum(1 for article in corpus for _ in article.passages()))
    embedded = examples(corpus, codebook, embedder, progress=lambda done: bar.advance(task, done))
    return fit(embedded, codebook, weights=embedder.weights)


def measure(unseen: Unseen) -> Figures:
    """All figures, for each language and for all together."""
    languages = sorted({e.source.language for e in unseen.examples})
    return {name: _measure(unseen, name) for name in [*languages, ALL]}


def _measure(unseen: Unseen, language: str) -> dict[str, float]:
    chosen = [i for i, e in enumerate(unseen.examples) if language in (ALL, e.source.language)]
    articles = [i for i in chosen if not unseen.examples[i].single]
    relevant = [i for i in articles if unseen.examples[i].source.relevant]
    tone = [unseen.examples[i].source.tone or 0.0 for i in relevant]
    said = np.clip(unseen.tone[relevant], -1, 1)
    on_topic = [unseen.examples[i].source.relevant for i in articles]
    kept = unseen.relevance[articles] >= unseen.cut
    return {
        "passages": float(sum(len(unseen.coded[i]) for i in chosen)),
        "articles": float(len(articles)),
        "family macro-F1, articles": _family_f1(unseen, relevant),
        "family macro-F1, all passages": _family_f1(unseen, chosen),
        "code micro-F1": _code_f1(unseen, relevant),
        "voice macro-F1": _voice_f1(unseen, chosen),
        "fact micro-F1, articles": _fact_f1(unseen, relevant),
        "relevance F1": float(2 * np.sum(kept & on_topic) / (np.sum(kept) + np.sum(on_topic))),
        "tone Spearman": spearman(tone, said),
        "tone ordinal alpha": ordinal_alpha(tone, said),
        "tone mean absolute error": float(np.abs(said - tone).mean()),
    }


def _family_f1(unseen: Unseen, chosen: Sequence[int]) -> float:
    truth = np.concatenate([unseen.examples[i].families for i in chosen])
    said = [FAMILIES.index(passage.family) for i in chosen for passage in unseen.coded[i]]
    return macro_f1(truth, said, len(FAMILIES))


def _code_f1(unseen: Unseen, chosen: Sequence[int]) -> float:
    truth = np.vstack([unseen.examples[i].codes for i in chosen])
    names = list(load_codebook().codes)
    said = [[name in passage.codes for name in names] for i in chosen for passage in unseen.coded[i]]
    return micro_f1(truth, said)


def _voice_f1(unseen: Unseen, chosen: Sequence[int]) -> float:
    truth = np.concatenate([unseen.examples[i].voices for i in chosen])
    said = np.array([VOICES.index(passage.voice) for i in chosen for passage in unseen.coded[i]])
    return macro_f1(truth[truth != UNKNOWN], said[truth != UNKNOWN], len(VOICES))


def _fact_f1(unseen: Unseen, chosen: Sequence[int]) -> float:
    names = list(load_codebook().facts)
    truth = [unseen.examples[i].facts.any(axis=0) for i in chosen]
    said = [[any(name in passage.facts for passage in unseen.coded[i]) for name in names] for i in chosen]
    return micro_f1(truth, said)


def count_corpus() -> dict[str, Any]:
    """How much labelled text there is, and what is wrong with it."""
    codebook, corpus = load_codebook(), load_corpus()
    counts: Counter[tuple[str, str]] = Counter()
    for article in corpus:
        counts[article.language, "articles"] += article.title is not None
        counts[article.language, "relevant"] += article.title is not None and article.relevant
        for passage in article.passages():
            counts[article.language, "passages"] += 1
            counts[article.language, "neutral"] += not passage.codes
            counts.update((article.language, code) for code in passage.codes)
    rows = ["articles", "relevant", "passages", "neutral", *codebook.codes]
    table = {row: {language: counts[language, row] for language in codebook.languages} for row in rows}
    return {
        "codebook": codebook.name,
        "hash": codebook.hash,
        "counts": table,
        "faults": _faults(codebook, corpus),
    }


def _faults(codebook: Codebook, corpus: Sequence[LabelledArticle]) -> list[str]:
    faults = []
    for article in corpus:
        for passage in article.passages():
            unknown = {*passage.codes} - codebook.codes.keys() | {*passage.facts} - codebook.facts.keys()
            if unknown or (passage.voice and passage.voice not in VOICES):
                faults.append(
                    f"{article.id}: unknown {', '.join(sorted(unknown)) or passage.voice}: {passage.text[:40]}"
                )
    return faults


def corpus_table(counts: dict[str, Any]) -> Table:
    """The counts as a table."""
    table = Table(title=f"Codebook {counts['codebook']} ({counts['hash']})")
    table.add_column("labelled")
    languages = list(next(iter(counts["counts"].values())))
    for language in languages:
        table.add_column(language, justify="right")
    for row, numbers in counts["counts"].items():
        table.add_row(row, *(str(numbers[language]) for language in languages))
    for fault in counts["faults"]:
        table.add_row(f"[red]{fault}")
    return table
