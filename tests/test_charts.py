"""Charts show what the rows hold, and nothing that has too few articles."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import altair
import numpy as np
import pytest
from altair.vegalite.v6.schema.core import load_schema
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from config.codebook import load_codebook
from pipeline.report import charts
from pipeline.report.charts import trends
from pipeline.report.charts.palette import SERIES
from pipeline.report.words import Words, each_tongue
from tests.pixels import close, pixels

EN, JA = Words("en"), Words("ja")
TITLES = {code.id: code.title for code in load_codebook().codes.values()}
FACTS = dict(load_codebook().facts)


@dataclass(frozen=True, kw_only=True)
class Point:
    period: str
    group: str
    n: int = 20
    tone: float | None = 0.5
    interval: tuple[float, float] | None = (0.4, 0.6)


@dataclass(frozen=True, kw_only=True)
class Tone:
    group: str
    articles: int = 40
    tone: float | None = 0.5
    interval: tuple[float, float] | None = (0.4, 0.6)
    mixed_tone: float | None = 0.45
    mixed_interval: tuple[float, float] | None = (0.3, 0.6)


@dataclass(frozen=True, kw_only=True)
class Share:
    group: str
    code: str = "face_value"
    fact: str = "islands"
    articles: int = 40
    share: float | None = 0.25
    interval: tuple[float, float] | None = (0.2, 0.3)


@dataclass(frozen=True, kw_only=True)
class Voiced:
    group: str
    family: str = "optimistic"
    voice: str = "own"
    passages: int = 30
    share: float | None = 1.0


FEW: dict[str, Any] = {"tone": None, "interval": None}
MONTHS = ("2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01")
POINTS = (
    *(Point(period=month, group="en", tone=-0.5, interval=(-0.6, -0.4)) for month in MONTHS),
    Point(period=MONTHS[0], group="ja"),
    Point(period=MONTHS[1], group="ja", n=3, **FEW),
    Point(period=MONTHS[2], group="ja"),
    Point(period=MONTHS[3], group="ja"),
)
TONES = (
    Tone(group="Meridian", tone=-0.3, interval=(-0.4, -0.2)),
    Tone(group="朝日報"),
    Tone(group="Few", articles=4, **FEW),
)
SHARES = (Share(group="Meridian"), Share(group="朝日報", share=0.9), Share(group="Few", share=None, interval=None))
VOICES = (Voiced(group="Meridian", share=0.4), Voiced(group="Meridian", voice="quoted_bare", share=0.6))


def every_chart(words: Words, width: int = charts.WIDE) -> dict[str, charts.AnyChart]:
    return {
        "tone": charts.tone_chart(POINTS, words, width=width),
        "volume": charts.volume_chart(POINTS, words, width=width),
        "small": charts.small_multiples(POINTS, words, group="language", width=width),
        "outlets": charts.outlet_chart(TONES, words, width=width),
        "codes": charts.code_heat(SHARES, words, TITLES, width=width),
        "facts": charts.omission_chart(SHARES, words, FACTS, width=width),
        "voices": charts.voice_chart(VOICES, words, width=width),
    }


NAMES = sorted(every_chart(EN))


def rows_of(chart: charts.AnyChart) -> list[dict[str, Any]]:
    """The data in a chart, of all its layers."""
    return [row for rows in charts.spec(chart)["datasets"].values() for row in rows]


def label_text(svg: str) -> str:
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("words", [EN, JA], ids=["en", "ja"])
@pytest.mark.parametrize("width", [charts.WIDE, charts.NARROW])
def test_a_chart_is_valid_vega_lite(name: str, words: Words, width: int) -> None:
    spec = charts.spec(every_chart(words, width)[name])
    assert spec["$schema"].endswith(f"{altair.SCHEMA_VERSION}.json")
    Draft7Validator(load_schema()).validate(json.loads(json.dumps(spec)))


@pytest.mark.parametrize("name", NAMES)
def test_equal_rows_give_equal_bytes_in_any_order(name: str) -> None:
    drawn = charts.svg(every_chart(EN)[name])
    backwards = {
        "tone": charts.tone_chart(POINTS[::-1], EN),
        "volume": charts.volume_chart(POINTS[::-1], EN),
        "small": charts.small_multiples(POINTS[::-1], EN, group="language"),
        "outlets": charts.outlet_chart(TONES[::-1], EN),
        "codes": charts.code_heat(SHARES[::-1], EN, TITLES),
        "facts": charts.omission_chart(SHARES[::-1], EN, FACTS),
        "voices": charts.voice_chart(VOICES[::-1], EN),
    }
    assert charts.svg(backwards[name]) == drawn


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [charts.WIDE, charts.NARROW])
def test_a_drawing_fits_its_width_and_may_be_shown_under_the_policy(name: str, width: int) -> None:
    svg = charts.svg(every_chart(EN, width)[name])
    assert float(re.findall(r'<svg[^>]* width="([0-9.]+)"', svg)[0]) <= width
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|xlink:href|<foreignObject|url\(http", svg)


def test_points_with_too_few_articles_are_absent_and_break_the_line() -> None:
    rows = trends.shown(POINTS, EN, "language", "month")
    assert {(row["group"], row["period"]) for row in rows} == {
        *(("English", month) for month in MONTHS),
        ("Japanese", MONTHS[0]),
        ("Japanese", MONTHS[2]),
        ("Japanese", MONTHS[3]),
    }
    assert [row["piece"] for row in rows if row["group"] == "Japanese"] == ["ja/0", "ja/1", "ja/1"]
    assert {row["piece"] for row in rows if row["group"] == "English"} == {"en/0"}


@pytest.mark.parametrize(
    ("period", "span", "then"),
    [
        ("2024-12-01", "month", "2025-01-01"),
        ("2024-01-01", "month", "2024-02-01"),
        ("2024-02-26", "week", "2024-03-04"),
        ("2024-02-28", "day", "2024-02-29"),
    ],
)
def test_the_next_period_begins_where_this_one_ends(period: str, span: Any, then: str) -> None:
    assert trends.following(period, span) == then


@pytest.mark.parametrize("name", ["outlets", "codes", "facts"])
def test_groups_with_too_few_articles_are_not_drawn(name: str) -> None:
    chart = every_chart(EN)[name]
    assert {row["group"] for row in rows_of(chart) if "group" in row} == {"Meridian", "朝日報"}
    assert "Few" not in label_text(charts.svg(chart))


def test_outlets_stand_in_the_order_of_their_tone() -> None:
    told = label_text(charts.svg(charts.outlet_chart(TONES, EN)))
    assert told.index("朝日報") < told.index("Meridian")
    assert "n=40" in told


def test_words_of_the_plain_scale_stand_at_the_axis_in_the_readers_language() -> None:
    for words in (EN, JA):
        told = label_text(charts.svg(charts.tone_chart(POINTS, words)))
        steps = {words.tone(tone) for tone in (-1, -0.5, 0, 0.5, 1)}
        assert {step for step in steps if step not in told} == set()


def test_a_japanese_chart_says_nothing_in_english() -> None:
    for name, chart in every_chart(JA).items():
        told = json.dumps([charts.spec(chart)], ensure_ascii=False)
        titles = set(re.findall(r'"title": "([^"]+)"', told))
        assert {title for title in titles if re.search("[a-z]", title)} == set(), name


@pytest.mark.parametrize("name", NAMES)
def test_no_chart_fails_on_no_rows(name: str) -> None:
    empty = {
        "tone": charts.tone_chart((), EN),
        "volume": charts.volume_chart((), EN),
        "small": charts.small_multiples((), EN),
        "outlets": charts.outlet_chart((), EN),
        "codes": charts.code_heat((), EN, TITLES),
        "facts": charts.omission_chart((), EN, FACTS),
        "voices": charts.voice_chart((), EN),
    }
    assert charts.svg(empty[name]).startswith("<svg")


def test_the_picture_has_each_groups_colour_on_its_side_of_the_zero_line() -> None:
    picture = pixels(charts.png(charts.tone_chart(POINTS, EN), scale=1))
    plot = picture[40:, :700]  # below the legend, left of the words
    heights = [np.nonzero(close(plot, colour, 12))[0].mean() / len(plot) for colour in SERIES[:2]]
    english, japanese = heights
    assert japanese < 0.5 < english


def test_kana_and_kanji_are_drawn_as_different_shapes_not_as_one_box() -> None:
    """A font without them would draw the same box for each."""
    drawn = [
        charts.png(charts.outlet_chart((Tone(group=name),), JA), 1) for name in ("朝日新聞", "北海道報", "あいうえ")
    ]
    names = [(pixels(one)[:, :100, :3].sum(axis=2) < 300) for one in drawn]
    height = min(len(one) for one in names)
    assert all(one.any() for one in names)
    assert not any((names[0][:height] == other[:height]).all() for other in names[1:])


def test_a_bigger_scale_gives_more_pixels_of_the_same_picture() -> None:
    chart = charts.volume_chart(POINTS, EN)
    small, large = pixels(charts.png(chart, 1)), pixels(charts.png(chart, 2))
    assert large.shape[:2] == (2 * small.shape[0], 2 * small.shape[1])


def test_colours_can_be_told_apart_by_those_who_see_no_red_or_green() -> None:
    """Viénot, Brettel and Mollon 1999: what is left of a colour without the red or the green cones."""
    red_blind = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    green_blind = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    colours = np.array([[int(one[at : at + 2], 16) / 255 for at in (1, 3, 5)] for one in SERIES[:3]]) ** 2.2
    for lost in (red_blind, green_blind):
        seen = np.clip(colours @ lost.T, 0, 1) ** (1 / 2.2)
        apart = [np.linalg.norm(seen[one] - seen[other]) for one in range(3) for other in range(one)]
        assert min(apart) > 0.1


@pytest.mark.parametrize("tongue", each_tongue())
def test_alternative_texts_hold_the_figures(tongue: Any) -> None:
    words = Words(tongue)
    told = charts.alt_tone(POINTS, words)
    assert all(figure in told for figure in ("−0.50", "+0.50", "2024-01", "2024-04", "20", words.tone(0.5)))
    volume = charts.alt_volume(POINTS, words)
    assert "143" in volume
    assert "63" in volume
    assert "80" in volume
    outlets = charts.alt_outlets(TONES, words)
    assert all(figure in outlets for figure in ("+0.50", "[−0.40, −0.20]", "Few (4)"))
    assert "None" not in told + volume + outlets
    assert f"90{'' if tongue == 'ja' else ' '}%" in charts.alt_heat(SHARES, words, TITLES)
    assert words.gettext("the outlet's own voice") in charts.alt_voices(VOICES, words)


def test_alternative_texts_are_all_japanese_for_japanese_readers() -> None:
    named = {"Meridian", "Few", "n", *re.findall("[A-Za-z]+", " ".join((*TITLES.values(), *FACTS.values())))}
    told = (
        charts.alt_tone(POINTS, JA),
        charts.alt_tone(POINTS[:1], JA),
        charts.alt_volume(POINTS, JA),
        charts.alt_outlets(TONES, JA),
        charts.alt_heat(SHARES, JA, TITLES),
        charts.alt_omissions(SHARES, JA, FACTS),
        charts.alt_voices(VOICES, JA),
        *(empty(JA) for empty in (_no_tone, _no_volume, _no_outlets, _no_shares, _no_voices)),
    )
    assert {word for text in told for word in re.findall("[A-Za-z]+", text)} <= named


def _no_tone(words: Words) -> str:
    return charts.alt_tone((), words)


def _no_volume(words: Words) -> str:
    return charts.alt_volume((), words)


def _no_outlets(words: Words) -> str:
    return charts.alt_outlets((), words)


def _no_shares(words: Words) -> str:
    return charts.alt_heat((), words, TITLES)


def _no_voices(words: Words) -> str:
    return charts.alt_voices((), words)
