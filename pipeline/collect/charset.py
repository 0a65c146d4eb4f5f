"""Decide which charset a body is written in, and decode it.

In this order: a byte-order mark; ISO-2022-JP by its escapes; UTF-8 that decodes strictly; the declared charset
(HTTP, XML declaration, meta) if it decodes strictly and reads like writing; UTF-8 with a few broken bytes, each
replaced; what reads best among the charsets of Japanese, Russian and western outlets and chardet's own guess.
Declarations are widely wrong, so none is taken on trust against bytes that say otherwise.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Literal

import chardet

from pipeline.collect import jis
from pipeline.collect.plausible import plausibility

Markup = Literal["xml", "html", "json"]

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Wide charsets without a mark: the first characters of XML, HTML and JSON are ASCII, so the zero bytes tell.
WIDE = (
    (re.compile(rb"[\x09-\x7e]\0\0\0[\x09-\x7e]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[\x09-\x7e]\0\0\0[\x09-\x7e]"), "utf-32-be"),
    (re.compile(rb"[\x09-\x7e]\0[\x09-\x7e]\0"), "utf-16-le"),
    (re.compile(rb"\0[\x09-\x7e]\0[\x09-\x7e]"), "utf-16-be"),
)
# What a label means on the web is often a superset of the standard it names (https://encoding.spec.whatwg.org/#names-and-labels).
SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "utf-8-sig": "utf-8",
}
LABELS = {
    "x-sjis": "cp932",
    "sjis": "cp932",
    "shift-jis": "cp932",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030",
    "x-mac-cyrillic": "mac-cyrillic",
    "win-1251": "cp1251",
    "windows1251": "cp1251",
    "win1251": "cp1251",
    "koi8": "koi8-r",
    "koi": "koi8-r",
    "unicode-1-1-utf-8": "utf-8",
}
# Python knows codecs that are no charset of the web (utf-7, punycode, hex): only these are obeyed.
ALLOWED = re.compile(r"utf-8|cp(8|9|125)\d+|iso8859-\d+|koi8-[rtu]|mac-\w+|euc_jp|iso2022_jp|gb18030|big5hkscs|johab")
CHINESE_OR_KOREAN = ("gb18030", "big5hkscs", "cp949", "johab")
CANDIDATES = ("cp932", "euc_jp", "cp1251", "koi8-r", "cp1252")
DECLARED_BONUS = 0.2

HTTP_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([\w.:-]+)", re.IGNORECASE)
META_CHARSET = re.compile(rb"<meta\b[^>]{0,400}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
META_WITHIN = 8192
JIS_ESCAPE = re.compile(rb"\x1b\$[@B]")
HIGH = re.compile(rb"[\x80-\xff]")
KANA = re.compile("[\u3041-\u30fa]")
SAMPLE = 100_000


def decode(body: bytes, *, content_type: str, markup: Markup) -> str:
    """The text of `body`, without byte-order mark; never raises, undecodable bytes become U+FFFD.

    `content_type` is the HTTP header as it came, or ""; `markup` says where in the body a declaration may stand.
    """
    marked = _marked(body)
    if marked is not None:
        return marked
    if JIS_ESCAPE.search(body) and not HIGH.search(body):
        return jis.decode_iso_2022_jp(body, errors="replace")
    declared = tuple(dict.fromkeys(_declared(body, content_type, markup)))
    text = _strict(body, "utf-8") or _cesu(body)
    if text is not None and not _rather_declared(body, text, declared):
        return text
    if text is None and _slightly_broken(body):
        return body.decode("utf-8", "replace")
    return _most_plausible(body, declared)


def _marked(body: bytes) -> str | None:
    for mark, codec in MARKS:
        if body.startswith(mark) and (codec != "utf-8" or _strict(body, codec) is not None or _slightly_broken(body)):
            return body.removeprefix(mark).decode(codec, "replace")
    for pattern, codec in WIDE:
        if pattern.match(body):
            return body.decode(codec, "replace")
    return None


def _declared(body: bytes, content_type: str, markup: Markup) -> Iterator[str]:
    labels = [match.group(1) for match in HTTP_CHARSET.finditer(content_type)]
    if markup != "json" and (xml := XML_ENCODING.match(body[:1024])):
        labels.append(xml.group(1).decode("ascii"))
    if markup == "html":
        labels += [match.group(1).decode("ascii") for match in META_CHARSET.finditer(body[:META_WITHIN])]
    for label in labels:
        if codec := _codec(label):
            yield codec


def _codec(label: str) -> str | None:
    label = label.strip().lower()
    try:
        name = codecs.lookup(LABELS.get(label, label)).name
    except (LookupError, ValueError):
        return None
    name = SUPERSETS.get(name, name)
    return name if ALLOWED.fullmatch(name) else None


def _strict(body: bytes, codec: str) -> str | None:
    try:
        return _read(body, codec, "strict")
    except UnicodeDecodeError:
        return None


def _cesu(body: bytes) -> str | None:
    """UTF-8 as some databases write it, with characters beyond U+FFFF in two halves (CESU-8)."""
    try:
        halves = body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _read(body: bytes, codec: str, errors: str) -> str:
    if codec == "euc_jp":
        return jis.decode_euc_jp(body, errors=errors)
    if codec == "iso2022_jp":
        return jis.decode_iso_2022_jp(body, errors=errors)
    return body.decode(codec, errors)


def _rather_declared(body: bytes, text: str, declared: tuple[str, ...]) -> bool:
    """Whether bytes that happen to be UTF-8 are the declared EUC or Chinese text: only where a few two-byte letters
    say UTF-8.
    """
    double_byte = [codec for codec in declared if codec in ("euc_jp", *CHINESE_OR_KOREAN)]
    if not double_byte or text.isascii() or max(text) > "\u07ff":
        return False
    read = _strict(body, double_byte[0])
    return read is not None and plausibility(read) > plausibility(text)


def _slightly_broken(body: bytes) -> bool:
    """Whether this is UTF-8 with a few bad bytes: cut, or patched together from sources in other charsets."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for char in text if char > "\x7f") - bad
    return bad <= good / 10 or (bad <= good and bad < len(body) / 1000)


def _most_plausible(body: bytes, declared: tuple[str, ...]) -> str:
    """The reading that looks most like writing; a declared charset has a head start, Chinese and Korean ones are
    believed.
    """
    for codec in declared:
        if codec in CHINESE_OR_KOREAN and _reads_chinese_or_korean(text := _strict(body, codec)):
            return str(text)
    start = max(match.start() - 200, 0) if (match := HIGH.search(body)) else 0
    sample = body[start : start + SAMPLE]
    head_start = [codec for codec in declared if codec not in CHINESE_OR_KOREAN]
    codecs_in_question = dict.fromkeys((*declared, *CANDIDATES, *_guessed(sample)))
    values = {
        codec: plausibility(_read(sample, codec, "replace")) + DECLARED_BONUS * (codec in head_start)
        for codec in codecs_in_question
    }
    return _read(body, max(values, key=values.__getitem__), "replace")


def _reads_chinese_or_korean(text: str | None) -> bool:
    """Mislabelled EUC-JP shows its kana, which stand in the same rows; mislabelled Shift_JIS gives characters nobody
    uses.
    """
    return text is not None and not KANA.search(text) and plausibility(text) > 0.25


def _guessed(sample: bytes) -> tuple[str, ...]:
    guess = chardet.detect(sample, prefer_superset=True, compat_names=False)["encoding"]
    codec = _codec(guess) if guess else None
    return (codec,) if codec else ()
