"""How outlets compare in tone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from pipeline.report.charts.drawing import AnyChart
from pipeline.report.charts.labels import SIGNED, Grouping, group_name, steps_named
from pipeline.report.charts.palette import INK, LINE, MUTED, ROOMY, SCALE, WIDE
from pipeline.report.words import STEPS, Words
from storage.queries import GroupTone

TONES = alt.Scale(domain=[-1, 1], nice=False)
KEY = {"anchor": "start", "frame": "bounds", "fontSize": 12, "fontWeight": "normal", "color": MUTED, "offset": 8}
ROW = 34  # pixels of a group


def outlet_chart(rows: Sequence[GroupTone], words: Words, *, group: Grouping = "outlet", width: int = WIDE) -> AnyChart:
    """Mean tone of each group as a dot with its interval, the most credulous on top; a ring marks it at constant mix.

    Groups with too few articles are left out.
    """
    data = _rows(rows, words, group)
    names = [row["group"] for row in data]
    base = alt.Chart(alt.InlineData(values=data)).encode(
        y=alt.Y("group:N", sort=names, title=None, axis=_names(width)),
    )
    _ = words.gettext
    axis = alt.Axis(values=[-1, -0.5, 0, 0.5, 1], labelExpr=SIGNED, grid=False, orient="top", title=None)
    tone = alt.X("tone:Q", scale=TONES, axis=axis)
    colour = alt.Color("tone:Q", scale=alt.Scale(type="threshold", domain=list(STEPS), range=list(SCALE)), legend=None)
    tips = _told(words)
    bar = base.mark_rule(strokeWidth=3, opacity=0.45).encode(alt.X("low:Q", scale=TONES), alt.X2("high"), colour)
    dot = base.mark_circle(size=130, opacity=1).encode(tone, colour, tooltip=tips)
    ring = base.mark_point(size=150, color=INK, strokeWidth=1.5, opacity=1).encode(
        alt.X("mixed:Q", scale=TONES), tooltip=tips
    )
    number = base.mark_text(align="left", dx=6, fontSize=11).encode(x=alt.value("width"), text="counted:N")
    return alt.layer(*_scale(words, width), bar, ring, dot, number).properties(
        title=_key(words),
        width=width,
        height=ROW * max(1, len(data)),
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )


def _rows(rows: Sequence[GroupTone], words: Words, group: Grouping) -> list[dict[str, Any]]:
    found = []
    for row in sorted(rows, key=lambda row: (-(row.tone or 0), row.group)):
        if row.tone is None or row.interval is None:
            continue
        low, high = row.interval
        found.append(
            {
                "group": group_name(group, row.group, words),
                "n": row.articles,
                "counted": f"n={row.articles}",
                "tone": round(row.tone, 4),
                "low": round(low, 4),
                "high": round(high, 4),
                "said": words.tone(row.tone),
                "mixed": None if row.mixed_tone is None else round(row.mixed_tone, 4),
            }
        )
    return found


def _key(words: Words) -> alt.TitleParams:
    text = words.gettext("\N{BLACK CIRCLE} mean with its interval, \N{WHITE CIRCLE} at constant mix")
    return alt.TitleParams(
        text, anchor="start", frame="bounds", fontSize=12, fontWeight="normal", color=MUTED, offset=8
    )


def _names(width: int) -> alt.Axis:
    return alt.Axis(
        labelLimit=240 if width >= ROOMY else 110, labelColor=INK, ticks=False, domain=False, grid=True, gridColor=LINE
    )


def _scale(words: Words, width: int) -> tuple[alt.Chart, alt.Chart, alt.Chart]:
    """The plain scale behind the data; where it is narrow, only its ends are named."""
    names = steps_named(words)
    if width < ROOMY:
        names = [names[1] | {"at": -0.5}, names[3] | {"at": 0.5}]
    steps = alt.Chart(alt.InlineData(values=[{"at": step} for step in STEPS])).mark_rule(color=LINE, strokeDash=[3, 3])
    zero = alt.Chart(alt.InlineData(values=[{"at": 0}])).mark_rule(color=MUTED)
    told = alt.Chart(alt.InlineData(values=names)).mark_text(baseline="top", dy=6, fontSize=10)
    level = alt.X("at:Q", scale=TONES)
    return steps.encode(x=level), zero.encode(x=level), told.encode(x=level, y=alt.value("height"), text="step:N")


def _told(words: Words) -> list[alt.Tooltip]:
    _ = words.gettext
    return [
        alt.Tooltip("group:N", title=_("group")),
        alt.Tooltip("tone:Q", title=_("tone"), format="+.2f"),
        alt.Tooltip("said:N", title=_("in words")),
        alt.Tooltip("low:Q", title=_("interval from"), format="+.2f"),
        alt.Tooltip("high:Q", title=_("interval to"), format="+.2f"),
        alt.Tooltip("mixed:Q", title=_("at constant mix"), format="+.2f"),
        alt.Tooltip("n:Q", title=_("articles")),
    ]
