"""Damaged bytes for fuzzing: real files and our own samples, cut, joined and sown with what has broken parsers before."""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "bench"))

import parse_corpora

PAGES = parse_corpora.CORPORA / "article_extraction_benchmark" / "html"
ROBOTS = parse_corpora.CORPORA / "robots" / "data.tar.gz"
LARGEST = 20_000  # bytes of a seed: larger ones only take longer
EVERY = 12  # of the corpora, one file in so many
NASTY = [
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b$B", b"\x1b(B", b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"]]>",
    b"<![CDATA[", b"<!--", b"-->", b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.0' encoding='x'?>", b"<?", b"&",
    b"&#0;", b"&#xD800;", b"&#99999999999;", b"&lt;", b"&a;", b"<!DOCTYPE r [<!ENTITY a 'b'>]>", b"<item>", b"</item>", b"<entry>",
    b"</channel>", b"<rss>", b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"<x:y>", b" xmlns:x=''", b"<a b=c", b"'", b'"', b"\n\r",
    b"<pubDate>9999-99-99T25:61</pubDate>", b"<link>http://[::1</link>", b"<guid/>", b"<title type='xhtml'>", b"<ttl>1e9</ttl>",
    b"<skipHours><hour>\xc2\xb2</hour></skipHours>", b"<content type='base64'>!</content>", b"<gml:pos>x</gml:pos>", b"<base href='//['>",
    b"<meta charset='utf-7'>", b"<script>", b"<svg><math>", b"<table colspan=99999999>", b"<link rel=alternate href='http://['>",
    b"<time datetime='0000-00-00'>", b'<script type="application/ld+json">{"@graph":[null,{"datePublished":[]}]}</script>',
    b"<meta property='article:published_time' content='-1'>", b"<a href='javascript:x'>", b"{", b"}", b"[", b"]", b",", b"null", b"1e999",
    b"-", b"\\ud800", b'"items":[', "条約".encode("cp932"), "交渉".encode("euc_jp"), "мир".encode("koi8-r"), "мир".encode("cp1251"),
]  # fmt: skip
RSS = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>通信</title><link>https://a.example/</link><ttl>60</ttl>
 <skipHours><hour>3</hour></skipHours><skipDays><day>Sunday</day></skipDays><item><title>平和条約 &amp; 交渉</title>
 <link>https://a.example/1</link><guid isPermaLink="false">g1</guid><pubDate>Tue, 24 Nov 2026 12:00:00 +0900</pubDate>
 <description>&lt;p&gt;対話&lt;/p&gt;</description><content:encoded><![CDATA[<p>Long</p>]]></content:encoded>
 <dc:creator>Анна</dc:creator></item><item><title>Second</title><link>/2</link><dc:date>2026年11月24日</dc:date></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/"><title type="html">A &amp;lt;b></title><id>urn:x</id>
 <updated>2026-11-24T12:00:00Z</updated><entry><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Мир</div></title>
 <id>urn:1</id><link href="1" rel="alternate"/><published>2026-11-24T12:00:00+03:00</published><author><name>A</name></author>
 <content type="html">&lt;p>Text&lt;/p></content></entry></feed>"""
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">
 <url><loc>https://a.example/1</loc><lastmod>2026-11-24</lastmod><n:news><n:title>Talks</n:title>
 <n:publication_date>2026-11-24T12:00:00Z</n:publication_date><n:publication><n:language>ja</n:language></n:publication></n:news></url></urlset>"""
JSON = {
    "version": "https://jsonfeed.org/version/1.1", "title": "J", "language": "ja", "items": [
        {"id": "1", "url": "https://a.example/1", "title": "平和", "content_html": "<p>x</p>", "date_published": "2026-11-24T12:00:00Z",
         "authors": [{"name": "A"}]}, {"id": 2, "content_text": "y"}],
}  # fmt: skip
OPML = """<?xml version="1.0"?><opml version="2.0"><head><title>L</title></head><body><outline text="日本"><outline type="rss" text="A"
 xmlUrl="https://a.example/feed" htmlUrl="https://a.example/" language="ja"/></outline></body></opml>"""
PAGE = """<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>平和条約 | 通信</title><link rel="canonical" href="/1">
 <link rel="alternate" type="application/rss+xml" href="/feed.xml"><meta property="og:title" content="平和条約">
 <meta property="article:published_time" content="2026-11-24T12:00:00+09:00"><script type="application/ld+json">{"@type":"NewsArticle",
 "headline":"平和条約","datePublished":"2026-11-24","isAccessibleForFree":true}</script></head><body><nav><a href="/">Home</a></nav><article>
 <h1>平和条約</h1>""" + "<p>日本とロシアは平和条約の交渉を続けると発表した。政府は領土問題を解決してから条約を結ぶ方針だ。</p>" * 8 + "</article></body></html>"  # fmt: skip
RULES = "User-agent: *\nDisallow: /a*b$\nAllow: /a\nCrawl-delay: 5\nSitemap: https://a.example/s.xml\n\nUser-agent: treatywatch\nDisallow: /p\n"


@cache
def feeds() -> tuple[bytes, ...]:
    """Our samples, in several charsets, and some feeds of the corpora where they are."""
    own = [text.encode() for text in (RSS, ATOM, SITEMAP, json.dumps(JSON, ensure_ascii=False))]
    own += [RSS.replace("UTF-8", "Shift_JIS").replace("Анна", "安").encode("cp932"), RSS.encode("utf-16")]
    found = [body for archive in parse_corpora.archives() for _, body in parse_corpora.files(archive)]
    return tuple(own + [body for body in found[::EVERY] if len(body) <= LARGEST])


@cache
def pages() -> tuple[bytes, ...]:
    """Our sample and the beginnings of some pages of the corpus, where it is."""
    found = sorted(PAGES.glob("*"))[::EVERY] if PAGES.is_dir() else []
    return (PAGE.encode(), PAGE.replace("utf-8", "euc-jp").encode("euc_jp"), *(_beginning(path) for path in found))


@cache
def rules() -> tuple[bytes, ...]:
    """Our sample and some robots.txt of the corpus, where it is."""
    if not ROBOTS.is_file():
        return (RULES.encode(),)
    with tarfile.open(ROBOTS) as tar:
        members = [tar.extractfile(member) for member in tar.getmembers()[::EVERY] if member.isfile()]
        return (RULES.encode(), *(member.read()[:LARGEST] for member in members if member))


def _beginning(path: Path) -> bytes:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw)[:LARGEST]


@st.composite
def mutants(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """One of the seeds, damaged in up to eight places."""
    body = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 8))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 60)))
        match draw(st.sampled_from(["sow", "cut", "double", "move", "noise", "join"])):
            case "sow":
                body[start:start] = draw(st.sampled_from(NASTY))
            case "cut":
                del body[start:end]
            case "double":
                body[start:start] = body[start:end] * draw(st.integers(1, 30))
            case "move":
                piece = body[start:end]
                del body[start:end]
                body[:0] = piece
            case "noise":
                body[start:end] = draw(st.binary(max_size=8))
            case _:
                body[start:] = draw(st.sampled_from(seeds))[-200:]
    return bytes(body)
