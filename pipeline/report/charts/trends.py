"""Charts of how the tone and the number of articles go in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt

from pipeline.report.charts.drawing import AnyChart
from pipeline.report.charts.labels import SIGNED, Grouping, Span, group_name, steps_named
from pipeline.report.charts.palette import LINE, MUTED, NARROW, SERIES, SHAPES, WIDE
from pipeline.report.charts.rows import TrendPoint
from pipeline.report.words import STEPS, Words

FORMATS: dict[Span, str] = {"day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}
TONES = alt.Scale(domain=[-1, 1], nice=False)
TONE_AXIS = alt.Axis(values=[-1, -0.5, 0, 0.5, 1], grid=False, labelExpr=SIGNED)
Row = dict[str, Any]


def tone_chart(
    points: Sequence[TrendPoint],
    words: Words,
    *,
    group: Grouping = "language",
    period: Span = "month",
    width: int = WIDE,
) -> AnyChart:
    """Mean tone of each group by period with its interval, on the plain scale.

    Points are larger and darker the more articles they rest on. Where a period has too few, the line breaks.
    """
    rows = shown(points, words, group, period)
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=_time(rows, period))
    colour, shape = _series(points, words, group)
    low, high = alt.Y("low:Q", scale=TONES), alt.Y2("high")
    tone = alt.Y("tone:Q", scale=TONES, title=words.gettext("tone") if width > NARROW else None, axis=TONE_AXIS)
    band = base.mark_area(opacity=0.14, line=False).encode(low, high, colour, _piece())
    bar = base.mark_rule(opacity=0.35).encode(low, high, colour)
    line = base.mark_line(strokeWidth=2).encode(tone, colour, _piece())
    dots = base.mark_point(filled=True).encode(tone, colour, shape, *_weights(width), tooltip=_told(words))
    return alt.layer(*_scale(words, width), band, bar, line, dots).properties(
        width=width, height=_height(width), autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )


def _weights(width: int) -> tuple[alt.Size, alt.Opacity]:
    """What a point rests on: its size and how dark it is."""
    area = alt.Scale(type="sqrt", range=[25, 220] if width > NARROW else [12, 70], zero=False)
    return (
        alt.Size("n:Q", scale=area, legend=None),
        alt.Opacity("n:Q", scale=alt.Scale(type="sqrt", range=[0.5, 1], zero=False), legend=None),
    )


def volume_chart(
    points: Sequence[TrendPoint],
    words: Words,
    *,
    group: Grouping = "language",
    period: Span = "month",
    width: int = WIDE,
) -> AnyChart:
    """Number of scored articles by period, those of the groups upon each other."""
    rows = [{"period": one.period, "group": group_name(group, one.group, words), "n": one.n} for one in _sorted(points)]
    colour, _shape = _series(points, words, group)
    _ = words.gettext
    number = alt.Y("n:Q", title=_("articles"), axis=alt.Axis(tickMinStep=1, format="d", tickCount=4))
    tips = [_tip("period:N", _("from")), _tip("group:N", _("group")), _tip("n:Q", _("articles"))]
    bars = alt.Chart(alt.InlineData(values=rows)).mark_bar(width=_bar_width(rows, width))
    drawn: AnyChart = bars.encode(_time(rows, period), number, colour, tooltip=tips).properties(
        width=width, height=120, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )
    return drawn


def small_multiples(
    points: Sequence[TrendPoint], words: Words, *, group: Grouping = "outlet", period: Span = "month", width: int = WIDE
) -> AnyChart:
    """The tone of each group by period in a small chart of its own, all on one scale."""
    rows = shown(points, words, group, period)
    columns = 3 if width > NARROW else 2
    base = alt.Chart().encode(x=_time(rows, period, small=True))
    axis = alt.Axis(values=[-1, 0, 1], grid=True, labelExpr=SIGNED)
    tone = alt.Y("tone:Q", scale=TONES, title=None, axis=axis)
    zero = alt.Chart().mark_rule(color=MUTED).encode(y=alt.datum(0, type="quantitative"))
    bar = base.mark_rule(opacity=0.4, color=SERIES[0]).encode(alt.Y("low:Q", scale=TONES), alt.Y2("high"))
    line = base.mark_line(strokeWidth=1.5, color=SERIES[0]).encode(tone, _piece())
    dots = base.mark_point(filled=True, size=35, color=SERIES[0], opacity=1).encode(tone, tooltip=_told(words))
    cell = alt.layer(zero, bar, line, dots).properties(width=(width - 50 - 14 * (columns - 1)) // columns, height=90)
    titled = alt.Facet("group:N", title=None, header=alt.Header(labelAnchor="start", labelLimit=width // columns - 30))
    drawn: AnyChart = cell.facet(titled, data=alt.InlineData(values=rows), columns=columns, spacing=14)
    return drawn


def shown(points: Iterable[TrendPoint], words: Words, group: Grouping, period: Span) -> list[Row]:
    """The points that have a tone, as rows; `piece` numbers each group's stretches without a gap."""
    rows: list[Row] = []
    last: dict[str, tuple[str, int]] = {}
    for one in _sorted(points):
        if one.tone is None or one.interval is None:
            continue
        before, piece = last.get(one.group, ("", 0))
        piece += before != "" and following(before, period) != one.period
        last[one.group] = (one.period, piece)
        low, high = one.interval
        rows.append(
            {
                "period": one.period,
                "group": group_name(group, one.group, words),
                "n": one.n,
                "tone": round(one.tone, 4),
                "low": round(low, 4),
                "high": round(high, 4),
                "piece": f"{one.group}/{piece}",
                "said": words.tone(one.tone),
            }
        )
    return rows


def following(period: str, span: Span) -> str:
    """The first day of the period after the one that begins on this day."""
    start = date.fromisoformat(period)
    if span == "month":
        return date(start.year + start.month // 12, start.month % 12 + 1, 1).isoformat()
    return (start + timedelta(days=7 if span == "week" else 1)).isoformat()


def _sorted(points: Iterable[TrendPoint]) -> list[TrendPoint]:
    return sorted(points, key=lambda one: (one.group, one.period))


def _time(rows: Sequence[Row], period: Span, *, small: bool = False) -> alt.X:
    days = sorted({str(row["period"]) for row in rows})
    few = 2 if small else 8
    step = max(1, -(-len(days) // few))
    axis = alt.Axis(
        values=days[::step], format=FORMATS[period], grid=False, labelOverlap=True, labelFlush=small, labelFontSize=11
    )
    return alt.X("period:T", scale=alt.Scale(type="utc", nice=False, padding=14), title=None, axis=axis)


def _series(points: Iterable[TrendPoint], words: Words, group: Grouping) -> tuple[alt.Color, alt.Shape]:
    names = [group_name(group, one, words) for one in sorted({point.group for point in points})]
    legend = alt.Legend(title=None) if len(names) > 1 else None
    count = len(names)
    colours = [SERIES[at % len(SERIES)] for at in range(count)]
    shapes = [SHAPES[at % len(SHAPES)] for at in range(count)]
    return (
        alt.Color("group:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
        alt.Shape("group:N", scale=alt.Scale(domain=names, range=shapes), legend=legend),
    )


def _piece() -> alt.Detail:
    return alt.Detail("piece:N")


def _scale(words: Words, width: int) -> tuple[alt.Chart, alt.Chart, alt.Chart]:
    """The plain scale behind the data: lines between its steps, the zero line, and a word for each step."""
    steps = alt.Chart(alt.InlineData(values=[{"at": step} for step in STEPS])).mark_rule(color=LINE, strokeDash=[3, 3])
    zero = alt.Chart(alt.InlineData(values=[{"at": 0}])).mark_rule(color=MUTED)
    names = alt.Chart(alt.InlineData(values=steps_named(words))).mark_text(
        align="left", dx=6, fontSize=11 if width > NARROW else 10
    )
    level = alt.Y("at:Q", scale=TONES)
    return (
        steps.encode(y=level),
        zero.encode(y=level),
        names.encode(y=level, x=alt.value("width"), text="step:N"),
    )


def _told(words: Words) -> list[alt.Tooltip]:
    _ = words.gettext
    return [
        _tip("period:N", _("from")),
        _tip("group:N", _("group")),
        _tip("tone:Q", _("tone"), "+.2f"),
        _tip("said:N", _("in words")),
        _tip("low:Q", _("interval from"), "+.2f"),
        _tip("high:Q", _("interval to"), "+.2f"),
        _tip("n:Q", _("articles")),
    ]


def _tip(field: str, title: str, number: str | None = None) -> alt.Tooltip:
    return alt.Tooltip(field, title=title, format=number) if number else alt.Tooltip(field, title=title)


def _height(width: int) -> int:
    return 320 if width > NARROW else 260


def _bar_width(rows: Sequence[Row], width: int) -> float:
    return round(max(1.0, min(28.0, 0.6 * width / max(1, len({row["period"] for row in rows})))), 1)
