from __future__ import annotations

import pytest

from pipeline.collect.charset import decode

JAPANESE = (
    "北方領土",
    "日露平和条約交渉",
    "ラブロフ外相、日本を批判",
    "プーチン大統領「交渉を続けるべきだ」",
    "外務省は18日、外務審議官とロシアの外務次官が電話で協議したと発表した。",
    "両首脳は平和条約の締結に向けた交渉を続けることで一致したが、島の帰属をめぐる立場の隔たりは埋まらなかった。"
    "島民の墓参は2年続けて見送られ、元島民からは「時間がない」との声が上がっている。",
)
RUSSIAN = (
    "Путин",
    "Мирный договор с Японией",
    "ЯПОНИЯ НАПРАВИЛА НОТУ",
    "Лавров: переговоры продолжатся",
    "Токио не признаёт итогов войны, заявили в МИД",
    "Стороны договорились продолжить консультации о мирном договоре, однако разногласия о принадлежности островов остались. "  # noqa: E501
    "Безвизовые обмены с жителями Курил второй год подряд не проводятся.",
)
WESTERN = (
    "Kishida’s treaty",
    "Café owners say naïve talks — “no deal” – won’t end",
    "Die Gespräche über den Friedensvertrag müssen für Japan weitergehen",
)
LABELS = (
    "utf-8",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "windows-1251",
    "koi8-r",
    "iso-8859-1",
    "windows-1252",
    "gb2312",
)
CHARSETS = {
    **dict.fromkeys(("cp932", "euc_jp", "iso2022_jp"), JAPANESE),
    **dict.fromkeys(("cp1251", "koi8-r"), RUSSIAN),
    "cp1252": WESTERN,
    "utf-8": JAPANESE + RUSSIAN + WESTERN,
}


def feed(title: bytes, declared: str = "") -> bytes:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return declaration.encode() + b"<rss><channel><title>" + title + b"</title></channel></rss>"


def readings(charset: str, declared: str) -> list[tuple[str, str]]:
    """Texts with what is read from them, the charset declared in the XML and in HTTP."""
    pairs = []
    for text in CHARSETS[charset]:
        title = text.encode(charset)
        pairs.append((text, decode(feed(title, declared), content_type="text/xml", markup="xml")))
        header = f"text/xml; charset={declared}" if declared else ""
        pairs.append((text, decode(feed(title), content_type=header, markup="xml")))
    return pairs


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("declared", ["", *LABELS])
def test_F30_every_charset_is_read_whatever_is_declared(charset: str, declared: str) -> None:
    wrong = [text for text, read in readings(charset, declared) if text not in read]
    if (charset, declared) == ("euc_jp", "gb2312"):  # a few kanji alone may be Chinese words as well
        wrong.remove("日露平和条約交渉")
        wrong.remove("日露平和条約交渉")
    assert wrong == []


@pytest.mark.parametrize("position", [30, 60, 200])
def test_F29_one_bad_byte_in_a_utf_8_feed_costs_one_character(position: int) -> None:
    text = feed("".join(JAPANESE * 5).encode()).decode()
    body = text.encode()
    broken = body[:position] + b"\xff" + body[position:]
    read = decode(broken, content_type="application/rss+xml", markup="xml")
    assert read.count("\ufffd") <= 2
    assert len(read) - len(text) <= 1


def test_a_few_typographic_bytes_in_an_english_page_are_windows_1252() -> None:
    body = b"<html><p>" + b"The islands were not mentioned. " * 200 + b"It\x92s over.</p>"
    assert "It’s over" in decode(body, content_type="text/html; charset=utf-8", markup="html")


def test_one_bad_byte_in_a_shift_jis_or_windows_1251_feed_costs_one_character() -> None:
    for charset, text in (("cp932", JAPANESE[-1]), ("cp1251", RUSSIAN[-1])):
        body = feed(text.encode(charset) + b"\x98\x20" + text.encode(charset))
        read = decode(body, content_type="", markup="xml")
        assert read.count(text) == 2


@pytest.mark.parametrize("text", ["①髙島 ～ 〜", "東京・﨑山氏"])
def test_F31_characters_of_windows_are_read_in_all_japanese_charsets(text: str) -> None:
    windows = text.replace("〜", "").encode("cp932")
    expected = windows.decode("cp932")
    filler = "外務省は交渉を続けると発表した。"
    for label, encoded in (("Shift_JIS", windows), ("EUC-JP", as_euc(windows)), ("ISO-2022-JP", as_iso(windows))):
        prefix = filler.encode(label.lower())
        body = f'<meta charset="{label}"><p>'.encode() + prefix + encoded + b"</p>"
        assert filler + expected in decode(body, content_type="text/html", markup="html")


def test_F31_half_width_kana_in_iso_2022_jp_are_read() -> None:
    body = b"<p>" + "条約".encode("iso2022_jp") + b"\x1b(I1231\x1b(B</p>"
    assert "条約ｱｲｳｱ" in decode(body, content_type="text/html", markup="html")


def as_rows(windows: bytes) -> list[bytes]:
    """ASCII bytes, or JIS row and cell, of Shift_JIS text."""
    units, i = [], 0
    while i < len(windows):
        lead = windows[i]
        if lead < 0x80:
            units.append(windows[i : i + 1])
            i += 1
            continue
        trail = windows[i + 1]
        row = (lead - (0x81 if lead < 0xA0 else 0xC1)) * 2 + 0x21 + (trail >= 0x9F)
        cell = trail - 0x7E if trail >= 0x9F else trail - 0x1F - (trail > 0x7F)
        units.append(bytes((row, cell)))
        i += 2
    return units


def as_euc(windows: bytes) -> bytes:
    return b"".join(bytes(byte | 0x80 for byte in unit) if len(unit) == 2 else unit for unit in as_rows(windows))


def as_iso(windows: bytes) -> bytes:
    return b"".join(b"\x1b$B" + unit + b"\x1b(B" if len(unit) == 2 else unit for unit in as_rows(windows))


@pytest.mark.parametrize(
    "charset", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
def test_wide_charsets_are_read_with_or_without_a_mark(charset: str) -> None:
    text = "<rss>Мирный договор 平和条約</rss>"
    assert decode(text.encode(charset), content_type="text/xml; charset=iso-8859-1", markup="xml") == text


@pytest.mark.parametrize(
    "label", ["utf-7", "punycode", "hex", "rot13", "unicode_escape", "x-user-defined", "\0", "nonsense"]
)
def test_codecs_that_are_no_charset_of_the_web_are_not_obeyed(label: str) -> None:
    body = feed("Мирный договор".encode())
    assert "Мирный договор" in decode(body, content_type=f'text/xml; charset="{label}"', markup="xml")


def test_a_meta_element_declares_the_charset_of_a_page() -> None:
    page = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1251"></head>Мирный договор'
    assert "Мирный договор" in decode(page.encode("cp1251"), content_type="text/html", markup="html")


def test_declared_chinese_and_korean_are_believed() -> None:
    for charset, text in (
        ("gb2312", "日本和俄罗斯的和平条约谈判一直没有进展"),
        ("euc-kr", "러시아와 일본의 평화조약 협상"),
        ("big5", "日本與俄羅斯的和平條約談判"),
    ):
        assert text in decode(feed(text.encode(charset), charset), content_type="text/xml", markup="xml")


def test_emoji_in_two_halves_are_joined() -> None:
    body = feed(b"Talks go on " + b"\xed\xa0\xbd\xed\xb8\x80")
    assert "Talks go on 😀" in decode(body, content_type="", markup="xml")


@pytest.mark.parametrize("body", [b"", b"\0", b"\xff", b"\xff\xfe", b"\x1b$B", b"\x1b$B!", bytes(range(256)) * 50])
def test_any_bytes_become_text(body: bytes) -> None:
    assert isinstance(decode(body, content_type="text/html; charset=euc-jp", markup="html"), str)
