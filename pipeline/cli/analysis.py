"""Commands about judging text: score, train, codebook."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.cli.app import Json, console, errors, print_json, settings_of

codebook_app = typer.Typer(help="The codebook: what is coded, and how well.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("score")(score)
    app.command("train")(train)
    codebook_app.command("check")(check)
    codebook_app.command("agreement")(agreement)
    codebook_app.command("evaluate")(evaluate)
    codebook_app.command("compare")(compare)
    codebook_app.command("pairs")(pairs)
    app.add_typer(codebook_app, name="codebook")


def progress_bar(label: str) -> Progress:
    """A progress bar on stderr, silent where stderr is no terminal."""
    return Progress(
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=not errors.is_terminal,
        transient=True,
    )


def score(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A file of JSON lines, or - for standard input.")],
) -> None:
    """Score given articles: JSON lines in, JSON lines out, in the same order. Needs no database."""
    from pipeline.analyse.judge import load_judge
    from pipeline.collect.languages import identify
    from pipeline.scoring import score_lines

    lines = _lines(file)
    judge = load_judge(settings_of(context))
    faulty = False
    with progress_bar("scoring") as bar:
        for line in score_lines(bar.track(lines, description="scoring"), judge, identify):
            faulty |= "error" in line
            typer.echo(json.dumps(line, ensure_ascii=False))
    raise typer.Exit(1 if faulty else 0)


def _lines(file: str) -> list[str] | Iterable[str]:
    if file == "-":
        return _decoded(sys.stdin.buffer)
    path = Path(file)
    if not path.is_file():
        raise typer.BadParameter(f"{file} does not exist; give a file of JSON lines, or - for standard input")
    return list(_decoded(path.read_bytes().splitlines()))


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    """Bad bytes become U+FFFD, so that one bad line can't stop the others."""
    for number, line in enumerate(lines):
        yield line.removeprefix(b"\xef\xbb\xbf" if number == 0 else b"").decode("utf-8", "replace")


def train(
    context: typer.Context,
    into: Annotated[
        Path | None, typer.Option(help="Where the heads go. Default: the data directory.", show_default=False)
    ] = None,
) -> None:
    """Adapt the configured embedding model to the labelled corpus and train the heads on it."""
    from pipeline.train.report import train_heads

    settings = settings_of(context)
    with progress_bar("training") as bar:
        trained = train_heads(settings, into, bar)
    console.print(trained.evaluation.table())
    console.print(f"heads {trained.hash} written to {trained.file}")


def check(context: typer.Context, as_json: Json = False) -> None:  # noqa: ARG001 - every command takes the context
    """Check the codebook and its corpus, and count what there is for each code and language."""
    from pipeline.train.report import corpus_table, count_corpus

    counts = count_corpus()
    if as_json:
        print_json(counts)
    else:
        console.print(corpus_table(counts))
    raise typer.Exit(1 if counts["faults"] else 0)


def agreement(context: typer.Context, as_json: Json = False) -> None:  # noqa: ARG001 - every command takes the context
    """Show how far two coders agree who labelled the same fifth of the corpus: the ceiling for any model."""
    from pipeline.train.report import agreement_of_coders

    found = agreement_of_coders()
    if as_json:
        print_json(found.groups)
    else:
        console.print(found.table())


def pairs(context: typer.Context, as_json: Json = False) -> None:
    """Show whether sentences with the same words and another verdict are told apart."""
    from pipeline.train.report import evaluate_pairs

    with progress_bar("scoring") as bar:
        found = evaluate_pairs(settings_of(context), bar)
    if as_json:
        print_json(found.groups)
    else:
        console.print(found.table())


def evaluate(
    context: typer.Context,
    labels: Annotated[
        list[Path] | None,
        typer.Argument(help="Labelled articles, as JSON lines. Without any: the corpus, authors unseen in training."),
    ] = None,
    by: Annotated[str, typer.Option(help="language, register, length or tone.")] = "language",
    worst: Annotated[int, typer.Option(help="Also show that many of the worst mistakes.", min=0)] = 0,
    output: Annotated[
        Path | None, typer.Option(help="Keep the figures in this file.", show_default=False, dir_okay=False)
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Show what changed since figures that --output kept.", show_default=False, dir_okay=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure how far scores agree with human coders.

    Without files this trains several times and takes the better part of an hour.
    """
    from pipeline.train.report import GROUPS, evaluate_files, evaluate_unseen

    if by not in GROUPS:
        raise typer.BadParameter(f"--by {by!r} is unknown; choose from {', '.join(GROUPS)}")
    for file in [*(labels or ()), *([against] if against else ())]:
        if not file.is_file():
            raise typer.BadParameter(f"{file} does not exist")
    earlier = json.loads(against.read_text(encoding="utf-8")) if against else None
    settings = settings_of(context)
    with progress_bar("evaluating") as bar:
        found = evaluate_files(settings, labels, by, bar) if labels else evaluate_unseen(settings, by, bar)
    if output:
        found.save(output)
    if as_json:
        print_json(found.groups)
        return
    console.print(found.compared(earlier) if earlier else found.table())
    if worst:
        console.print(found.worst(worst))


def compare(context: typer.Context) -> None:
    """Compare this way of judging with simpler ones, on unseen authors. Takes the better part of an hour."""
    from pipeline.train.report import compare_approaches

    with progress_bar("training") as bar:
        console.print(compare_approaches(settings_of(context), bar))
