"""Scored articles as an Atom feed (RFC 4287), told in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from lxml import etree

from config.codebook import Codebook, load_codebook
from pipeline.report.markup import address
from pipeline.report.words import N_, Words
from storage.columns import storable
from storage.queries import CodedSentence, Coverage

MEDIA_TYPE = "application/atom+xml"
ATOM = "http://www.w3.org/2005/Atom"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MOST_QUOTED = 3
PARTIAL = N_("Only part of the text was to be had.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """An article with the sentences that its score rests on."""

    article: Coverage
    evidence: Sequence[CodedSentence]


def atom(entries: Sequence[Scored], *, url: str, words: Words) -> bytes:
    """The feed at `url`. An article that is scored anew keeps its id and is updated."""
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    feed.set("{http://www.w3.org/XML/1998/namespace}lang", words.tongue)
    query = url.partition("?")[2]
    _add(feed, "id", uuid5(NAMESPACE_URL, f"treatywatch:articles?{query}").urn)
    _add(feed, "title", words.gettext("treatywatch: newly scored articles"))
    _add(feed, "updated", _time(max((entry.article.scored_at for entry in entries), default=BEGINNING)))
    _add(_add(feed, "author"), "name", "treatywatch")
    _add(feed, "link", rel="self", type=MEDIA_TYPE, href=url)
    codebook = load_codebook()
    for entry in entries:
        _entry(feed, entry, codebook, words)
    found: bytes = etree.tostring(feed, encoding="UTF-8", xml_declaration=True)
    return found


def _entry(feed: etree._Element, scored: Scored, codebook: Codebook, words: Words) -> None:
    article, entry = scored.article, _add(feed, "entry")
    _add(entry, "id", uuid5(NAMESPACE_URL, f"treatywatch:article:{article.url}").urn)
    _add(entry, "title", article.title or article.url)
    _add(entry, "updated", _time(article.scored_at))
    _add(entry, "published", _time(article.at))
    _add(_add(entry, "author"), "name", article.outlet)
    if href := address(article.url):
        _add(entry, "link", rel="alternate", href=href, hreflang=article.language)
    for code in article.codes:
        _add(entry, "category", term=code, label=_title(codebook, code, words))
    _add(entry, "summary", "\n".join(_summary(scored, codebook, words)), type="text")


def _summary(scored: Scored, codebook: Codebook, words: Words) -> Iterable[str]:
    article, say = scored.article, words.gettext
    yield say("Tone %(tone)s (%(interval)s): %(words)s.") % {
        "tone": words.tone_number(article.tone),
        "interval": words.interval(article.tone_low, article.tone_high),
        "words": words.tone(article.tone),
    }
    if article.partial:
        yield say(PARTIAL)
    if article.omitted:
        facts = "; ".join(say(codebook.facts.get(fact, fact)) for fact in article.omitted)
        yield say("It leaves out: %(facts)s.") % {"facts": facts}
    coded = sorted((one for one in scored.evidence if one.codes), key=lambda one: -max(one.codes.values()))
    for one in sorted(coded[:MOST_QUOTED], key=lambda one: one.position):
        titles = ", ".join(_title(codebook, code, words) for code in one.codes)
        yield say("“%(quotation)s” (%(codes)s)") % {"quotation": one.text, "codes": titles}


def _title(codebook: Codebook, code: str, words: Words) -> str:
    """A code's title; stored scores may bear codes of an earlier codebook."""
    return words.gettext(codebook.codes[code].title) if code in codebook.codes else code


def _add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, f"{{{ATOM}}}{name}", {key: storable(value) for key, value in attributes.items()})
    child.text = storable(text) or None
    return child


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
