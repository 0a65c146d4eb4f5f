"""Damaged bytes for fuzzing: real files and our own samples, cut, joined and sown with what has broken parsers."""

from __future__ import annotations

import gzip
import sys
import tarfile
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "bench"))

import parse_corpora

SAMPLES = Path(__file__).parent / "data" / "fuzz"
PAGES = parse_corpora.CORPORA / "article_extraction_benchmark" / "html"
ROBOTS = parse_corpora.CORPORA / "robots" / "data.tar.gz"
LARGEST = 20_000  # bytes of a seed: larger ones only take longer
EVERY = 12  # of the corpora, one file in so many
NASTY = [
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x1b$B",
    b"\x1b(B",
    b"\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"-->",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b"<?xml version='1.0' encoding='x'?>",
    b"<?",
    b"&",
    b"&#0;",
    b"&#xD800;",
    b"&#99999999999;",
    b"&lt;",
    b"&a;",
    b"<!DOCTYPE r [<!ENTITY a 'b'>]>",
    b"<item>",
    b"</item>",
    b"<entry>",
    b"</channel>",
    b"<rss>",
    b"<feed xmlns='http://www.w3.org/2005/Atom'>",
    b"<x:y>",
    b" xmlns:x=''",
    b"<a b=c",
    b"'",
    b'"',
    b"\n\r",
    b"<pubDate>9999-99-99T25:61</pubDate>",
    b"<link>http://[::1</link>",
    b"<guid/>",
    b"<title type='xhtml'>",
    b"<ttl>1e9</ttl>",
    b"<skipHours><hour>\xc2\xb2</hour></skipHours>",
    b"<content type='base64'>!</content>",
    b"<gml:pos>x</gml:pos>",
    b"<base href='//['>",
    b"<meta charset='utf-7'>",
    b"<script>",
    b"<svg><math>",
    b"<table colspan=99999999>",
    b"<link rel=alternate href='http://['>",
    b"<time datetime='0000-00-00'>",
    b'<script type="application/ld+json">{"@graph":[null,{"datePublished":[]}]}</script>',
    b"<meta property='article:published_time' content='-1'>",
    b"<a href='javascript:x'>",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"null",
    b"1e999",
    b"-",
    b"\\ud800",
    b'"items":[',
    "条約".encode("cp932"),
    "交渉".encode("euc_jp"),
    "мир".encode("koi8-r"),
    "мир".encode("cp1251"),
]


def sample(name: str) -> str:
    """One of our own samples."""
    return (SAMPLES / name).read_text(encoding="utf-8")


@cache
def feeds() -> tuple[bytes, ...]:
    """Our samples, in several charsets, and some feeds of the corpora where they are."""
    own = [sample(name).encode() for name in ("rss.xml", "atom.xml", "sitemap.xml", "feed.json")]
    rss = sample("rss.xml")
    own += [rss.replace("UTF-8", "Shift_JIS").replace("Анна", "安").encode("cp932"), rss.encode("utf-16")]
    found = [body for archive in parse_corpora.archives() for _, body in parse_corpora.files(archive)]
    return tuple(own + [body for body in found[::EVERY] if len(body) <= LARGEST])


@cache
def pages() -> tuple[bytes, ...]:
    """Our sample and the beginnings of some pages of the corpus, where it is."""
    found = sorted(PAGES.glob("*"))[::EVERY] if PAGES.is_dir() else []
    page = sample("page.html")
    return (page.encode(), page.replace("utf-8", "euc-jp").encode("euc_jp"), *(_beginning(path) for path in found))


@cache
def rules() -> tuple[bytes, ...]:
    """Our sample and some robots.txt of the corpus, where it is."""
    if not ROBOTS.is_file():
        return (sample("robots.txt").encode(),)
    with tarfile.open(ROBOTS) as tar:
        members = [tar.extractfile(member) for member in tar.getmembers()[::EVERY] if member.isfile()]
        return (sample("robots.txt").encode(), *(member.read()[:LARGEST] for member in members if member))


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
