"""Addresses: resolved as browsers do, one identity for an article, nothing secret shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.addresses import canonical, host_of, parse, redacted, resolve, without_secrets
from pipeline.errors import FetchError

SHARED = Path(__file__).parents[1].parent / "shared"
CASES = SHARED / "corpora" / "wpt_url" / "urltestdata.json"
# Hosts that are to fail as broken Punycode since Unicode's UTS 46 revision 33, which the parser does not follow yet.
NOT_YET = {"a.b.c.xn--pokxncvks", "10.0.0.xn--pokxncvks", "xn--"}
URLISH = st.text(
    alphabet=st.sampled_from("abzAZ09.-_~:/?#[]@!$&'()*+,;=% \t\n\\|^`{}<>\"é平я\u3002\u00ad\x00\x7f"), max_size=60
)


def reason(url: str) -> str:
    with pytest.raises(FetchError) as caught:
        canonical(url)
    return caught.value.reason


def test_resolving_agrees_with_the_url_standard_in_all_its_cases() -> None:
    if not CASES.exists():
        pytest.skip("the web platform's URL tests (shared/corpora/wpt_url) are not on this machine")
    cases = [case for case in json.loads(CASES.read_text(encoding="utf-8")) if isinstance(case, dict)]
    wrong = [case for case in cases if resolve(case["base"] or "", case["input"]) != expected(case)]
    hosts = {case["input"].lower().removeprefix("https://").removeprefix("http://").rstrip("/") for case in wrong}
    assert (len(cases) > 800, hosts - NOT_YET) == (True, set())


def expected(case: dict[str, Any]) -> str | None:
    href = case.get("href", "")
    return href if href.startswith(("http:", "https:")) and len(href) <= 2048 else None


@pytest.mark.parametrize(
    ("link", "resolved"),
    [
        ("/a b", "https://news.example/a%20b"),
        ("\t https://news.example/a\n ", "https://news.example/a"),
        ("../平和", "https://news.example/%E5%B9%B3%E5%92%8C"),
        ("https://日本.example/", "https://xn--wgv71a.example/"),
        ("//other.example/x", "https://other.example/x"),
        ("?page=2", "https://news.example/feeds/world.xml?page=2"),
        ("#part", "https://news.example/feeds/world.xml#part"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:desk@news.example", None),
        ("ftp://news.example/a", None),
        ("http://", None),
        ("http://a b/", None),
        ("/" + "x" * 10_000, None),
        ("/\ud800", None),
        ("/nul\0byte", "https://news.example/nul%00byte"),
    ],
)
def test_F38_only_usable_links_survive_resolution(link: str, resolved: str | None) -> None:
    assert resolve("https://news.example/feeds/world.xml", link) == resolved


@pytest.mark.parametrize("base", ["", "nonsense", "urn:x", "file:///tmp/feed.xml"])
def test_a_full_link_needs_no_base(base: str) -> None:
    assert resolve(base, "https://news.example/a") == "https://news.example/a"


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("HTTPS://News.Example:443/A", "https://news.example/A"),
        ("http://news.example:80", "http://news.example/"),
        ("https://news.example:8443/a", "https://news.example:8443/a"),
        ("https://новости.example/а", "https://xn--b1amnebsh.example/%D0%B0"),
        ("https://news.example/%e5%b9%b3%7Ex", "https://news.example/%E5%B9%B3~x"),
        ("https://news.example/100%", "https://news.example/100%25"),
        ("https://news.example/a#comments", "https://news.example/a"),
        ("https://news.example/#!/a/1", "https://news.example/#!/a/1"),
        ("https://user:secret@news.example/a", "https://news.example/a"),
        ("https://news.example/a?utm_source=rss&id=7&UTM_Medium=x", "https://news.example/a?id=7"),
        ("https://news.example/a?b=2&a=1&b=3", "https://news.example/a?b=2&a=1&b=3"),
        ("https://news.example/a?fbclid=x&gclid=y&yclid=z&_openstat=q", "https://news.example/a"),
        ("https://news.example/a?at_medium=RSS&at_campaign=KARANGA", "https://news.example/a"),
        ("https://news.example/a?iref=com_rss", "https://news.example/a"),
        ("https://news.example/a?ref=rss&from=feed", "https://news.example/a"),
        ("https://news.example/a?ref=42&from=tokyo&source=afp", "https://news.example/a?ref=42&from=tokyo&source=afp"),
        ("https://news.example/a?", "https://news.example/a"),
        ("https://news.example/a?&&id=1&", "https://news.example/a?id=1"),
        ("https://news.example/a??", "https://news.example/a??"),
        ("https://news.example/a?q=%d0%b0+b%26c", "https://news.example/a?q=%D0%B0+b%26c"),
        ("https://news.example/a/../b/./c", "https://news.example/b/c"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
    ],
)
def test_spellings_of_one_article_have_one_identity(url: str, identity: str) -> None:
    assert canonical(url) == identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://news.example/a", "http://news.example/a"),
        ("https://www.news.example/a", "https://news.example/a"),
        ("https://news.example/a/", "https://news.example/a"),
        ("https://news.example/A", "https://news.example/a"),
        ("https://news.example/a?id=1", "https://news.example/a?id=2"),
        ("https://news.example/a%2Fb", "https://news.example/a/b"),
        ("https://news.example/?a=1%26b=2", "https://news.example/?a=1&b=2"),
        ("https://news.example/#!/1", "https://news.example/#!/2"),
    ],
)
def test_addresses_that_may_differ_are_kept_apart(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@given(base=URLISH, link=URLISH)
def test_what_resolves_always_has_an_identity_of_its_own(base: str, link: str) -> None:
    target = resolve(f"https://news.example/{base}", link) or resolve("", f"http://news.example/{link}")
    if target is not None:
        assert canonical(canonical(target)) == canonical(target)


@pytest.mark.parametrize(
    ("url", "expected_reason"),
    [
        ("news.example/feed", "bad_url"),
        ("", "bad_url"),
        ("https://", "bad_url"),
        ("https://news.example:99999/", "bad_url"),
        ("https://\ud800/", "bad_url"),
        ("ftp://news.example/", "bad_scheme"),
        ("file:///etc/passwd", "bad_scheme"),
        ("feed:https://news.example/", "bad_scheme"),
    ],
)
def test_what_is_no_web_address_is_refused_by_name(url: str, expected_reason: str) -> None:
    assert reason(url) == expected_reason


def test_an_address_falls_into_what_is_asked_and_what_is_sent_with_it() -> None:
    address = parse("https://an%40na:p%3Aw@News.Example:8443/feed?x=1#top")
    assert (address.url, address.host, address.origin, address.authorization) == (
        "https://news.example:8443/feed?x=1",
        "news.example",
        "https://news.example:8443",
        "Basic YW5AbmE6cDp3",
    )


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://WWW.News.example/a", "www.news.example"), ("http://[::1]:80/", "[::1]"), ("http://127.1/", "127.0.0.1")],
)
def test_the_host_is_told_in_its_plain_form(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://anna:secret@news.example/feed", "https://news.example/feed"),
        ("https://anna:secret@NEWS.example", "https://news.example/"),
        ("https:anna:secret@news.example/", "https://news.example/"),
        ("https://anna:se/cret@news.example:99999/", "https://news.example:99999/"),
        ("anna:secret@news.example/feed", "anna://news.example/feed"),
        ("ftp://anna:secret@news.example/", "ftp://news.example/"),
        ("https://news.example/@anna?to=a@b.example", "https://news.example/@anna?to=a@b.example"),
        ("https://NEWS.example", "https://NEWS.example"),
        ("not an address", "not an address"),
    ],
)
def test_F66_nothing_secret_of_an_address_is_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://anna:s@cret@news.example/rss took long", "https://news.example/rss took long"),
        ("https:anna:secret@news.example", "https:news.example"),
        ("can't open postgresql://anna:secret@db/x", "can't open postgresql://db/x"),
        ("(https://a.example/?a=1&key=secret&b=2#c)", "(https://a.example/?a=1&key=***&b=2#c)"),
        ("https://a.example/?X-Api_Key=secret;auth=secret", "https://a.example/?X-Api_Key=***;auth=***"),
        ("https://a.example/?keyword=peace&passage=3", "https://a.example/?keyword=peace&passage=3"),
        ("write to anna@news.example?", "write to anna@news.example?"),
        ("平和条約 https://a.example/?token=秘密 交渉", "平和条約 https://a.example/?token=*** 交渉"),
    ],
)
def test_F66_no_login_or_key_in_a_text_is_shown(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_F66_errors_do_not_repeat_the_password() -> None:
    with pytest.raises(FetchError) as caught:
        parse("https://anna:secret@news.example:99999/")
    assert "secret" not in f"{caught.value} {caught.value.url}"
