from __future__ import annotations

import pytest

from pipeline.collect.opml import MAX_OUTLINES, OpmlOutline, read, write
from pipeline.errors import ParseError

OUTLINES = (
    OpmlOutline(
        url="https://outlet.example/rss?a=1&b=2",
        title='Вестник «Пролив» & "co" <1>',
        site="https://outlet.example/",
        language="ru",
        categories=("JP", "national"),
    ),
    OpmlOutline(url="http://朝日.example/feed", title="朝日報", language="ja", format="atom"),
)


def opml(body: str, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<opml version="2.0"><head/><body>{body}</body></opml>'.encode()
    )


def outline(url: str, more: str = "") -> str:
    return f'<outline text="T" type="rss" xmlUrl="{url}" {more}/>'


def refusal(text: bytes) -> str:
    with pytest.raises(ParseError) as caught:
        read(text)
    return caught.value.reason


def test_what_is_written_is_read_again() -> None:
    assert read(write(OUTLINES)) == OUTLINES


def test_the_same_outlines_give_the_same_bytes_with_one_outline_a_line() -> None:
    assert write(OUTLINES) == write(OUTLINES)
    assert write(OUTLINES).count(b"\n    <outline ") == len(OUTLINES)


def test_an_empty_list_is_a_valid_file() -> None:
    assert read(write(())) == ()


def test_controls_and_line_ends_in_titles_do_not_break_the_file() -> None:
    (found,) = read(write([OpmlOutline(url="https://outlet.example/", title="a\0\n\x1b\ud800b")]))
    assert found.title == "a b"


def test_folders_become_categories_and_spellings_of_attributes_are_tolerated() -> None:
    body = '<outline text="Asia"><outline title="Wires"><outline text="T" XMLURL="https://outlet.example/f"/></outline></outline>'
    assert read(opml(body)) == (OpmlOutline(url="https://outlet.example/f", title="T", categories=("Asia", "Wires")),)


def test_each_address_counts_once_and_outlines_without_address_are_folders() -> None:
    body = (
        outline("https://a.example/")
        + '<outline text="note"/>'
        + outline("https://b.example/")
        + outline("https://a.example/")
    )
    assert [found.url for found in read(opml(body))] == ["https://a.example/", "https://b.example/"]


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE opml>",
        '<!DOCTYPE opml [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        "<!doctype opml>",
        "<!ENTITY a 'b'>",
    ],
)
def test_F48_a_document_type_is_refused(before: str) -> None:
    assert refusal(opml(outline("https://a.example/"), before)) == "malformed"
    assert refusal(opml(outline("https://a.example/"), before).decode().encode("utf-16")) == "malformed"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "exec:rm -rf /",
        "javascript:alert(1)",
        "ftp://a.example/",
        "//a.example/",
        "https://",
        "http://[",
        "x",
    ],
)
def test_F48_only_web_addresses_are_read_and_the_refusal_names_the_outline(url: str) -> None:
    with pytest.raises(ParseError, match="'T'") as caught:
        read(opml(outline("https://a.example/") + outline(url)))
    assert caught.value.reason == "malformed"


def test_F48_a_million_outlines_are_refused() -> None:
    assert refusal(opml(outline("https://a.example/") * (MAX_OUTLINES + 1))) == "too_large"
    assert refusal(opml('<outline text="x"/>' * 1_000_000)) == "too_large"


@pytest.mark.parametrize(
    "text", [b"", b"not xml", b"<rss/>", b"<opml/>", b"<opml><body><outline", b"\0\0", b"<a>" * 5000]
)
def test_what_is_no_opml_is_malformed(text: bytes) -> None:
    assert refusal(text) == "malformed"
