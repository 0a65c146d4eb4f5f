"""Whatever comes in from outside ends in a result that can be stored or in a typed error, never in a traceback.

Where CI is true, Hypothesis takes the same examples every time (its own profile for that). To search for longer:

    FUZZ=20 pytest tests/test_fuzz.py
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import tomli_w
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.invalid import InvalidSettings
from config.settings import ENV_PREFIX, Settings, defaults, load
from config.sources import load_feeds
from pipeline.collect import addresses, charset, hints, jsonfeed, opml, sitemap
from pipeline.collect.dates import parse_date
from pipeline.collect.discover import discover
from pipeline.collect.extract import extract, from_summary
from pipeline.collect.hosts import retry_after_s
from pipeline.collect.markup import prepare
from pipeline.collect.parse import parse
from pipeline.collect.robots import read_rules
from pipeline.errors import ExtractError, FetchError, ParseError, TreatywatchError
from pipeline.records import Article, Entry, Feed, Fetched, ParsedFeed
from storage.columns import storable
from tests.mutants import feeds, mutants, pages, rules, sample

T = TypeVar("T")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
URL = "https://a.example/feed"
OPML, SITEMAP = sample("feeds.opml"), sample("sitemap.xml")
SETTINGS = load(environ={})
SOON = NOW + timedelta(hours=24)
FEED = Feed(url=URL, outlet="Asahi", country="JP", language="ja", kind="national", format="rss")
ENTRY = Entry(guid="g", link="https://a.example/1", title="Talks", summary="In short", published_at=None)


def fuzz(examples: int) -> settings:
    """So many examples, or FUZZ times as many, without a clock: this machine may be busy."""
    return settings(
        max_examples=examples * int(os.environ.get("FUZZ", "1")), deadline=None, suppress_health_check=list(HealthCheck)
    )


def fetched(body: bytes, content_type: str = "") -> Fetched:
    return Fetched(url=URL, final_url=URL, status=200, body=body, content_type=content_type, fetched_at=NOW)


def outcome(read: Callable[..., T], *given: Any, **options: Any) -> T | TreatywatchError | InvalidSettings:
    """What comes out: a result, or an error with a reason or a line that says what is wrong."""
    try:
        return read(*given, **options)
    except (TreatywatchError, InvalidSettings) as error:
        return error


def sound(*texts: str) -> bool:
    """Whether every database takes the texts as they are."""
    return all(storable(text) == text == text.encode().decode() for text in texts)


def may_be(at: datetime | None) -> bool:
    return at is None or (at.tzinfo is not None and datetime(1970, 1, 1, tzinfo=UTC) < at <= SOON)


TYPES = st.sampled_from(
    [
        "",
        "text/html",
        "application/xml; charset=shift_jis",
        "text/xml; charset=\0",
        "x" * 300,
        "charset=utf-7",
        "a;charset=",
    ]
)
WORDS = st.text(max_size=40)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.sampled_from(["http://[", "2026-11-24", URL])
)
JSON_VALUES: st.SearchStrategy[Any] = st.deferred(
    lambda: SCALARS | st.lists(JSON_VALUES, max_size=3) | st.dictionaries(WORDS, JSON_VALUES, max_size=3)
)


# Feeds


@fuzz(400)
@given(body=st.one_of(mutants(feeds()), mutants(feeds()), st.binary(max_size=300)), content_type=TYPES)
def test_a_feed_is_read_or_a_typed_error(body: bytes, content_type: str) -> None:
    check(outcome(parse, fetched(body, content_type), max_entries=20))


def check(found: Any) -> None:
    if isinstance(found, ParseError):
        assert (found.reason in {"not_a_feed", "empty", "malformed"}, found.url) == (True, URL)
        return
    assert isinstance(found, ParsedFeed)
    assert len(found.entries) <= 20
    assert sound(found.title, found.language)
    assert found.ttl_s is None or 0 < found.ttl_s < 10**12
    assert set(found.skip_hours) < set(range(24))
    assert set(found.skip_days) < set(range(7))
    for entry in found.entries:
        assert sound(entry.guid, entry.title, entry.summary, entry.author, entry.language, entry.link or "")
        assert entry.guid
        assert entry.link is None or entry.link.startswith(("http://", "https://"))
        assert may_be(entry.published_at)
        assert may_be(entry.updated_at)


KEYS = (
    "id",
    "url",
    "external_url",
    "title",
    "content_html",
    "content_text",
    "summary",
    "date_published",
    "author",
    "authors",
)


@fuzz(200)
@given(
    head=st.dictionaries(st.sampled_from(["title", "language", "version", "home_page_url", "items"]), JSON_VALUES),
    items=st.lists(st.dictionaries(st.sampled_from(KEYS), JSON_VALUES) | JSON_VALUES, max_size=4),
    cut=st.integers(0, 40),
)
def test_a_json_feed_of_any_types_is_read_or_a_typed_error(head: dict[str, Any], items: list[Any], cut: int) -> None:
    text = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items, **head})
    body = text[: len(text) - cut].encode("utf-8", "surrogatepass")
    check(outcome(parse, fetched(body), max_entries=20))


@fuzz(100)
@given(st.text(max_size=200) | st.sampled_from(["[" * 100_000, '{"a":' * 50_000, '{"items": [' + "[" * 50_000]))
def test_a_json_feed_that_is_none_says_so(text: str) -> None:
    with pytest.raises(jsonfeed.NotJsonFeed):
        jsonfeed.read(text, max_items=5)


@fuzz(150)
@given(mutants((SITEMAP.encode(), SITEMAP.replace("urlset", "sitemapindex").encode())))
def test_a_sitemap_is_read_as_far_as_it_goes(body: bytes) -> None:
    text = prepare(body.decode("utf-8", "replace"), max_items=20).text
    if text:
        assert all(isinstance(item.link, str) for item in sitemap.read(text).items)
        assert all(isinstance(address, str) for address in sitemap.children(text))


# Texts


@fuzz(300)
@given(
    body=st.one_of(mutants(feeds()), mutants(pages()), st.binary(max_size=200)),
    content_type=TYPES,
    markup=st.sampled_from(["xml", "html"]),
)
def test_any_bytes_are_a_text(body: bytes, content_type: str, markup: Any) -> None:
    text = charset.decode(body, content_type=content_type, markup=markup)
    assert text.encode().decode() == text


PARTS = st.sampled_from(
    [
        "2026",
        "11",
        "24",
        "-",
        "/",
        ".",
        ":",
        " ",
        "T",
        "Z",
        "+09:00",
        "-99",
        "JST",
        "年",
        "月",
        "日",
        "令和",
        "元",
        "午後",
        "時",
        "分",
        "Nov",
        "мая",
        "мар.",
        "12",
        "0",
        "99",
        "999999999",
        "1e9",
        "am",
        "PM",
        "GMT+25",
        "\u2212",
        "١٢",
        "²",
        "二〇二六",
        "th",
        "г.",
        "\0",
        "昭和",
        "(UTC)",
        "''",
    ]
)


@fuzz(500)
@given(st.lists(PARTS, max_size=12).map("".join) | st.text(max_size=130) | st.integers().map(str))
@example("9" * 5000)
@example("令和99999999年1月1日")
def test_F36_any_text_is_a_date_within_bounds_or_none(text: str) -> None:
    assert may_be(parse_date(text, now=NOW))


@fuzz(80)
@given(body=mutants(pages()), content_type=TYPES)
def test_a_page_is_an_article_or_a_typed_error(body: bytes, content_type: str) -> None:
    found = outcome(extract, fetched(body, content_type), ENTRY, FEED, SETTINGS.extract)
    if isinstance(found, ExtractError):
        assert found.reason in {"not_html", "no_text", "too_deep"}
        return
    assert isinstance(found, Article)
    assert sound(found.url, found.title, found.text, found.byline)
    assert found.url.startswith("https://")
    assert (len(found.text) <= SETTINGS.extract.max_chars, len(found.language) in (2, 3)) == (True, True)
    assert may_be(found.published_at)


@fuzz(200)
@given(body=st.one_of(mutants(pages()), st.binary(max_size=200)), content_type=TYPES)
def test_any_page_announces_web_addresses_or_nothing(body: bytes, content_type: str) -> None:
    assert all(feed.url.startswith(("http://", "https://")) for feed in discover(fetched(body, content_type)))


@fuzz(100)
@given(title=st.text(), summary=st.text(), author=st.text(), link=st.none() | st.text())
def test_any_entry_has_a_summary_or_a_typed_error(title: str, summary: str, author: str, link: str | None) -> None:
    entry = Entry(guid="g", link=link, title=title, summary=summary, published_at=None, author=author)
    assert isinstance(outcome(from_summary, entry, FEED), Article | ExtractError | FetchError)


# Other files


@fuzz(250)
@given(mutants((OPML.encode(),)) | st.binary(max_size=200))
@example(OPML.replace("https://a.example/feed", "https://[").encode())
@example(OPML.replace("https://a.example/feed", "https://a.example:port/").encode())
@example(b"<opml><body>" + b"<outline>" * 3000)
@example(OPML.replace("a.example/feed", "a.example/fe  ed\u200b").encode())
@example(OPML.replace('text="A"', "").encode())
def test_opml_is_read_or_a_typed_error_and_goes_round(text: bytes) -> None:
    found = outcome(opml.read, text)
    if isinstance(found, ParseError):
        assert found.reason in {"malformed", "too_large"}
        return
    assert isinstance(found, tuple)
    again = opml.read(opml.write(found))  # an outline without a title bears its address then
    assert [outline.url for outline in again] == [outline.url for outline in found]
    assert opml.read(opml.write(again)) == again


AGENTS = st.sampled_from(["treatywatch/0.1 (media research)", "*", "", "/", "x" * 100])
PATHS = st.text(max_size=60).map(lambda path: f"https://a.example/{path}")


@fuzz(250)
@given(body=mutants(rules()) | st.binary(max_size=200), agent=AGENTS, url=PATHS)
def test_any_robots_txt_allows_or_does_not(body: bytes, agent: str, url: str) -> None:
    found = read_rules(body, agent)
    assert found.allow(url) in (True, False)
    assert 0 <= found.delay_s <= 60


ADDRESSES = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [
                "http",
                "https",
                ":",
                "/",
                "//",
                "@",
                "?",
                "#",
                "[",
                "]",
                "::1",
                "%",
                "%zz",
                "a.example",
                "例え.jp",
                "xn--",
                "key=",
                "token=",
                "&",
                "99999",
                ".",
                "..",
                "\\",
                " ",
                "\t",
                "\0",
                "0x7f",
                "javascript",
            ]
        ),
        max_size=14,
    ).map("".join),
)


@fuzz(500)
@given(ADDRESSES, ADDRESSES)
def test_any_address_is_one_or_a_typed_error(base: str, link: str) -> None:
    for read in (addresses.parse, addresses.canonical, addresses.host_of):
        found = outcome(read, link)
        assert not isinstance(found, FetchError) or found.reason in {"bad_url", "bad_scheme"}
    target = addresses.resolve(base, link)
    assert target is None or addresses.canonical(addresses.canonical(target)) == addresses.canonical(target)
    assert isinstance(addresses.redacted(link), str)
    assert "s3cret" not in addresses.without_secrets(f"https://anna:s3cret@a.example/{base}")


@fuzz(200)
@given(st.text(max_size=60) | st.integers().map(str) | st.datetimes().map(str))
def test_any_header_about_time_is_some_or_none(value: str) -> None:
    wait = retry_after_s(value, NOW)
    assert wait is None or 0 <= wait <= 1e9
    age = hints.max_age_s(f"public, max-age={value}")
    assert age is None or age > 0


# Settings


SHIPPED = defaults()
PLACES = [(section, name) for section, values in SHIPPED.items() for name in values]
VALUES = st.one_of(
    JSON_VALUES.filter(lambda value: value is not None),
    st.datetimes(),
    st.sampled_from(
        [-1, 0, 1, 10**400, float("nan"), float("inf"), "", "~nobody/x", "\0", ["127.0.0.0/99"], "0.0.0.0", True]
    ),
)
RAW = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "9" * 5000,
            "[" * 3000,
            "{a=1",
            "'''",
            "1\nx = 2",
            "nan",
            "1979-05-27",
            "~nobody/x",
            '"\\ud800"',
            "0x",
            "1_0",
            "[1,]",
        ]
    ),
)


def is_settled(file: Path | None = None, flags: tuple[str, ...] = (), environ: dict[str, str] | None = None) -> bool:
    """Whether the settings could be read; if not, there is a line that says why."""
    found = outcome(load, file, flags, environ or {})
    assert not isinstance(found, InvalidSettings) or str(found).strip()
    return isinstance(found, Settings)


def written(text: bytes) -> Path:
    with tempfile.NamedTemporaryFile(suffix=".toml", delete=False) as file:
        file.write(text)
    return Path(file.name)


@fuzz(200)
@given(st.dictionaries(st.sampled_from(PLACES), VALUES, max_size=4), st.dictionaries(WORDS, VALUES, max_size=1))
def test_settings_of_any_types_are_taken_or_explained(
    given: dict[tuple[str, str], Any], strange: dict[str, Any]
) -> None:
    layer: dict[str, Any] = dict(strange)
    for (section, name), value in given.items():
        layer.setdefault(section, {})[name] = value
    try:
        text = tomli_w.dumps(layer).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError):
        return
    file = written(text)
    is_settled(file)
    file.unlink()


@fuzz(200)
@given(mutants(((Path(__file__).parents[1] / "config" / "settings.toml").read_bytes(),)) | st.binary(max_size=100))
@example(b"a = " + b"9" * 5000)
@example(b"a = " + b"[" * 5000)
def test_any_settings_file_is_taken_or_explained(text: bytes) -> None:
    file = written(text)
    is_settled(file)
    assert isinstance(outcome(load_feeds, file), tuple | InvalidSettings)
    file.unlink()


@fuzz(300)
@given(st.sampled_from(PLACES), RAW, st.sampled_from(["", "_FILE", "x"]), st.text(max_size=20))
@example(("fetch", "timeout_s"), "9" * 5000, "", "")
@example(("fetch", "allow_networks"), "[" * 3000, "", "")
@example(("web", "secret"), "~nobody/x", "_FILE", "")
def test_any_environment_and_flag_is_taken_or_explained(place: tuple[str, str], raw: str, end: str, other: str) -> None:
    section, name = place
    is_settled(environ={f"{ENV_PREFIX}{section}__{name}{end}".upper(): raw, f"{ENV_PREFIX}{other}": raw, other: raw})
    is_settled(flags=(f"{section}.{name}={raw}",))
    is_settled(flags=(other,))


@pytest.mark.parametrize("place", ["~nobody-has-this-name/settings.toml", "\0", "/", "x" * 5000])
def test_a_settings_file_that_can_not_be_one_is_explained(place: str) -> None:
    assert is_settled(Path(place)) is False


@pytest.mark.parametrize("place", ["~nobody-has-this-name/data", "~nobody-has-this-name"])
def test_a_folder_of_somebody_who_is_not_there_is_explained(place: str) -> None:
    assert is_settled(flags=(f"storage.data_dir={place}",)) is False
    assert is_settled(flags=(f"backup.directory={place}",)) is False
    assert is_settled(flags=(f"feeds.file={place}",)) is False
