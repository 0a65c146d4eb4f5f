from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from importlib.resources import files
from io import BytesIO

import pytest
from babel.messages.pofile import read_po

from pipeline.report.words import SCALE, Words, each_tongue


@pytest.mark.parametrize(
    ("tone", "step"), [(-1, 0), (-0.76, 0), (-0.75, 1), (-0.25, 2), (0, 2), (0.25, 3), (0.75, 4), (1, 4)]
)
def test_a_tone_is_put_on_a_scale_of_five_steps(tone: float, step: int) -> None:
    assert Words("en").tone(tone) == SCALE[step]


def test_the_scale_is_told_in_japanese() -> None:
    words = Words("ja")
    assert len({words.tone(tone) for tone in (-1, -0.5, 0, 0.5, 1)} - set(SCALE)) == len(SCALE)


@pytest.mark.parametrize(("tone", "shown"), [(0.456, "+0.46"), (-0.5, "−0.50"), (0.001, "0.00"), (-0.001, "0.00")])
def test_a_tone_is_shown_with_its_sign(tone: float, shown: str) -> None:
    assert Words("en").tone_number(tone) == shown


def test_dates_and_countries_are_told_in_the_readers_language() -> None:
    en, ja = (Words(tongue) for tongue in each_tongue())
    assert (en.day(date(2026, 11, 24)), ja.day(date(2026, 11, 24))) == ("November 24, 2026", "2026年11月24日")
    assert en.moment(datetime(2026, 11, 24, 7, 5, tzinfo=UTC)).endswith("UTC")
    assert (en.country("JP"), ja.country("JP"), ja.country("??")) == ("Japan", "日本", "??")


def test_what_has_no_translation_is_shown_as_it_is() -> None:
    assert Words("ja").gettext("no such message") == "no such message"


def test_no_message_stands_in_two_catalogues_with_different_japanese() -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for file in files("pipeline.report").joinpath("locales", "ja").iterdir():
        if file.name.endswith(".po"):
            for message in read_po(BytesIO(file.read_bytes())):
                said[str(message.id)].add(str(message.string))
    said.pop("")  # the heads
    assert {message: different for message, different in said.items() if len(different) > 1} == {}
