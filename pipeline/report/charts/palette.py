"""Colours, sizes and type of the charts; the style sheet of the pages uses the same tokens under the same names."""

from __future__ import annotations

from collections.abc import Mapping

PAPER, INK, MUTED, LINE = "#ffffff", "#1b1f24", "#5b6470", "#d9dee4"
# Blue and orange stay apart for every common colour blindness: https://jfly.uni-koeln.de/color/
VIGILANT, BALANCED, CREDULOUS = "#1f5f99", "#6b7280", "#b8500a"
SCALE = (VIGILANT, "#6d9cc6", "#8a9099", "#d98d4f", CREDULOUS)
# Beside its colour every group has its own shape.
SERIES = ("#0a5c8f", "#c2540a", "#00805e", "#8a3f86", "#7a6200", "#4a4f57")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
SHARES = ("#f4f1ec", "#e6c9ab", "#d2935a", "#ab5a1c", "#6e3208")
# Names that the style sheet gives these colours in `:root`.
TOKENS: Mapping[str, str] = {
    "--paper": PAPER,
    "--ink": INK,
    "--muted": MUTED,
    "--line": LINE,
    "--vigilant": VIGILANT,
    "--balanced": BALANCED,
    "--credulous": CREDULOUS,
}
# Browsers look for each character in one family after the other. The renderer of PNG takes the first that is there
# for the whole chart, and anything at all for characters that it lacks; so where kana or kanji stand and no Cyrillic,
# which Japanese families draw wide, those come first.
WESTERN = "'Noto Sans', 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans'"
JAPANESE = "'Noto Sans CJK JP', 'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic', Meiryo, IPAGothic"
WIDE, NARROW = 880, 350  # pixels of a chart on a desk and on a telephone
