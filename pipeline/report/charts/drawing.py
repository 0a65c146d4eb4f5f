"""A chart as Vega-Lite, SVG or PNG, drawn in this process without a browser or the network."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import altair as alt
import vl_convert

from pipeline.report.charts.palette import INK, JAPANESE, LINE, MUTED, PAPER, WESTERN

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.HConcatChart | alt.VConcatChart
VEGA_LITE = "6.4"  # the renderer's version of the schema that altair writes
HAN, CYRILLIC = re.compile("[\u3040-\u30ff\u4e00-\u9fff]"), re.compile("[\u0400-\u04ff]")
DRAWN = 128  # drawings kept


def spec(chart: AnyChart) -> dict[str, Any]:
    """The chart as Vega-Lite with its data, valid against the schema that it names."""
    found: dict[str, Any] = _styled(chart).to_dict()
    found["config"]["font"] = _font(json.dumps(found, ensure_ascii=False))
    return found


def svg(chart: AnyChart) -> str:
    """The chart as SVG, without scripts, styles or links."""
    return _svg(_canonical(chart))


def png(chart: AnyChart, scale: float = 2) -> bytes:
    """The chart as a picture with `scale` pixels for each of its own."""
    return _png(_canonical(chart), scale)


def _canonical(chart: AnyChart) -> str:
    return json.dumps(spec(chart), ensure_ascii=False, sort_keys=True)


@lru_cache(maxsize=DRAWN)
def _svg(text: str) -> str:
    return str(vl_convert.vegalite_to_svg(text, vl_version=VEGA_LITE, allowed_base_urls=[]))


@lru_cache(maxsize=DRAWN)
def _png(text: str, scale: float) -> bytes:
    return bytes(vl_convert.vegalite_to_png(text, vl_version=VEGA_LITE, scale=scale, allowed_base_urls=[]))


def _font(text: str) -> str:
    families = (JAPANESE, WESTERN) if HAN.search(text) and not CYRILLIC.search(text) else (WESTERN, JAPANESE)
    return ", ".join((*families, "sans-serif"))


def _styled(chart: AnyChart) -> Any:
    labels = {"labelColor": MUTED, "titleColor": MUTED, "labelFontSize": 12, "titleFontSize": 12}
    return (
        chart.configure(background=PAPER, padding=6)
        .configure_axis(**labels, titleFontWeight="normal", gridColor=LINE, domainColor=LINE, tickColor=LINE)
        .configure_header(labelColor=INK, labelFontSize=13, labelFontWeight="bold", title=None)
        .configure_legend(
            **labels, titleFontWeight="normal", orient="top", symbolOpacity=1, columnPadding=16, symbolStrokeWidth=0
        )
        .configure_view(stroke=None)
        .configure_text(color=MUTED, fontSize=12)
    )
