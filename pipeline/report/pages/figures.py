"""The charts of the pages, each with its rows for a table and a file, and its words for who does not see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from config.sections import ReportSettings
from pipeline.report import charts
from pipeline.report.charts import AnyChart
from pipeline.report.charts.labels import group_name
from pipeline.report.pages.names import codebook
from pipeline.report.words import FAMILIES, VOICES, Words
from storage import queries
from storage.queries import Filter, Period

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a chart is to show, and the words to show it in."""

    connection: Connection
    wanted: Filter
    period: Period
    report: ReportSettings
    words: Words

    @property
    def least(self) -> dict[str, Any]:
        """What a group must have for figures, and the level of intervals."""
        return {"min_n": self.report.min_n, "level": self.report.level}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One chart. `alt`: what it shows, in sentences; `columns` and `rows`: the same as a table, in words.

    `records`: the read models themselves; `drawn`: whether there is anything to draw; `draw`: the chart in a width.
    """

    name: str
    alt: str
    columns: Cells
    rows: Sequence[Cells]
    records: Sequence[Any]
    drawn: bool
    draw: Callable[[int], AnyChart]


def tone(asked: Question) -> Figure:
    """Mean tone of each language by period."""
    points = queries.trend(asked.connection, asked.wanted, period=asked.period, group="language", **asked.least)
    return _trend("tone", points, asked, charts.tone_chart)


def volume(asked: Question) -> Figure:
    """Number of articles of each language by period."""
    points = queries.trend(asked.connection, asked.wanted, period=asked.period, group="language", **asked.least)
    words = asked.words
    return Figure(
        name="volume",
        alt=charts.alt_volume(points, words, period=asked.period),
        columns=(words.gettext("from"), words.gettext("language"), words.gettext("articles")),
        rows=[(one.period, group_name("language", one.group, words), words.number(one.n)) for one in points],
        records=points,
        drawn=bool(points),
        draw=lambda width: charts.volume_chart(points, words, period=asked.period, width=width),
    )


def outlets_in_time(asked: Question) -> Figure:
    """The tone of each outlet by period, in small charts; without outlets that never have enough articles."""
    points = queries.trend(asked.connection, asked.wanted, period=asked.period, group="outlet", **asked.least)
    known = {one.group for one in points if one.tone is not None}
    shown = [one for one in points if one.group in known]
    return _trend("outlets-in-time", shown, asked, charts.small_multiples, group="outlet")


def _trend(
    name: str, points: Sequence[Any], asked: Question, chart: Callable[..., AnyChart], group: Any = "language"
) -> Figure:
    words, how = asked.words, {"group": group, "period": asked.period}
    heads = ("from", group, "tone", "in words", "interval", "articles")
    return Figure(
        name=name,
        alt=charts.alt_tone(points, words, **how),
        columns=tuple(words.gettext(head) for head in heads),
        rows=[
            (one.period, group_name(group, one.group, words), *_tone(one, words), words.number(one.n)) for one in points
        ],
        records=points,
        drawn=any(one.tone is not None for one in points),
        draw=lambda width: chart(points, words, width=width, **how),
    )


def outlets(asked: Question) -> Figure:
    """Mean tone of each outlet, as it is and at constant mix."""
    rows = queries.by_group(asked.connection, asked.wanted, group="outlet", **asked.least)
    words = asked.words
    heads = ("outlet", "tone", "in words", "interval", "at constant mix", "interval", "articles")
    return Figure(
        name="outlets",
        alt=charts.alt_outlets(rows, words),
        columns=tuple(words.gettext(head) for head in heads),
        rows=[(row.group, *_tone(row, words), *_mixed(row, words), words.number(row.articles)) for row in rows],
        records=rows,
        drawn=any(row.tone is not None for row in rows),
        draw=lambda width: charts.outlet_chart(rows, words, width=width),
    )


def _tone(one: Any, words: Words) -> Cells:
    if one.tone is None:
        return ("", "", "")
    return words.tone_number(one.tone), words.tone(one.tone), words.interval(*one.interval)


def _mixed(row: Any, words: Words) -> Cells:
    if row.mixed_tone is None:
        return ("", "")
    return words.tone_number(row.mixed_tone), words.interval(*row.mixed_interval) if row.mixed_interval else ""


def codes(asked: Question) -> Figure:
    """Share of each outlet's articles that bear each code."""
    shares = queries.code_shares(asked.connection, asked.wanted, group="outlet", **asked.least)
    titles = {code.id: asked.words.gettext(code.title) for code in codebook().codes.values()}
    return _shares(
        "codes", shares, ((one.code, one) for one in shares), titles, asked, charts.code_heat, charts.alt_heat
    )


def omitted(asked: Question) -> Figure:
    """Share of each outlet's articles that leave out each context fact."""
    found = queries.omissions(asked.connection, asked.wanted, group="outlet", **asked.least)
    titles = {fact: asked.words.gettext(said) for fact, said in codebook().facts.items()}
    named = ((one.fact, one) for one in found)
    return _shares("omitted", found, named, titles, asked, charts.omission_chart, charts.alt_omissions)


def _shares(
    name: str,
    records: Sequence[Any],
    named: Iterable[tuple[str, Any]],
    titles: Mapping[str, str],
    asked: Question,
    chart: Callable[..., AnyChart],
    alt: Callable[..., str],
) -> Figure:
    words = asked.words
    heads = ("outlet", "what", "share of articles", "interval", "articles")
    return Figure(
        name=name,
        alt=alt(records, words, titles),
        columns=tuple(words.gettext(head) for head in heads),
        rows=[
            (one.group, titles.get(what, what), *_share(one, words), words.number(one.articles)) for what, one in named
        ],
        records=records,
        drawn=any(one.share is not None for one in records),
        draw=lambda width: chart(records, words, titles, width=width),
    )


def _share(one: Any, words: Words) -> Cells:
    if one.share is None or one.interval is None:
        return ("", "")
    low, high = one.interval
    return words.percent(one.share), f"[{words.percent(low)}, {words.percent(high)}]"


def voices(asked: Question) -> Figure:
    """In whose voice the passages of each outlet speak."""
    shares = queries.voice_shares(asked.connection, asked.wanted, group="outlet", min_n=asked.report.min_n)
    leaning = [one for one in shares if one.family != "neutral"]
    words = asked.words
    heads = ("outlet", "family", "voice", "share", "passages")
    return Figure(
        name="voices",
        alt=charts.alt_voices(leaning, words),
        columns=tuple(words.gettext(head) for head in heads),
        rows=list(_voices(leaning, words)),
        records=leaning,
        drawn=any(one.share is not None for one in leaning),
        draw=lambda width: charts.voice_chart(leaning, words, width=width),
    )


def _voices(shares: Iterable[Any], words: Words) -> Iterator[Cells]:
    for one in shares:
        share = "" if one.share is None else words.percent(one.share)
        family, voice = words.gettext(FAMILIES[one.family]), words.gettext(VOICES[one.voice])
        yield one.group, family, voice, share, words.number(one.passages)


FIGURES: Mapping[str, Callable[[Question], Figure]] = {
    "tone": tone,
    "volume": volume,
    "outlets": outlets,
    "outlets-in-time": outlets_in_time,
    "codes": codes,
    "omitted": omitted,
    "voices": voices,
}


def as_records(figure: Figure) -> Iterator[dict[str, Any]]:
    """The read models of a figure as flat rows; an interval takes two columns."""
    for record in figure.records:
        flat: dict[str, Any] = {}
        for name, value in asdict(record).items():
            if name.endswith("interval"):
                flat[f"{name}_low"], flat[f"{name}_high"] = value or (None, None)
            else:
                flat[name] = value
        yield flat
