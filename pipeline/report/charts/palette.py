"""Colours, sizes and type of the charts; the style sheet of the pages has the same tokens."""

from __future__ import annotations

from collections.abc import Mapping

PAPER, INK, MUTED, LINE = "#ffffff", "#1d1f24", "#565a63", "#d9d5c9"
# From vigilant to credulous: violet and orange stay apart for every common colour blindness.
SCALE = ("#46308c", "#7a66b8", "#77746c", "#b86a10", "#8f4300")
# Colours of groups are none of the scale's. Beside its colour every group has its own shape.
SERIES = ("#1b6ca8", "#b3305c", "#7a8b1e", "#00857a", "#6b4f3a", "#4f545c")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
SHARES = ("#eef2f4", "#bcd3dc", "#7faebf", "#3c7f97", "#0f4c63")
VOICES = ("#3d4f60", "#8ba1b4", "#d3dce4")
# The same on dark paper.
DARK: Mapping[str, str] = {
    PAPER: "#1b1e24",
    INK: "#ebe8e1",
    MUTED: "#aeb1b8",
    LINE: "#363b44",
    **dict(zip(SCALE, ("#a995f0", "#8f80cf", "#8d8a83", "#d98a2e", "#f3a549"), strict=True)),
    **dict(zip(SERIES, ("#74b8ec", "#f07fa3", "#c0d05c", "#4cc9bc", "#c9a88e", "#a3a9b3"), strict=True)),
    **dict(zip(SHARES, ("#20272e", "#24404c", "#2b5e70", "#4488a0", "#a6d8e6"), strict=True)),
    **dict(zip(VOICES, ("#cfdbe6", "#7d93a6", "#44525f"), strict=True)),
}
# Names of the tokens in the style sheet.
TOKENS: Mapping[str, str] = {
    "--raised": PAPER,
    "--ink": INK,
    "--soft": MUTED,
    "--line": LINE,
    **{f"--tone-{step}": colour for step, colour in enumerate(SCALE)},
}
# Browsers look for each character in one family after the other. The renderer of PNG takes the first that is there
# for the whole chart, and anything at all for characters that it lacks; so where kana or kanji stand and no Cyrillic,
# which Japanese families draw wide, those come first.
WESTERN = "'Noto Sans', 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans'"
JAPANESE = "'Noto Sans CJK JP', 'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic', Meiryo, IPAGothic"
BROAD, WIDE, NARROW = 1120, 880, 350  # pixels of a chart on a desk, on a small screen or paper, and on a telephone
ROOMY = 600  # pixels from which on all five steps of the scale can be named side by side
