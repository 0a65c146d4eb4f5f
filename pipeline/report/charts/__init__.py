"""One definition of each chart, for pages, mails and documents; alt texts say the same in words.

`tone_chart(points, words)` and its like make a chart of read models, `svg`, `png` and `spec` draw it. Nothing here
reads a database or the network. Equal rows give equal bytes.
"""

from __future__ import annotations

from pipeline.report.charts.alt import (
    alt_heat,
    alt_omissions,
    alt_outlets,
    alt_tone,
    alt_voices,
    alt_volume,
)
from pipeline.report.charts.drawing import AnyChart, png, spec, svg
from pipeline.report.charts.palette import NARROW, TOKENS, WIDE
from pipeline.report.charts.shares import code_heat, omission_chart, voice_chart
from pipeline.report.charts.tones import outlet_chart
from pipeline.report.charts.trends import small_multiples, tone_chart, volume_chart

__all__ = [
    "NARROW",
    "TOKENS",
    "WIDE",
    "AnyChart",
    "alt_heat",
    "alt_omissions",
    "alt_outlets",
    "alt_tone",
    "alt_voices",
    "alt_volume",
    "code_heat",
    "omission_chart",
    "outlet_chart",
    "png",
    "small_multiples",
    "spec",
    "svg",
    "tone_chart",
    "voice_chart",
    "volume_chart",
]
