from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.collect.parse import parse
from pipeline.errors import ParseError
from pipeline.records import Entry, Fetched, ParsedFeed

sys.path.insert(0, str(Path(__file__).parent / "bench"))

import parse_corpora

URL = "https://outlet.example/news/feed.xml"
NOW = datetime(2024, 11, 24, 12, tzinfo=UTC)
SECONDS = 2.0


def fetched(body: str | bytes, content_type: str = "application/rss+xml") -> Fetched:
    raw = body.encode() if isinstance(body, str) else body
    return Fetched(url=URL, final_url=URL, status=200, body=raw, content_type=content_type, fetched_at=NOW)


def read(body: str | bytes, *, max_entries: int = 500, content_type: str = "application/rss+xml") -> ParsedFeed:
    return parse(fetched(body, content_type), max_entries=max_entries)


def reason(body: str | bytes) -> str:
    with pytest.raises(ParseError) as caught:
        read(body)
    assert caught.value.url == URL
    return caught.value.reason


def outcome(body: str | bytes) -> ParsedFeed | str:
    """The feed, or the reason why there is none."""
    try:
        return read(body)
    except ParseError as error:
        return error.reason


def rss(items: str, head: str = "") -> str:
    return f'<?xml version="1.0"?>\n<rss version="2.0"><channel><title>The Wire</title>{head}{items}</channel></rss>'


def item(number: int, **more: str) -> str:
    parts = {"title": f"Story {number}", "link": f"https://outlet.example/{number}", "guid": f"id-{number}", **more}
    return "<item>" + "".join(f"<{name}>{text}</{name}>" for name, text in parts.items()) + "</item>"


def only(body: str) -> Entry:
    (entry,) = read(body).entries
    return entry


def titles(feed: ParsedFeed) -> list[str]:
    return [entry.title for entry in feed.entries]


# Formats

ENTRY = Entry(
    guid="https://outlet.example/a",
    link="https://outlet.example/a",
    title="Talks & treaties",
    summary="The talks <went> on.",
    published_at=datetime(2024, 1, 1, 3, 30, tzinfo=UTC),
)
RSS_09 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="{namespace}"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>The Wire</title></channel>
 <item rdf:about="https://outlet.example/a"><title>Talks &amp; treaties</title><link>https://outlet.example/a</link>
 <description>The talks &amp;lt;went&amp;gt; on.</description><dc:date>2024-01-01T12:30:00+09:00</dc:date></item>
 </rdf:RDF>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>The Wire</title><entry>
 <id>https://outlet.example/a</id><title type="text">Talks &amp; treaties</title><link href="/a"/>
 <published>2024-01-01T12:30:00+09:00</published><summary type="text">The talks &lt;went&gt; on.</summary></entry>
 </feed>"""
ATOM_03 = """<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>The Wire</title><entry>
 <id>https://outlet.example/a</id><title>Talks &amp; treaties</title><link rel="alternate" href="https://outlet.example/a"/>
 <issued>2024-01-01T12:30:00+09:00</issued><summary>The talks &lt;went&gt; on.</summary></entry></feed>"""
RSS = rss(
    item(
        1,
        title="Talks &amp;amp; treaties",
        link="https://outlet.example/a",
        guid="https://outlet.example/a",
        pubDate="Mon, 01 Jan 2024 12:30:00 JST",
        description="&lt;p&gt;The talks &amp;lt;went&amp;gt; on.&lt;/p&gt;",
    )
)
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:n="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
 <url><loc>https://outlet.example/a</loc><image:image><image:loc>https://outlet.example/p.png</image:loc>
 <image:title>A picture</image:title></image:image><n:news><n:publication><n:name>The Wire</n:name>
 <n:language>en</n:language></n:publication><n:publication_date>2024-01-01T12:30:00+09:00</n:publication_date>
 <n:title>Talks &amp; treaties</n:title></n:news></url></urlset>"""


def json_feed(version: str, **more: object) -> str:
    entry = {
        "id": "https://outlet.example/a",
        "url": "https://outlet.example/a",
        "title": "Talks & treaties",
        "content_html": "<p>The talks &lt;went&gt; on.",
        "date_published": "2024-01-01T12:30:00+09:00",
        **more,
    }
    return json.dumps({"version": f"https://jsonfeed.org/version/{version}", "title": "The Wire", "items": [entry]})


@pytest.mark.parametrize(
    ("body", "format_"),
    [
        (RSS_09.format(namespace="http://my.netscape.com/rdf/simple/0.9/"), "rss"),
        (RSS_09.format(namespace="http://purl.org/rss/1.0/"), "rss"),
        *((RSS.replace('"2.0"', f'"{version}"'), "rss") for version in ("0.91", "0.92", "0.93", "2.0")),
        (ATOM_03, "atom"),
        (ATOM, "atom"),
        (json_feed("1"), "json"),
        (json_feed("1.1"), "json"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/rss+xml", "text/html; charset=utf-8", "image/png", ""])
def test_F33_every_format_is_read_whatever_the_content_type(body: str, format_: str, content_type: str) -> None:
    feed = read(body, content_type=content_type)
    (entry,) = feed.entries
    assert (feed.title, feed.format, feed.degraded) == ("The Wire", format_, "")
    assert (entry.guid, entry.link, entry.title) == (ENTRY.guid, ENTRY.link, ENTRY.title)
    assert (entry.summary, entry.published_at) == (ENTRY.summary, ENTRY.published_at)


def test_a_news_sitemap_gives_entries_without_summary() -> None:
    feed = read(SITEMAP)
    (entry,) = feed.entries
    assert (feed.title, feed.format, entry.language) == ("The Wire", "sitemap", "en")
    assert (entry.link, entry.title, entry.published_at) == (ENTRY.link, ENTRY.title, ENTRY.published_at)


def test_a_sitemap_index_is_no_feed_and_says_what_to_watch_instead() -> None:
    body = "<sitemapindex><sitemap><loc>https://outlet.example/news.xml</loc></sitemap></sitemapindex>"
    with pytest.raises(ParseError, match=r"news\.xml") as caught:
        read(body)
    assert caught.value.reason == "not_a_feed"


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE html><html><body>Please sign in <feed></feed></body></html>",
        "<html><head><title>Just a moment...</title></head></html>",
        "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body/></html>",
        "Too many requests",
        '{"error": "forbidden"}',
        "<catalog><book/></catalog>",
        b"\x89PNG\r\n\x1a\n\0\0",
    ],
)
def test_F21_what_is_no_feed_is_said_to_be_none(body: str | bytes) -> None:
    assert reason(body) == "not_a_feed"


@pytest.mark.parametrize("body", ["", " \n\t", "{}", " {}\n", "[]", "\0\0", "\ufeff"])
def test_F22_an_empty_body_is_empty(body: str) -> None:
    assert reason(body) == "empty"


def test_a_feed_without_items_is_a_feed() -> None:
    assert read(rss("")).entries == ()
    assert read('<feed xmlns="http://www.w3.org/2005/Atom"/>').format == "atom"


def test_white_space_warnings_and_comments_before_the_root_are_passed_over() -> None:
    for junk in ("\n\n ", "<!-- made by hand -->", "<br />\n<b>Warning</b>: mysql_connect() in x.php\n", "\ufeff\n"):
        assert titles(read(junk + rss(item(1)))) == ["Story 1"]


# Charsets and characters


@pytest.mark.parametrize("charset", ["windows-1251", "koi8-r", "utf-8", "utf-16"])
def test_the_declared_charset_is_obeyed_and_the_declaration_dropped(charset: str) -> None:
    body = rss(item(1, title="Мирный договор с Японией")).replace('"1.0"', f'"1.0" encoding="{charset}"', 1)
    assert titles(read(body.encode(charset))) == ["Мирный договор с Японией"]


def test_F29_one_bad_byte_spoils_one_character_of_a_japanese_feed() -> None:
    body = rss("".join(item(n, title="平和条約交渉の行方") for n in range(20))).encode()
    broken = body.replace("行方".encode(), b"\xff" + "行方".encode(), 1)
    assert titles(read(broken)) == ["平和条約交渉の\ufffd行方", *["平和条約交渉の行方"] * 19]


@pytest.mark.parametrize("body", ["/etc/passwd", "http://127.0.0.1:9/", str(Path(__file__))])
def test_F26_a_body_that_is_a_path_or_an_address_is_data(body: str) -> None:
    assert reason(body) == "not_a_feed"


@pytest.mark.parametrize(
    "reference", ["&#xD800;", "&#99999999999;", "&#x110000;", "&#0;", "&#xFFFE;", "&#8;", "&#xdfff;"]
)
def test_F27_an_illegal_reference_becomes_one_replacement_character(reference: str) -> None:
    assert only(rss(item(1, title=f"a{reference}b"))).title == "a\ufffdb"
    assert only(rss(item(1, title=f"<![CDATA[a{reference}b]]>"))).title == "a\ufffdb"


def test_F27_coordinates_without_a_place_do_not_cost_the_feed() -> None:
    place = '<gml:pos xmlns:gml="http://www.opengis.net/gml">45.2 147.8</gml:pos>'
    assert titles(read(rss(item(1).replace("</item>", f"{place}</item>")))) == ["Story 1"]


def test_F39_controls_and_noncharacters_are_stripped_everywhere() -> None:
    dirt = "\0\x01\x0b\x1f\x7f\ufffe\uffff"
    entry = only(rss(item(1, title=f"a{dirt}b", description=f"c{dirt}d", guid=f"e{dirt}f", author=f"g{dirt}h")))
    assert (entry.title, entry.summary, entry.guid, entry.author) == ("ab", "cd", "ef", "gh")
    entries = json.dumps({"version": "https://jsonfeed.org/version/1", "items": [{"id": "a\0", "title": "b\ud800c"}]})
    (entry,) = read(entries).entries
    assert (entry.guid, entry.title) == ("a", "bc")


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("AT&T", "AT&T"),
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("<![CDATA[AT&T]]>", "AT&T"),
        ("<![CDATA[AT&amp;T]]>", "AT&T"),
        ("Caf&eacute;&nbsp;talks", "Café talks"),
        ("&lt;b&gt;Bold&lt;/b&gt; step", "Bold step"),
        ("<![CDATA[<i>Izvestia</i>: talks<br>end]]>", "Izvestia: talks end"),
        ("5 &lt; 6 &gt; 4", "5 < 6 > 4"),
        ("5 < 6", "5 < 6"),
        ("How to use &lt;b&gt; in HTML", "How to use <b> in HTML"),
        ("Quote &#8220;we&#8221; &#x2014; they", "Quote “we” — they"),
        ("two\n  lines", "two lines"),
        ("soft\u00adhyphen\u200b", "softhyphen"),
    ],
)
def test_titles_are_plain_text(raw: str, title: str) -> None:
    assert only(rss(item(1, title=raw))).title == title


@pytest.mark.parametrize(
    ("construct", "title"),
    [
        ('<title type="text">Use &lt;script&gt; &amp;amp; co</title>', "Use <script> &amp; co"),
        ('<title type="html">&lt;b&gt;A&lt;/b&gt; &amp;amp;lt; B</title>', "A &lt; B"),
        ('<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">A <b>b</b> &amp; c</div></title>', "A b & c"),
    ],
)
def test_F45_atom_titles_are_read_by_their_declared_type(construct: str, title: str) -> None:
    assert only(ATOM.replace('<title type="text">Talks &amp; treaties</title>', construct)).title == title


def test_the_longer_of_teaser_and_content_is_kept_with_its_paragraphs() -> None:
    content = "<![CDATA[<p>One.</p><script>track()</script><p>Two <b>and</b><br>three.</p>]]>"
    body = rss(item(1, description="Teaser").replace("</item>", f"<content:encoded>{content}</content:encoded></item>"))
    body = body.replace("<rss ", '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" ')
    assert only(body).summary == "One.\nTwo and\nthree."


# Identity


def test_F34_an_item_without_guid_is_known_by_its_link_else_by_its_words() -> None:
    link = "<item><title>T</title><link>https://outlet.example/x</link></item>"
    words = "<item><title>T</title><description>D</description></item>"
    first, second = read(rss(link + words)).entries
    again = read(rss(words + link)).entries
    assert first.guid == "https://outlet.example/x"
    assert second.guid.startswith("sha256:")
    assert {entry.guid for entry in again} == {first.guid, second.guid}


def test_F34_a_repeated_item_counts_once_and_different_stories_under_one_guid_stay_apart() -> None:
    one, two = item(1, guid="same"), item(2, guid="same")
    kept = read(rss(one + two + one)).entries
    assert [entry.title for entry in kept] == ["Story 1", "Story 2"]
    assert {entry.guid for entry in kept} == {entry.guid for entry in read(rss(two + one)).entries}
    assert len({entry.guid for entry in kept}) == 2


def test_an_id_does_not_change_with_the_address_of_the_feed() -> None:
    assert only(rss(item(1, guid="12345"))).guid == "12345"
    assert only(ATOM.replace("<id>https://outlet.example/a</id>", "<id>t3_abc</id>")).guid == "t3_abc"
    assert only(ATOM.replace("<id>https://outlet.example/a</id>", "<id>tag:x,2004:1</id>")).guid == "tag:x,2004:1"


def test_an_overlong_guid_is_shortened_to_something_an_index_takes() -> None:
    guids = {only(rss(item(1, guid="g" * 5000 + end))).guid for end in "ab"}
    assert len(guids) == 2
    assert all(len(guid) <= 500 for guid in guids)


# Links


@pytest.mark.parametrize(
    ("link", "resolved"),
    [
        ("/a?b=1&amp;c=2", "https://outlet.example/a?b=1&c=2"),
        ("story.html", "https://outlet.example/news/story.html"),
        ("  https://outlet.example/a \n", "https://outlet.example/a"),
        ("<![CDATA[https://outlet.example/a?b=1&c=2]]>", "https://outlet.example/a?b=1&c=2"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://outlet.example/" + "a" * 10_000, None),
        ("https://[", None),
    ],
)
def test_F38_links_are_resolved_and_only_web_addresses_kept(link: str, resolved: str | None) -> None:
    assert only(rss(item(1, link=link))).link == resolved


def test_xml_base_counts() -> None:
    body = ATOM.replace("<entry>", '<entry xml:base="https://archive.example/2024/">').replace('href="/a"', 'href="a"')
    assert only(body).link == "https://archive.example/2024/a"


def test_the_alternate_link_is_the_article_s_and_the_outlet_s_own_wins_over_a_feed_service_s() -> None:
    links = '<link rel="self" href="/self"/><link rel="enclosure" href="/a.mp3"/><link href="/a"/>'
    assert only(ATOM.replace('<link href="/a"/>', links)).link == "https://outlet.example/a"
    original = (
        '<f:origLink xmlns:f="http://rssnamespace.org/feedburner/ext/1.0">https://outlet.example/real</f:origLink>'
    )
    assert only(rss(item(1).replace("</item>", original + "</item>"))).link == "https://outlet.example/real"


# Dates, language, frequency


def test_dates_come_from_the_raw_text() -> None:
    entry = only(rss(item(1, pubDate="2024年1月1日 12:30")))
    assert entry.published_at == datetime(2024, 1, 1, 3, 30, tzinfo=UTC)


def test_an_entry_with_only_an_update_was_published_then() -> None:
    entry = only(ATOM.replace("published>", "updated>"))
    assert entry.published_at == entry.updated_at == ENTRY.published_at


def test_an_impossible_date_is_none_not_an_error() -> None:
    assert only(rss(item(1, pubDate="Thu, 32 Foo 9999 25:61:00 +9999"))).published_at is None


def test_the_feed_says_its_language_and_pace() -> None:
    feed = read(rss("", "<language>ru-RU</language><ttl>30</ttl>"))
    assert (feed.language, feed.ttl_s) == ("ru-RU", 1800)
    pace = "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>"
    body = rss("", pace).replace("<rss ", '<rss xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" ')
    assert read(body).ttl_s == 43200


@pytest.mark.parametrize("ttl", ["", "0", "-5", "soon", "9" * 400])
def test_a_ttl_that_is_no_number_of_minutes_counts_for_nothing_or_is_bounded(ttl: str) -> None:
    ttl_s = read(rss("", f"<ttl>{ttl}</ttl>")).ttl_s
    assert ttl_s is None or ttl_s < 10**11


# Cut, broken, huge


@pytest.mark.parametrize(
    "body", [RSS_09.format(namespace="http://purl.org/rss/1.0/"), ATOM, RSS, SITEMAP, json_feed("1.1")]
)
def test_F32_a_feed_cut_anywhere_gives_its_whole_items_or_a_typed_error(body: str) -> None:
    for position in range(0, len(body), 7):
        found = outcome(body[:position])
        if isinstance(found, ParsedFeed):
            assert (found.degraded, len(found.entries)) in (("cut", 1), ("", 1))
        else:
            assert found in ("empty", "malformed", "not_a_feed")


def test_F32_a_cut_feed_is_degraded_and_keeps_the_items_before_the_cut() -> None:
    body = rss("".join(item(n) for n in range(10)))
    cut = read(body[: body.index("Story 6")])
    assert (cut.degraded, titles(cut)) == ("cut", [f"Story {n}" for n in range(6)])
    items = json.loads(json_feed("1"))["items"] * 3
    whole = json.dumps({"version": "https://jsonfeed.org/version/1", "title": "T", "items": items})
    assert read(whole[:-30]).degraded == "cut"


def test_items_that_could_not_be_read_make_a_feed_degraded() -> None:
    body = rss(item(1) + "<rss:item><rss:title>x</rss:title></rss:item>")
    assert (read(body).degraded, titles(read(body))) == ("malformed", ["Story 1"])


def test_common_faults_of_outlets_do_not_make_a_feed_degraded() -> None:
    for fault in (
        "<a:b>x</a:b>",
        "<description>A & B &nbsp; &bogus; < c</description>",
        "<description>\x0b</description>",
    ):
        feed = read(rss(item(1).replace("</item>", f"{fault}</item>") + item(2)))
        assert (feed.degraded, titles(feed)) == ("", ["Story 1", "Story 2"])


def dated(number: int, age_h: int) -> str:
    return item(number, pubDate=format_datetime(NOW - timedelta(hours=age_h)))


def test_F37_the_newest_entries_are_kept_in_feed_order() -> None:
    body = rss("".join(dated(number, age_h) for number, age_h in enumerate([5, 1, 4, 2, 3])))
    feed = read(body, max_entries=3)
    assert (titles(feed), feed.degraded) == (["Story 1", "Story 3", "Story 4"], "")
    assert titles(read(rss(item(1) + dated(2, 1) + dated(3, 2)), max_entries=2)) == ["Story 1", "Story 2"]


BOMB = "<!DOCTYPE lolz [<!ENTITY a0 'lol'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)
) + "]>"  # fmt: skip
CREATOR = "<x:creator xmlns:x='http://purl.org/dc/elements/1.1/'>"
HOSTILE = {
    "F25 billion laughs": BOMB + rss(item(1, title="&a11;")),
    "F25 quadratic entities": f'<!DOCTYPE a [<!ENTITY a "{"A" * 50_000}">]>' + rss(item(1, title="&a;" * 50_000)),
    "F25 external entity": '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + rss(item(1, title="&a;")),
    "F28 author": rss(item(1, author="a@" + "a." * 16_000 + "!")),
    "F28 author in CDATA": rss(item(1, author="<![CDATA[a@" + "a." * 16_000 + "!]]>")),
    "F28 author under any prefix": rss(item(1).replace("<title>", f"{CREATOR}a@{'a.' * 16_000}!</x:creator><title>")),
    "F28 author in pieces": rss(item(1, author="a@" + "a.<!-- -->" * 16_000 + "!")),
    "F37 50,000 items": rss("".join(item(n) for n in range(50_000))),
    "nested elements": rss(item(1, description="<div>" * 50_000)),
    "nested HTML": rss(item(1, description="&lt;div&gt;" * 50_000)),
    "50,000 attributes": "<rss " + " ".join(f"a{n}='x'" for n in range(50_000)) + "><channel/></rss>",
    "unclosed tags": "<rss><channel>" + "<item" * 100_000 + "</channel></rss>",
    "unclosed CDATA": rss("<item><title>" + "<![CDATA[" * 100_000),
    "unclosed comments": "<!--" * 100_000,
    "document type": "<!DOCTYPE a [" + "] " * 100_000,
    "ampersands": rss(item(1, title="&" * 100_000)),
    "nested JSON": '{"version": "https://jsonfeed.org/version/1", "items": ' + "[" * 100_000,
    "a JSON id of 10,000 digits": '{"version": "jsonfeed.org/version/1", "items": [{"id": ' + "9" * 10_000 + "}]}",
    "nested sitemap": "<urlset>" + "<url>" * 100_000 + "</urlset>",
    "all bytes": "".join(map(chr, range(256))) * 500,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_F25_F28_F37_hostile_feeds_end_soon(name: str) -> None:
    began = time.perf_counter()
    found = outcome(HOSTILE[name])
    assert time.perf_counter() - began < SECONDS
    entries = found.entries if isinstance(found, ParsedFeed) else ()
    assert sum(len(entry.title) + len(entry.author) for entry in entries) < 200_000


@pytest.mark.parametrize("name", ["F25 billion laughs", "F25 quadratic entities", "F25 external entity"])
def test_F25_no_entity_is_expanded(name: str) -> None:
    title = only(HOSTILE[name]).title
    assert title.startswith("&a")
    assert "lol" not in title


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_ends_in_entries_or_a_typed_error(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from([RSS, ATOM, ATOM_03, SITEMAP, json_feed("1.1")])).encode())
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, len(body)))
        body[position : position + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    found = outcome(bytes(body))
    assert isinstance(found, ParsedFeed) or found in ("empty", "not_a_feed", "malformed")


@pytest.mark.parametrize(
    "items",
    ["5", "{}", '[5, null, "x"]', '[{"id": 5, "title": {}, "url": [], "authors": "x", "date_published": 3}]', "null"],
)
def test_a_json_feed_of_wrong_types_is_read_as_far_as_it_goes(items: str) -> None:
    feed = read(f'{{"version": "https://jsonfeed.org/version/1.1", "title": 1, "items": {items}}}')
    assert [entry.guid for entry in feed.entries] in ([], ["5"])


# Corpora


@pytest.fixture(scope="module")
def corpora() -> None:
    if not parse_corpora.archives():
        pytest.skip(f"no corpora of feeds under {parse_corpora.CORPORA}")


@pytest.mark.usefixtures("corpora")
def test_every_feed_of_the_corpora_ends_in_entries_or_a_typed_error_within_two_seconds() -> None:
    result = parse_corpora.survey()
    assert (result.tracebacks, result.slowest[0] < SECONDS) == ([], True)
    assert result.outcomes.total() > 3500


@pytest.mark.usefixtures("corpora")
def test_titles_links_ids_and_dates_agree_with_other_parsers() -> None:
    result = parse_corpora.agreement()
    assert result.compared.total() > 2000
    assert result.share() >= 0.98
