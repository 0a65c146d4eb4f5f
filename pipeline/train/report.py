"""What training and evaluation tell: files written, tables printed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rich.table import Table

from config.codebook import Codebook, load_codebook
from config.corpus import LabelledArticle, load_corpus, load_pairs, read_labelled
from config.invalid import InvalidSettings
from config.settings import Settings
from pipeline.analyse.embed import SentenceEmbedder
from pipeline.analyse.heads import Heads, load_heads, save_heads
from pipeline.analyse.judge import load_judge
from pipeline.analyse.screen import even_threshold
from pipeline.records import VOICES
from pipeline.train.agreement import agreement, paired
from pipeline.train.compare import compare, comparison_table
from pipeline.train.corpus import examples, folds
from pipeline.train.figures import Figures, figures, parity_gap
from pipeline.train.fit import Trainer, Unseen, fit, unseen_said
from pipeline.train.judged import Judged, judged, unseen_judged
from pipeline.train.pairs import pair_figures

ALL = "all"
LENGTHS = ((6, "up to 6 sentences"), (10, "7 to 10 sentences"), (15, "11 to 15 sentences"))
LONGER = "more than 15 sentences"


def _length(article: LabelledArticle) -> str:
    count = sum(1 for _ in article.sentences())
    return next((name for most, name in LENGTHS if count <= most), LONGER)


GROUPS: dict[str, Callable[[LabelledArticle], str]] = {
    "language": lambda article: article.language,
    "register": lambda article: article.kind or "unknown",
    "length": _length,
    "tone": lambda article: "irrelevant" if article.tone is None else f"{article.tone:+.1f}",
}


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures by group (and `all`), on articles that the heads had not learnt from."""

    title: str
    groups: dict[str, Figures]
    judged: Sequence[Judged]

    def save(self, file: Path) -> None:
        """Keep the figures for a later comparison."""
        file.write_text(json.dumps({"title": self.title, "groups": self.groups}, indent=1), encoding="utf-8")

    def table(self) -> Table:
        """The figures as a table, a line each."""
        return _table(self.title, self.groups, lambda group, measure: _cell(self.groups[group].get(measure)))

    def compared(self, earlier: dict[str, Any]) -> Table:
        """The figures with what has changed since an evaluation that was saved."""

        def cell(group: str, measure: str) -> str:
            now, then = self.groups[group].get(measure), earlier["groups"].get(group, {}).get(measure)
            return _cell(now) if now is None or then is None else f"{_cell(now)} ({now - then:+.3f})"

        return _table(f"{self.title}, against {earlier['title']}", self.groups, cell)

    def worst(self, count: int) -> Table:
        """The articles whose tone is farthest from the coder's."""
        table = Table(title="Worst mistakes", title_justify="left")
        for column in ("article", "language", "headline", "coder", "ours"):
            table.add_column(column, overflow="fold")
        toned = [item for item in self.judged if item.toned]
        for item in sorted(toned, key=lambda item: (-abs(_error(item)), item.source.id))[:count]:
            headline = item.source.title.text if item.source.title else ""
            table.add_row(
                item.source.id, item.source.language, headline, f"{item.source.tone:+.1f}", f"{item.tone:+.2f}"
            )
        return table


def _error(item: Judged) -> float:
    return (item.tone or 0.0) - (item.source.tone or 0.0)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value >= 2 and value == int(value) else f"{value:.3f}"


def _table(title: str, groups: dict[str, Figures], cell: Callable[[str, str], str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("measure")
    for group in groups:
        table.add_column(group, justify="right")
    for measure in groups[ALL]:
        table.add_row(measure, *(cell(group, measure) for group in groups))
    return table


def evaluation(title: str, items: Sequence[Judged], heads: Heads, by: str = "language") -> Evaluation:
    """Figures for each group of articles and for all together."""
    names = sorted({GROUPS[by](item.source) for item in items if not item.single})
    parts = {name: [item for item in items if not item.single and GROUPS[by](item.source) == name] for name in names}
    groups = {name: figures(part, heads.residuals) for name, part in parts.items()}
    return Evaluation(title=title, groups=groups | {ALL: figures(items, heads.residuals)}, judged=items)


@dataclass(frozen=True, kw_only=True)
class TrainedHeads:
    """Heads that were written, with their figures on authors unseen in training."""

    evaluation: Evaluation
    file: Path
    hash: str


def train_heads(settings: Settings, into: Path | None, bar: Progress) -> TrainedHeads:
    """Train for the configured model and write the heads to `into`, or to the data directory."""
    heads, unseen = _fit(settings, bar)
    found = evaluation(UNSEEN, unseen_judged(unseen, load_codebook(), even_threshold()), heads)
    heads = replace(heads, about={**heads.about, "figures": found.groups})
    models = settings.storage.directory() / "models"
    file = into or models / f"heads-{heads.weights}.npz"
    file.parent.mkdir(parents=True, exist_ok=True)
    save_heads(heads, file)
    written = load_heads(file, weights=heads.weights, codebook=heads.codebook)
    return TrainedHeads(evaluation=found, file=file, hash=written.hash)


UNSEEN = "Agreement with the coder, authors unseen in training"


def evaluate_unseen(settings: Settings, by: str, bar: Progress) -> Evaluation:
    """Train without some authors and judge those, in turn, and measure the agreement with the coder."""
    heads, unseen = _fit(settings, bar)
    return evaluation(UNSEEN, unseen_judged(unseen, load_codebook(), even_threshold()), heads, by)


def _fit(settings: Settings, bar: Progress) -> tuple[Heads, Unseen]:
    codebook = load_codebook()
    embedder = SentenceEmbedder(settings.embed, settings.storage.directory() / "models")
    return fit(examples(load_corpus(), codebook), codebook, embedder, _stages(bar))


def _stages(bar: Progress) -> Callable[[str, int, int], None]:
    """Shows each stage as a bar of its own."""
    tasks: dict[str, Any] = {}

    def watch(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.advance(tasks[stage], done)

    return watch


def compare_approaches(settings: Settings, bar: Progress) -> Table:
    """What each step from the plainest approach to the one that ships buys, on the same folds."""
    codebook, corpus = load_codebook(), load_corpus()
    embedder = SentenceEmbedder(settings.embed, settings.storage.directory() / "models")
    labelled = examples(corpus, codebook)
    fold = folds(labelled)
    said = unseen_said(Trainer(labelled, codebook, embedder, _stages(bar)), labelled, codebook, fold)
    return comparison_table(compare(labelled, codebook, embedder, said, fold))


def evaluate_files(settings: Settings, files: Iterable[Path], by: str, bar: Progress) -> Evaluation:
    """Score labelled articles as a run would, and measure the agreement with their coder."""
    articles = [article for file in files for article in read_labelled(file)]
    faults = _faults(load_codebook(), articles)
    if faults:
        raise InvalidSettings("\n".join(faults))
    return evaluate_articles(settings, articles, by, bar)


def evaluate_articles(settings: Settings, articles: Sequence[LabelledArticle], by: str, bar: Progress) -> Evaluation:
    """The same for articles at hand; with stories told in several languages, how far their tones lie apart."""
    judge = load_judge(settings)
    task = bar.add_task("scoring", total=len(articles))
    items = list(judged(articles, load_codebook(), judge, watch=lambda done: bar.advance(task, done)))
    found = evaluation(f"Agreement with the coder, {len(items)} articles", items, judge.heads, by)
    gap = parity_gap(items)
    return found if gap != gap else replace(found, groups=_with(found.groups, "parity gap", gap))  # noqa: PLR0124 - NaN


def _with(groups: dict[str, Figures], measure: str, value: float) -> dict[str, Figures]:
    return groups | {ALL: groups[ALL] | {measure: value}}


def agreement_of_coders() -> Evaluation:
    """How far a second coder, who saw no labels, agrees with the corpus."""
    codebook = load_codebook()
    pairs = paired(load_corpus(), load_corpus("recoded"))
    groups = {
        language: agreement([pair for pair in pairs if pair[0].language == language], codebook)
        for language in codebook.languages
    }
    return Evaluation(title="Agreement of two coders", groups=groups | {ALL: agreement(pairs, codebook)}, judged=())


def evaluate_pairs(settings: Settings, bar: Progress) -> Evaluation:
    """Whether sentences with the same words and another verdict are told apart."""
    pairs = load_pairs()
    task = bar.add_task("scoring", total=len(pairs))
    groups = pair_figures(pairs, load_judge(settings), watch=lambda done: bar.advance(task, done))
    return Evaluation(title="Minimal pairs", groups=groups, judged=())


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
            counts[article.language, passage.voice or ""] += bool(passage.codes)
    rows = ["articles", "relevant", "passages", "neutral", *codebook.codes, *VOICES]
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
