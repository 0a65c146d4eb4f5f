from __future__ import annotations

from datetime import UTC, datetime

from pipeline.collect.discover import Announced, discover
from pipeline.records import Fetched


def announced(head: str, *, url: str = "https://outlet.example/news/", charset: str = "utf-8") -> list[Announced]:
    body = f'<!doctype html><html><head><meta charset="{charset}">{head}</head><body><p>x</p></body></html>'
    page = Fetched(
        url=url,
        final_url=url,
        status=200,
        body=body.encode(charset),
        content_type="text/html",
        fetched_at=datetime(2024, 11, 24, tzinfo=UTC),
    )
    return list(discover(page))


def link(href: str, kind: str, more: str = 'rel="alternate"') -> str:
    return f'<link {more} type="{kind}" href="{href}" title="T">'


def test_feeds_of_every_format_are_found_in_page_order() -> None:
    head = (
        link("/rss.xml", "application/rss+xml")
        + link("atom", "application/atom+xml; charset=utf-8")
        + link("https://cdn.example/feed.json", "application/feed+json")
        + link("/news-sitemap.xml", "application/xml", 'rel="sitemap"')
    )
    assert announced(head) == [
        Announced(url="https://outlet.example/rss.xml", title="T", format="rss"),
        Announced(url="https://outlet.example/news/atom", title="T", format="atom"),
        Announced(url="https://cdn.example/feed.json", title="T", format="json"),
        Announced(url="https://outlet.example/news-sitemap.xml", title="T", format="sitemap"),
    ]


def test_each_address_counts_once() -> None:
    head = link("/a", "application/rss+xml") + link("/b", "application/rss+xml") + link("/a", "application/atom+xml")
    assert [feed.url for feed in announced(head)] == ["https://outlet.example/a", "https://outlet.example/b"]


def test_other_alternates_are_no_feeds() -> None:
    head = (
        link("/en/", "text/html", 'rel="alternate" hreflang="en"')
        + link("/wp-json/wp/v2/posts/1", "application/json")
        + link("/style.css", "text/css", 'rel="alternate stylesheet"')
        + link("/icon.png", "image/png", 'rel="icon"')
        + link("javascript:alert(1)", "application/rss+xml")
        + link("file:///etc/passwd", "application/rss+xml")
    )
    assert announced(head) == []


def test_a_base_element_counts_and_titles_are_read_in_the_page_s_charset() -> None:
    head = '<base href="https://www.outlet.example/ru/">' + link("rss", "application/rss+xml").replace("T", "Новости")
    (feed,) = announced(head, charset="windows-1251")
    assert (feed.url, feed.title) == ("https://www.outlet.example/ru/rss", "Новости")


def test_what_is_no_page_announces_nothing() -> None:
    for body in (b"", b"\x89PNG\r\n\x1a\n", b"plain text", b"<" * 100_000):
        page = Fetched(
            url="https://outlet.example/",
            final_url="https://outlet.example/",
            status=200,
            body=body,
            content_type="",
            fetched_at=datetime(2024, 11, 24, tzinfo=UTC),
        )
        assert discover(page) == ()
