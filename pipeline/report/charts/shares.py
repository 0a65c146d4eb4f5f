"""Charts of shares: codes and omitted context by outlet, and in whose voice codes are borne."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from pipeline.report.charts.drawing import AnyChart
from pipeline.report.charts.labels import Grouping, group_name
from pipeline.report.charts.palette import INK, NARROW, PAPER, SHARES, WIDE
from pipeline.report.charts.palette import VOICES as RAMP
from pipeline.report.words import FAMILIES, VOICES, Words
from storage.queries import CodeShare, Omission, VoiceShare

Row = dict[str, Any]
CELL = 26  # pixels of a row
DEEP = 0.71  # of the greatest share: from there on figures stand out better in the colour of the paper
SLANT = 40  # pixels that the last name, standing aslant, may jut out


def code_heat(
    shares: Sequence[CodeShare],
    words: Words,
    titles: Mapping[str, str],
    *,
    group: Grouping = "outlet",
    width: int = WIDE,
) -> AnyChart:
    """Share of each group's articles that bear each code; where there are too few articles the cell stays empty.

    `titles`: code to its name, in the order of the rows.
    """
    return _heat(((one.code, one) for one in shares), words, titles, group, width)


def omission_chart(
    omissions: Sequence[Omission],
    words: Words,
    titles: Mapping[str, str],
    *,
    group: Grouping = "outlet",
    width: int = WIDE,
) -> AnyChart:
    """Share of each group's articles that leave out each context fact; `titles` as for `code_heat`."""
    return _heat(((one.fact, one) for one in omissions), words, titles, group, width)


def voice_chart(
    shares: Sequence[VoiceShare], words: Words, *, group: Grouping = "outlet", width: int = WIDE
) -> AnyChart:
    """In whose voice optimistic and vigilant passages speak, as parts of a whole for each group."""
    rows = _voices(shares, words, group)
    voices = [words.gettext(voice) for voice in VOICES.values()]
    families = [words.gettext(FAMILIES[one]) for one in FAMILIES if words.gettext(FAMILIES[one]) in _of(rows, "family")]
    _ = words.gettext
    part = alt.X(
        "share:Q", stack="zero", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=4)
    )
    colour = alt.Color(
        "voice:N",
        scale=alt.Scale(domain=voices, range=list(RAMP)),
        legend=alt.Legend(title=None, labelLimit=240, columns=_legend_columns(width)),
    )
    tips = [
        alt.Tooltip("group:N", title=_("group")),
        alt.Tooltip("family:N", title=_("family")),
        alt.Tooltip("voice:N", title=_("voice")),
        alt.Tooltip("share:Q", title=_("share"), format=".0%"),
        alt.Tooltip("passages:Q", title=_("passages")),
    ]
    columns = len(families) if width > NARROW else 1
    labels = 170 if width > NARROW else 110
    cell = (width - labels) // max(1, columns) - 40
    names = alt.Y("group:N", title=None, axis=alt.Axis(labelLimit=labels, labelColor=INK, ticks=False, domain=False))
    bars = alt.Chart().mark_bar(height=14).encode(part, names, colour, alt.Order("order:Q"), tooltip=tips)
    drawn: AnyChart = bars.properties(width=cell, height=alt.Step(22)).facet(
        alt.Facet("family:N", sort=families, title=None, header=alt.Header(labelAnchor="start")),
        data=alt.InlineData(values=rows),
        columns=max(1, columns),
        spacing=16,
    )
    return drawn


def _heat(
    shares: Iterable[tuple[str, CodeShare | Omission]],
    words: Words,
    titles: Mapping[str, str],
    group: Grouping,
    width: int,
) -> AnyChart:
    rows = _cells(shares, words, titles, group)
    _ = words.gettext
    columns = sorted(_of(rows, "group"))
    present = [titles[name] for name in titles if titles[name] in _of(rows, "row")]
    place = alt.X("group:N", sort=columns, title=None, axis=_columns(width))
    line = alt.Y("row:N", sort=present, title=None, axis=_lines(width))
    top = max([row["share"] for row in rows], default=1.0)
    scale = alt.Scale(domain=[0, max(top, 0.1)], range=list(SHARES), interpolate="lab")
    legend = alt.Legend(title=_("share of articles"), format=".0%", gradientLength=160, tickCount=3)
    tips = [
        alt.Tooltip("row:N", title=_("what")),
        alt.Tooltip("group:N", title=_("group")),
        alt.Tooltip("share:Q", title=_("share"), format=".0%"),
        alt.Tooltip("low:Q", title=_("interval from"), format=".0%"),
        alt.Tooltip("high:Q", title=_("interval to"), format=".0%"),
        alt.Tooltip("n:Q", title=_("articles")),
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(place, line)
    cells = base.mark_rect(stroke=PAPER, strokeWidth=1).encode(
        alt.Color("share:Q", scale=scale, legend=legend), tooltip=tips
    )
    layers = [cells]
    if width > NARROW:
        dark = alt.condition(f"datum.share > {round(DEEP * max(top, 0.1), 4)}", alt.value(PAPER), alt.value(INK))
        layers.append(base.mark_text(fontSize=11).encode(text="told:N", color=dark))
    return alt.layer(*layers).properties(
        padding={"left": 6, "top": 6, "right": 6 + SLANT, "bottom": 6},
        width=width,
        height=CELL * max(1, len(present)),
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )


def _columns(width: int) -> alt.Axis:
    return alt.Axis(
        orient="top",
        labelAngle=-40,
        labelColor=INK,
        labelLimit=150 if width > NARROW else 110,
        domain=False,
        ticks=False,
    )


def _lines(width: int) -> alt.Axis:
    return alt.Axis(labelLimit=330 if width > NARROW else 150, labelColor=INK, domain=False, ticks=False)


def _cells(
    shares: Iterable[tuple[str, CodeShare | Omission]], words: Words, titles: Mapping[str, str], group: Grouping
) -> list[Row]:
    rows = []
    for name, one in shares:
        if one.share is None or one.interval is None or name not in titles:
            continue
        low, high = one.interval
        rows.append(
            {
                "row": titles[name],
                "group": group_name(group, one.group, words),
                "share": round(one.share, 4),
                "told": str(round(100 * one.share)),
                "low": round(low, 4),
                "high": round(high, 4),
                "n": one.articles,
            }
        )
    return sorted(rows, key=lambda row: (row["row"], row["group"]))


def _voices(shares: Iterable[VoiceShare], words: Words, group: Grouping) -> list[Row]:
    order = list(VOICES)
    rows = [
        {
            "group": group_name(group, one.group, words),
            "family": words.gettext(FAMILIES[one.family]),
            "voice": words.gettext(VOICES[one.voice]),
            "order": order.index(one.voice),
            "share": round(one.share, 4),
            "passages": one.passages,
        }
        for one in shares
        if one.share is not None
    ]
    return sorted(rows, key=lambda row: (str(row["group"]), str(row["family"]), row["order"]))


def _of(rows: Iterable[Row], column: str) -> set[str]:
    return {str(row[column]) for row in rows}


def _legend_columns(width: int) -> int:
    return 3 if width > NARROW else 1
