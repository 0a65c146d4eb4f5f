"""What the commands print on a terminal."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.passes import PassReport
from storage.queries import Coverage, Explanation, Funnel, Quotation, Similar

if TYPE_CHECKING:
    from pipeline.demo.play import Played
    from pipeline.doctor import Finding

STYLES = {"optimistic": "dark_orange", "vigilant": "cyan", "neutral": "dim"}
SCALE = "vigilant … credulous"
WHOLE = {SCALE, "published", "tone", "omitted"}  # columns that make no sense when they are broken
BAR = 21  # characters of the tone scale; an odd number has a middle


def table_of(title: str, *columns: str, right: Sequence[str] = ()) -> Table:
    """An empty table with its heads."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column in WHOLE)
    return table


def tone_scale(tone: float, low: float, high: float) -> Text:
    """A drawn scale from vigilant (left) to credulous (right) with the interval and the tone on it."""

    def place(value: float) -> int:
        return round((value + 1) / 2 * (BAR - 1))

    marks = ["·"] * BAR
    marks[BAR // 2] = "|"
    for i in range(place(low), place(high) + 1):
        marks[i] = "─"
    marks[place(tone)] = "●"
    style = STYLES["optimistic"] if tone > 0.25 else STYLES["vigilant"] if tone < -0.25 else "white"
    return Text("".join(marks), style=style)


def pass_tables(report: PassReport) -> Iterator[RenderableType]:
    """What a pass did: the feeds that failed by name, the others as counts; what became of the articles."""
    counts = Counter(outcome.outcome for outcome in report.feeds)
    feeds = table_of("Feeds", "outcome", "feeds", "new entries", right=("feeds", "new entries"))
    for outcome, n in sorted(counts.items()):
        new = sum(feed.new for feed in report.feeds if feed.outcome == outcome)
        feeds.add_row(outcome, str(n), str(new))
    yield feeds if report.feeds else "No feed is due."
    failed = [feed for feed in report.feeds if feed.failed or feed.detail]
    if failed:
        table = table_of("Feeds with trouble", "outlet", "feed", "what", "detail")
        for feed in sorted(failed, key=lambda feed: (feed.outcome, feed.outlet)):
            table.add_row(*(escape(value) for value in (feed.outlet, feed.url, feed.outcome, feed.detail)))
        yield table
    if report.counts or report.drops:
        yield outcome_table(report.counts, report.drops)


def outcome_table(counts: Mapping[str, int], drops: Mapping[tuple[str, str], int]) -> Table:
    """What became of articles."""
    table = table_of("Articles", "outcome", "articles", right=("articles",))
    for name, n in counts.items():
        if n:
            table.add_row(name, str(n))
    for (stage, reason), n in sorted(drops.items()):
        table.add_row(f"dropped at {stage}: {reason}", str(n))
    return table


def funnel_table(funnel: Funnel) -> Table:
    """What became of everything that was ever announced."""
    table = table_of("From announced to scored", "step", "n", right=("n",))
    for step in ("announced", "fetched", "articles", "partial", "relevant", "scored", "waiting"):
        table.add_row(step, str(getattr(funnel, step)))
    for (stage, reason), n in funnel.dropped.items():
        table.add_row(f"dropped at {stage}: {reason}", str(n))
    return table


def coverage_table(rows: Iterable[Coverage]) -> Table:
    """Scored articles, a line each."""
    heads = ("published", "outlet", "title", SCALE, "tone", "credulity", "omitted")
    table = table_of("Coverage", *heads, right=("tone", "credulity"))
    for row in rows:
        table.add_row(
            _day(row.at),
            escape(row.outlet),
            escape(row.title) + _cautions(row),
            tone_scale(row.tone, row.tone_low, row.tone_high),
            f"{row.tone:+.2f}",
            "-" if row.credulity is None else f"{row.credulity:.2f}",
            f"{len(row.omitted)}/8",
        )
    return table


def similar_table(rows: Iterable[Similar]) -> Table:
    """Articles by how near they are in meaning, a line each."""
    table = table_of(
        "Similar coverage", "alike", "published", "outlet", "title", SCALE, "tone", right=("alike", "tone")
    )
    for row in rows:
        scale, tone = tone_scale(row.tone, row.tone, row.tone), f"{row.tone:+.2f}"
        alike = f"{row.similarity:.2f}"
        table.add_row(alike, _day(row.at), escape(row.outlet), escape(row.title), scale, tone)
    return table


def _cautions(row: Coverage) -> str:
    """Why the score is to be taken with care, if it is."""
    reasons = [*(["partial"] if row.partial else []), *row.unusual]
    return f" [dim]({', '.join(reasons)})" if reasons else ""


def article_part(row: Coverage, quotations: Sequence[Quotation], most: int | None = None) -> Table:
    """One article with its evidence: quoted passages with code, strength and voice."""
    title = f"{escape(row.title)} — {escape(row.outlet)}, {_day(row.at)}: tone {row.tone:+.2f}"
    table = table_of(title, "passage", "codes", "voice")
    coded = [quotation for quotation in quotations if quotation.codes]
    strongest = sorted(coded, key=lambda q: -max(q.codes.values()))[:most]
    for quotation in sorted(strongest, key=lambda q: q.position):
        table.add_row(Text(quotation.text, style=STYLES[quotation.family]), _codes(quotation.codes), quotation.voice)
    if row.omitted:
        table.add_row(f"[dim]omitted: {', '.join(row.omitted)}", "", "")
    return table


def _codes(codes: Mapping[str, float]) -> str:
    return "\n".join(f"{code} {strength:.2f}" for code, strength in codes.items())


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d}" if time else "-"


def explanation_parts(found: Explanation, evidence: Sequence[Quotation]) -> Iterator[RenderableType]:
    """All that is known of a URL, in the order in which it happened."""
    yield Text(found.url, style="bold")
    shown = {
        "Announced by": (found.feeds, ("outlet", "url", "state", "reason", "last_success_at")),
        "Entries": (found.entries, ("title", "state", "reason", "published_at", "first_seen_at", "attempts")),
        "Fetched": (found.fetches, ("at", "what", "outcome", "status", "bytes", "detail")),
        "Revisions": (found.revisions, ("number", "title", "language", "partial", "extractor", "fetched_at")),
        "Screened": (found.screenings, ("number", "relevant", "value", "reason", "terms", "stamp")),
        "Dropped": (found.drops, ("at", "stage", "reason", "detail")),
        "Scored": (
            found.scores,
            (
                "number",
                "tone",
                "tone_low",
                "tone_high",
                "outlook",
                "scrutiny",
                "credulity",
                "omitted",
                "unusual",
                "stamp",
            ),
        ),
        "Same wire text": (found.lineage, ("outlet", "url", "similarity")),
    }
    for title, (rows, columns) in shown.items():
        if rows:
            yield _rows_table(title, rows, columns)
    if evidence:
        table = table_of("Evidence of the latest score", "passage", "at", "codes", "voice", "context given")
        for q in evidence:
            place = f"{q.part} {q.start}-{q.end}"
            voice, facts = q.voice if q.codes else "", "\n".join(q.facts)
            table.add_row(Text(q.text, style=STYLES[q.family]), place, _codes(q.codes), voice, facts)
        yield table
    yield Text(verdict(found), style="bold")


def verdict(found: Explanation) -> str:
    """In one sentence why the article is in or out."""
    last = found.screenings[-1] if found.screenings else None
    if found.scores and last and last["relevant"]:
        return f"In: scored {found.scores[-1]['tone']:+.2f} by its latest run."
    if last:
        return f"Out: relevance {last['value']:.2f}, {last['reason']}."
    if found.article:
        return "Kept, not judged yet; the next pass judges it."
    if found.drops:
        return f"Out: dropped at {found.drops[-1]['stage']}, {found.drops[-1]['reason']}."
    if found.entries:
        return "Announced, its page has not been read yet."
    return "A feed, or a page that was fetched without becoming an article."


def _rows_table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    table = table_of(title, *columns)
    for row in rows:
        table.add_row(*(escape(_plain(row.get(column))) for column in columns))
    return table


def _plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case float():
            return f"{value:.3f}"
        case list() | tuple():
            return ", ".join(str(part) for part in value)
    return str(value)


def doctor_table(findings: Iterable[Finding]) -> Table:
    """What the doctor found, and what to do."""
    table = table_of("Doctor", "check", "", "finding", "what to do")
    for finding in findings:
        mark = "[green]ok" if finding.ok else "[red]trouble"
        table.add_row(finding.check, mark, escape(finding.found), escape(finding.advice))
    return table


def demo_tables(played: Played) -> Iterator[RenderableType]:
    """The coverage of the sample outlets.

    Outlets, the extremes with their evidence, what was dropped, where it is kept.
    """
    yield from (table for report in played.reports for table in pass_tables(report) if report.counts or report.drops)
    yield coverage_table(played.coverage)
    from pipeline.cli.trends import outlet_table

    yield outlet_table(played.outlets)
    for title, articles in (("Most credulous", played.credulous), ("Most vigilant", played.vigilant)):
        yield Text(title, style="bold reverse")
        yield from (article_part(row, quotations, most=4) for row, quotations in articles)
    yield funnel_table(played.funnel)
    statuses = ", ".join(f"{n} x {status}" for status, n in sorted(played.requests.items()))
    yield f"The sample outlets answered {statuses} (200: sent, 304: not modified)."
    yield f"Coverage is kept in {played.database}"
    yield f"The digest of the day is in {played.digest}"


def next_commands(played: Played, called: str) -> tuple[str, ...]:
    """Command lines that look further into what the demo stored, a comment before each.

    `called`: as what treatywatch was called, which is how the lines call it, too.
    """
    home = played.digest.parent
    name = shlex.quote(called) if Path(called).name == "treatywatch" else "treatywatch"
    at = f"{name} --set {shlex.quote(f'storage.data_dir={home}')}"
    file = {name: shlex.quote(str(home / name)) for name in ("scores.csv", "preview.html")}
    article = [shlex.quote(row.url) for row, _ in played.credulous[:1]]
    return (
        "# the dashboard, at http://127.0.0.1:8080/ until Ctrl-C",
        f"{at} serve --no-scheduler",
        *(("# the evidence of one article", f"{at} explain {article[0]}") if article else ()),
        "# all scores as CSV",
        f"{at} export articles -o {file['scores.csv']}",
        "# the digest as it would be mailed (.html, .txt or .eml; --language ja in Japanese)",
        f"{at} digest --output {file['preview.html']}",
    )
