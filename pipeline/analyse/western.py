"""Where a sentence ends in writing that knows capitals: English, Russian, and the like."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate

from pipeline.analyse.marks import PARENTHESES, Brackets, Mark

LONGEST_ASIDE = 240  # characters in brackets that are held together
LOOK_BACK = 200  # characters searched for a sentence's verb
LONGEST_TOKEN = 24

# What a full stop belongs to, with the abbreviated words before it: "т. е", "U.S", "чл.-корр", "Sept".
TOKEN = re.compile(r"(?:(?<!\w)\w{1,5}\.[ \u00a0]?-?){0,4}(?<!\w)[\w-]+$")
INITIAL = re.compile(r"\s*[^\W\d_]\.")
LIST_NUMBER = re.compile(r"[^\w]{0,4}(?:\d{1,2}|[IVX]{1,4})")
NUMBER = re.compile(r"(?:\d|\b[IVXХ]+)\s?$")
# A word that can be the predicate of a Russian sentence: past or present tense, short participle.
VERB = re.compile(
    r"\b\w+(?:[аеёиоуыя]л[аои]?(?:с[ья])?|[аеиоуюя]т(?:ся)?|(?:[аеё]н|[аеия]т)[аоы])\b|\b(?:есть|нет|подписан|передан|решен)\b"
)
OBLIQUE = re.compile(r"\w+(?:ую|юю|ого|его|ому|ему|ой|ых|их|ым|им|ыми|ими)$")
# Parts of host and brand names that bear a capital behind a point: Газета.Ru, Booking.Com.
NOT_A_WORD = frozenset({"Ru", "Com", "Org", "Net", "Info", "Ру", "Рф"})
# A lost space: the end of a word of small letters, then a capitalised word.
GLUED = re.compile(r"[^\W\d_A-ZА-ЯЁ]{3}[.!?…]+[\"'”’»)\]]*[“«„\"(]?(?P<word>[A-ZА-ЯЁ][^\W\d_A-ZА-ЯЁ]+)(?=[\s,]|$)")
# ITO, Shizuoka Pref. -- | WASHINGTON, D.C. —
PLACE = re.compile(r"\s*[A-ZА-ЯЁ]{2}[A-ZА-ЯЁ.'’ -]{1,30}(?:,[^,\n]{1,40}?)?\s[-–—]+\s")
# MOSCOW, June 5. /TASS/. | Токио. 21 марта. INTERFAX.RU - | МОСКВА, 4 июн - РИА Новости. | ТОКИО, 21 марта.
MONTH = (
    r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|"
    r"янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)\w{0,7}"
)
DATELINE = re.compile(
    rf"""\s* (?P<city> [A-ZА-ЯЁ][\w'’()\ -]{{1,40}} ) [.,] \s+
        (?: \d{{1,2}}\s+{MONTH} | {MONTH}\.?\s+\d{{1,2}} ) (?: ,?\s+\d{{4}} )? (?P<stop> \.? ) \s*
        (?P<agency> /[^/\n]{{2,40}}/\.? | \([^()\n]{{2,40}}\) | (?i:interfax|интерфакс)[\w.]*
                  | [-–—]+\s+ (?: РИА\s\w+\. | [A-ZА-ЯЁ]{{3,12}}\. )? )?""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Abbreviations:
    """What a full stop behind a word means (`kinds`), and which words open sentences; all in lower case.

    `asked` matches a name and a verb of saying; `names` hold marks of their own. abbreviations.toml explains
    the kinds.
    """

    kinds: Mapping[str, str]
    openers: frozenset[str]
    asked: re.Pattern[str]
    names: tuple[str, ...]


@cache
def abbreviations(language: str) -> Abbreviations:
    """The entries for a language besides the English ones; where it has none, those of all languages."""
    data = tomllib.loads(files("config").joinpath("codebook/abbreviations.toml").read_text(encoding="utf-8"))
    names = tuple(data.pop("names")["any"])
    tables = [data["en"], data[language]] if language in data else list(data.values())
    kinds = ("before_word", "before_number", "after_number", "either", "end")
    says = "|".join(word for table in tables for word in table["says"])
    return Abbreviations(
        kinds={word: kind for table in tables for kind in kinds for word in table[kind]},
        openers=frozenset(word for table in tables for word in table["openers"]),
        asked=re.compile(rf"\s+(?:[A-ZА-ЯЁ][\w.'’-]{{0,30}}\s+){{1,4}}(?:{says})\b"),
        names=names,
    )


def brackets(line: str) -> Brackets:
    """What holds western sentences together: asides, not quotations."""
    return Brackets(line, PARENTHESES, longest=LONGEST_ASIDE)


def dateline(line: str) -> int:
    """Where the dateline of an agency's report ends, or 0."""
    found = DATELINE.match(line)
    if found and (found["agency"] or (found["stop"] and found["city"].isupper())):
        return found.end()
    place = PLACE.match(line)
    return place.end() if place else 0


def ends(mark: Mark, held: Brackets, words: Abbreviations) -> bool:
    """Whether a sentence ends here."""
    if not mark.space and not _glued(mark):
        return False
    if not mark.word or mark.word[0].islower() or _in_aside(mark, held):
        return False
    if mark.run == ".":
        return not _abbreviated(mark, words)
    if mark.run.startswith(("…", "..")):
        return bool(mark.before.strip("([{«“\"' \t"))
    return not (mark.closers and words.asked.match(mark.line, mark.end))


def _glued(mark: Mark) -> bool:
    found = GLUED.match(mark.line, max(0, mark.start - 3))
    return found is not None and found["word"] not in NOT_A_WORD


def _in_aside(mark: Mark, held: Brackets) -> bool:
    """Inside brackets that opened in mid-sentence; a bracketed sentence of its own is cut as any other."""
    span = held.around(mark.start)
    if span is None or mark.end >= span[1]:
        return False
    return not mark.opens_at(span[0])


def _abbreviated(mark: Mark, words: Abbreviations) -> bool:
    if LIST_NUMBER.fullmatch(mark.line, mark.begin, mark.start):
        return True
    token, kind = _kind(mark, words)
    if kind == "after_number":
        behind = mark.line[max(mark.begin, mark.start - LONGEST_TOKEN) : mark.start - len(token)]
        kind = "either" if NUMBER.search(behind) else "before_word"
    if kind == "before_number":
        return mark.word[0].isdigit()
    if kind == "either":
        return not (_opens(mark, words) or _has_verb(mark))
    if kind == "initial":
        return INITIAL.match(mark.line, mark.end) is not None or not _opens(mark, words)
    return kind == "before_word"


def _kind(mark: Mark, words: Abbreviations) -> tuple[str, str]:
    """The longest known abbreviation that ends at the mark, and its kind."""
    found = TOKEN.search(mark.line, max(mark.begin, mark.start - LONGEST_TOKEN), mark.start)
    if found is None:
        return "", ""
    pieces = found[0].replace(" ", "").replace("\u00a0", "").split(".")
    tails = accumulate(reversed(pieces), lambda tail, piece: f"{piece}.{tail}")
    for tail in reversed(list(tails)):
        if tail.lower() in words.kinds and not (len(tail) == 1 and tail.isupper()):
            return tail, words.kinds[tail.lower()]
    return pieces[-1], "initial" if len(pieces[-1]) == 1 and pieces[-1].isupper() else ""


def _opens(mark: Mark, words: Abbreviations) -> bool:
    return mark.word.lower() in words.openers


def _has_verb(mark: Mark) -> bool:
    """Whether a Russian sentence is complete at the mark, so that a capital behind it begins the next one."""
    said = VERB.search(mark.line, max(mark.begin, mark.start - LOOK_BACK), mark.start)
    return said is not None and not OBLIQUE.match(mark.word)
