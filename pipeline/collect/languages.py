"""Which language a text is written in: the scripts decide where they can, a trained identifier among the rest.

Answers with any language that outlets might mix in, not only the three that are analysed, so that a Chinese or
Ukrainian article is told from a Japanese or Russian one and set aside.
"""

from __future__ import annotations

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

SAMPLE = 5000
UNPROVEN = 10.0  # difference of log-probabilities; in a paragraph the right language leads by hundreds
ENOUGH = 20  # letters; below that, what the outlet usually writes in is the better guess

KANA = re.compile("[\u3041-\u30fa\u30fc\u31f0-\u31ff]")
HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7a3]")
CYRILLIC = re.compile("[\u0400-\u04ff]")
LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
# Letters that Russian does not have, by the language that has them.
UKRAINIAN = re.compile("[іїєґІЇЄҐ]")
BELARUSIAN = re.compile("[ўЎ]")
NOT_BULGARIAN = re.compile("[ыэёЫЭЁ]")
NOT_RUSSIAN = re.compile("[\u0400\u0402-\u040f\u0450\u0452-\u045f\u0460-\u04ff]")

WITH_LATIN = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "no",
    "fi",
    "pl",
    "cs",
    "tr",
    "id",
    "vi",
    "ro",
    "hu",
)
WITH_CYRILLIC = ("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn")


def identify(text: str, *, prior: str = "") -> str:
    """The ISO 639-1 code of the language of `text`; the language of `prior` ("ja", "ru-RU") where the text is too
    short to tell.

    "" where there is neither text nor prior.
    """
    sample = text[:SAMPLE]
    expected = base(prior)
    counts = {script: len(script.findall(sample)) for script in (KANA, HAN, HANGUL, CYRILLIC, LATIN)}
    cjk = counts[KANA] + counts[HAN] + counts[HANGUL]
    # One ideograph says as much as two or three letters.
    if cjk and 2 * cjk >= counts[LATIN] + counts[CYRILLIC]:
        return _east_asian(sample, counts, expected)
    if counts[CYRILLIC] >= counts[LATIN]:
        return _cyrillic(sample, counts[CYRILLIC], expected)
    return expected if expected and counts[LATIN] < ENOUGH else _classify(sample, WITH_LATIN, expected)


def base(tag: str) -> str:
    """The language of a tag such as "ru-RU" or "ja_JP": "ru", "ja"."""
    return re.split("[-_]", tag.strip().lower(), maxsplit=1)[0]


def _east_asian(sample: str, counts: dict[re.Pattern[str], int], expected: str) -> str:
    if counts[HANGUL] > counts[KANA] + counts[HAN]:
        return "ko"
    if counts[KANA] * 20 >= counts[HAN]:  # Chinese quotes a Japanese name now and then
        return "ja"
    # A Japanese headline may do without kana, an article can't; and it has no simplified characters.
    headline = counts[HAN] < 3 * ENOUGH and expected != "zh" and all(_is_japanese(char) for char in HAN.findall(sample))
    return "ja" if headline else "zh"


def _is_japanese(char: str) -> bool:
    try:
        return len(char.encode("shift_jis")) == 2
    except UnicodeEncodeError:
        return False


def _cyrillic(sample: str, letters: int, expected: str) -> str:
    if not letters:
        return expected
    if letters < ENOUGH and expected in WITH_CYRILLIC:
        return expected
    foreign = len(NOT_RUSSIAN.findall(sample))
    if foreign * 100 < letters:
        return "ru" if NOT_BULGARIAN.search(sample) else _classify(sample, ("ru", "bg"), expected)
    if len(BELARUSIAN.findall(sample)) * 100 >= letters:
        return "be"
    return "uk" if len(UKRAINIAN.findall(sample)) * 2 > foreign else _classify(sample, WITH_CYRILLIC, expected)


def _classify(sample: str, candidates: tuple[str, ...], expected: str) -> str:
    """The likeliest candidate; the expected language, or one that is analysed, where the difference proves nothing."""
    ranked = _identifier(candidates).rank(sample)
    best, highest = ranked[0]
    close = [language for language, value in ranked if highest - value <= UNPROVEN]
    return next((language for language in (expected, "en", "ru") if language in close), str(best))


@cache
def _identifier(candidates: tuple[str, ...]) -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(candidates)
    return identifier
