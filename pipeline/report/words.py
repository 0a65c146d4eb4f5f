"""What pages and mails say, in English or Japanese, with the tone on a plain scale.

English is what the program says by itself; `locales/ja/*.po` hold the Japanese for it, one catalogue for each part.
What outlets wrote stays in its language.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Literal

from babel import Locale, dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

Tongue = Literal["en", "ja"]
SOURCE: Tongue = "en"
# Upper bounds of the steps of the plain scale: a tone of -1 to 1 cut at the middles between the coders' five marks.
STEPS = (-0.75, -0.25, 0.25, 0.75)
MINUS = "\N{MINUS SIGN}"


def N_(message: str) -> str:  # noqa: N802 - the name by which tools find messages to be translated
    """Mark a message that is translated where it is shown."""
    return message


SCALE = (
    N_("strongly vigilant"),
    N_("rather vigilant"),
    N_("balanced"),
    N_("rather credulous"),
    N_("strongly credulous"),
)
FAMILIES = {"optimistic": N_("optimistic"), "vigilant": N_("vigilant"), "neutral": N_("neutral")}
VOICES = {
    "own": N_("the outlet's own voice"),
    "quoted_distanced": N_("quoted with distance"),
    "quoted_bare": N_("quoted without distance"),
}
LANGUAGES = {"en": N_("English"), "ja": N_("Japanese"), "ru": N_("Russian")}


class Words:
    """The words of one language. `gettext` and `ngettext` are what templates call `_` and `ngettext`."""

    def __init__(self, tongue: Tongue) -> None:
        self.tongue = tongue
        self.locale = Locale.parse(tongue)
        catalogue = _catalogue(tongue)
        self.gettext, self.ngettext = catalogue.gettext, catalogue.ngettext

    def tone(self, tone: float) -> str:
        """A tone in words: one of the five steps of SCALE."""
        return self.gettext(SCALE[step(tone)])

    def tone_number(self, tone: float) -> str:
        """A tone as a signed number with two decimals, -1 vigilant to +1 credulous."""
        rounded = round(tone, 2)
        return f"{'+' if rounded > 0 else MINUS if rounded < 0 else ''}{abs(rounded):.2f}"

    def interval(self, low: float, high: float) -> str:
        """A tone's interval."""
        return f"[{self.tone_number(low)}, {self.tone_number(high)}]"

    def percent(self, share: float) -> str:
        """A share in whole per cent."""
        return f"{round(100 * share)} %" if self.tongue == "en" else f"{round(100 * share)}%"

    def day(self, day: date | datetime) -> str:
        """A date in words."""
        return dates.format_date(day, format="long", locale=self.locale)

    def moment(self, at: datetime) -> str:
        """A time in UTC, in words."""
        return f"{dates.format_datetime(at, format='medium', tzinfo=dates.UTC, locale=self.locale)} UTC"

    def country(self, code: str) -> str:
        """A country's name by its code of two letters."""
        return str(self.locale.territories.get(code, code))


def step(tone: float) -> int:
    """The step of the plain scale that a tone is on: 0, strongly vigilant, to 4, strongly credulous."""
    return sum(tone >= bound for bound in STEPS)


def each_tongue() -> Iterable[Tongue]:
    """The languages that there are words for."""
    return ("en", "ja")


@cache
def _catalogue(tongue: Tongue) -> NullTranslations:
    merged = NullTranslations()
    if tongue == SOURCE:
        return merged
    merged = Translations()
    for file in sorted(files("pipeline.report").joinpath("locales", tongue).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".po"):
            compiled = BytesIO()
            write_mo(compiled, read_po(BytesIO(file.read_bytes()), locale=tongue))
            compiled.seek(0)
            found = Translations(compiled)
            merged.plural = found.plural  # merging leaves it behind
            merged.merge(found)
    return merged
