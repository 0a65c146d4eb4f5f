"""What outlets send becomes HTML that runs nothing, loads nothing and leads nowhere but to web addresses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape as html_escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup

from pipeline.collect.parse import parse
from pipeline.records import Entry, Fetched
from pipeline.report.markup import ATTRIBUTES, ELEMENTS, address, escaped, render, sanitise, templates
from pipeline.report.pages.page import Frame
from tests.attacks import ATTACKS, SCHEMES

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PAGE = """<!doctype html><title>{{ words }}</title><h1 title="{{ words }}">{{ words }}</h1>
<a href="{{ words | address }}">{{ words }}</a><div>{{ words | sanitised }}</div><textarea>{{ words }}</textarea>"""
OURS = {"title": set(), "h1": {"title"}, "a": {"href", "rel"}, "div": set(), "textarea": set()}


class Seen(HTMLParser):
    """Every element and attribute that a tokenizer sees, without the tree that a browser makes of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.found.append(("!--", {}))

    def handle_pi(self, data: str) -> None:
        self.found.append(("?", {}))


def strangers(html: str, known: dict[str, set[str]]) -> list[str]:
    """Elements, attributes and link targets that two parsers find in HTML and that have no place there."""
    tree = lxml.html.document_fromstring(f"<!doctype html><html><body>{html}</body></html>")
    seen = [(str(node.tag), dict(node.attrib)) for node in tree.iter() if node.tag not in ("html", "head", "body")]
    both = Seen(html).found + [(tag, {str(name): str(value) for name, value in given.items()}) for tag, given in seen]
    return [
        f"{tag} {name}={value}"
        for tag, given in both
        for name, value in (given or {"": ""}).items()
        if tag not in known or (name and name not in known[tag]) or (name == "href" and not _leads_to_the_web(value))
    ]


def _leads_to_the_web(target: str | None) -> bool:
    return not target or urlsplit(target).scheme in ("http", "https")


CLEAN: dict[str, set[str]] = {tag: ATTRIBUTES.get(tag, set()) for tag in ELEMENTS} | {"a": {"href", "rel"}}
PARTS = [part for attack in ATTACKS if len(attack) < 200 for part in re.split("(?=[<>\"' ])", attack)]


def test_there_are_enough_attacks() -> None:
    assert len(set(ATTACKS)) > 150


@pytest.mark.parametrize("attack", ATTACKS)
def test_F44_nothing_but_known_elements_survives_cleaning(attack: str) -> None:
    clean = sanitise(attack)
    assert strangers(clean, CLEAN) == []
    assert sanitise(clean) == clean  # a second parse finds the same tree, so that nothing mutates into something else


@pytest.mark.parametrize("attack", ATTACKS)
def test_F44_words_stay_words_wherever_a_page_shows_them(attack: str) -> None:
    page = templates().from_string(PAGE).render(words=attack)
    assert strangers(page, CLEAN | OURS) == []
    shown = lxml.html.document_fromstring(page).find(".//h1")
    assert shown is not None
    assert shown.text == attack.replace("\0", "\ufffd")  # what HTML makes of NUL


def feed(payload: str, kind: str) -> Fetched:
    safe = html_escape(payload)
    atom = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title type="{kind}">{safe}</title><id>f</id>
    <updated>2026-11-24T00:00:00Z</updated><entry><id>e</id><title type="{kind}">{safe}</title>
    <author><name>{safe}</name></author><category term="{safe}"/><link href="{safe}"/><link href="https://a.example/1"/>
    <summary type="{kind}">{safe}</summary><updated>2026-11-24T00:00:00Z</updated></entry></feed>"""
    body = atom.encode()
    url = "https://a.example/feed"
    return Fetched(
        url=url, final_url=url, status=200, body=body, content_type="application/atom+xml", fetched_at=NOW
    )  # fmt: skip


def words_of(entry: Entry) -> list[str]:
    return [entry.title, entry.summary, entry.author or "", entry.link or ""]


@pytest.mark.parametrize("kind", ["text", "html"])
@pytest.mark.parametrize(
    "payload",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", '"><svg onload=alert(1)>'],
)
def test_F45_what_a_feed_calls_text_is_text(payload: str, kind: str) -> None:
    parsed = parse(feed(payload, kind), max_entries=10)
    for words in [parsed.title, *(word for entry in parsed.entries for word in words_of(entry))]:
        assert strangers(templates().from_string(PAGE).render(words=words), CLEAN | OURS) == []


def test_F46_no_picture_is_loaded_from_an_outlet() -> None:
    assert sanitise('<p>Talks<img src="https://a.example/pixel.gif" width=1></p>') == "<p>Talks</p>"


def test_F47_an_address_in_a_message_is_escaped() -> None:
    message = "https://a.example/?<script>alert(1)</script>: timed out"
    frame = Frame(title=message, place="", caller=None, signed_in=False, tongues=())
    page = render("error.html", frame=frame, said=message)
    assert escaped(message) in page
    assert "<script" not in page


def test_what_an_outlet_wrote_keeps_its_shape() -> None:
    html = '<h3>平和条約</h3><p>Talks <em>go on</em>.</p><ul><li><a href="https://a.example/?a=1&amp;b=2">more</a></li></ul>'
    assert sanitise(html) == html.replace('">more', '" rel="noopener noreferrer nofollow">more')


@pytest.mark.parametrize("target", [scheme.format(run="alert(1)") for scheme in SCHEMES])
def test_a_link_leads_to_web_addresses_only(target: str) -> None:
    assert address(target) == ""


@pytest.mark.parametrize("target", ["https://a.example/1?a=b#c", "http://a.example", "https://例え.example/平和"])
def test_web_addresses_are_kept(target: str) -> None:
    assert address(target) == target


def test_only_what_was_cleaned_is_markup() -> None:
    assert isinstance(sanitise("<b>x</b>"), Markup)
    assert templates().from_string("{{ a }}{{ b | sanitised }}").render(a="<b>", b="<b>x") == "&lt;b&gt;<b>x</b>"


def test_a_template_that_asks_for_what_it_was_not_given_fails_at_once() -> None:
    with pytest.raises(UndefinedError):
        templates().from_string("{{ absent }}").render()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_F44_no_mixture_of_attacks_survives(parts: list[str]) -> None:
    mixed = "".join(parts)
    clean = sanitise(mixed)
    assert strangers(clean, CLEAN) == []
    assert sanitise(clean) == clean
    assert strangers(templates().from_string(PAGE).render(words=mixed), CLEAN | OURS) == []
