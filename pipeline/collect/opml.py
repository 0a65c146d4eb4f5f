"""Exchange lists of feeds with feed readers as OPML 2.0 (http://opml.org/spec2.opml)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from pipeline.collect import plain
from pipeline.errors import ParseError

MAX_BYTES = 10_000_000
MAX_OUTLINES = 10_000
MAX_ADDRESS = 2048  # characters
DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
WIDE = re.compile(rb"^(?:\xff\xfe|\xfe\xff)|^[^\0]?\0")  # UTF-16 and UTF-32 would hide a document type from the search


@dataclass(frozen=True, slots=True, kw_only=True)
class OpmlOutline:
    """One feed of a list. `site`: the outlet's page; `categories`: the folders it stands in, from the outermost."""

    url: str
    title: str = ""
    site: str = ""
    language: str = ""
    format: str = "rss"
    categories: tuple[str, ...] = ()


def read(text: bytes) -> tuple[OpmlOutline, ...]:
    """The feeds in file order, each address once.

    Raises ParseError with `url` "": `malformed` for what is no OPML, has a document type, or lists an address that
    is not http or https; `too_large` beyond 10 MB or 10,000 outlines.
    """
    if len(text) > MAX_BYTES:
        raise _error(f"the file has more than {MAX_BYTES} bytes; split it", reason="too_large")
    if WIDE.match(text) or DOCTYPE.search(text):
        raise _error("the file has a document type or is UTF-16; export it as plain OPML in UTF-8")
    root = _parse(text)
    body = root.find("body") if root.tag == "opml" else None
    if body is None:
        raise _error("the file is no OPML; export the list of feeds from your reader as OPML")
    found: dict[str, OpmlOutline] = {}
    for outline in _outlines(body):
        found.setdefault(outline.url, outline)
    return tuple(found.values())


def write(outlines: Iterable[OpmlOutline], *, title: str = "treatywatch") -> bytes:
    """An OPML 2.0 document in UTF-8, the same for the same outlines."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = plain.one_line(title, limit=200)
    body = etree.SubElement(root, "body")
    for outline in outlines:
        etree.SubElement(body, "outline", _attributes(outline))
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def _parse(text: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError as fault:
        raise _error(f"the file is not well-formed XML: {fault.msg}") from None


def _outlines(body: etree._Element) -> Iterator[OpmlOutline]:
    for number, element in enumerate(body.iterfind(".//outline"), 1):
        if number > MAX_OUTLINES:
            raise _error(f"the file has more than {MAX_OUTLINES} outlines; split it", reason="too_large")
        if url := _address(element, "xmlurl"):
            yield _outline(element, url)


def _outline(element: etree._Element, url: str) -> OpmlOutline:
    title = plain.one_line(_attribute(element, "title") or _attribute(element, "text"), limit=200)
    if not _is_web_address(url):
        raise _error(f"the outline {title!r} has the address {url[:200]!r}; only http and https are read: remove it")
    return OpmlOutline(
        url=url,
        title=title,
        site=site if _is_web_address(site := _address(element, "htmlurl")) else "",
        language=plain.one_line(_attribute(element, "language"), limit=20),
        format=plain.one_line(_attribute(element, "type"), limit=20).lower() or "rss",
        categories=_categories(element),
    )


def _categories(element: etree._Element) -> tuple[str, ...]:
    folders = [_attribute(parent, "text") or _attribute(parent, "title") for parent in element.iterancestors("outline")]
    named = _attribute(element, "category").split(",")
    cleaned = (plain.one_line(name.strip("/ "), limit=100) for name in (*reversed(folders), *named))
    return tuple(dict.fromkeys(filter(None, cleaned)))


def _attribute(element: etree._Element, name: str) -> str:
    """Readers write xmlUrl, xmlURL and xmlurl."""
    return next((str(value) for key, value in element.attrib.items() if str(key).lower() == name), "")


def _address(element: etree._Element, name: str) -> str:
    """As `write` would write it; what is cut here is too long to be read."""
    return plain.one_line(_attribute(element, name), limit=2 * MAX_ADDRESS)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and len(url) <= MAX_ADDRESS


def _attributes(outline: OpmlOutline) -> dict[str, str]:
    named = {
        "text": outline.title or outline.url,
        "title": outline.title or outline.url,
        "type": outline.format,
        "xmlUrl": outline.url,
        "htmlUrl": outline.site,
        "language": outline.language,
        "category": ",".join(outline.categories),
    }
    return {name: plain.one_line(value, limit=MAX_ADDRESS) for name, value in named.items() if value}


def _error(message: str, *, reason: str = "malformed") -> ParseError:
    return ParseError(message, url="", reason=reason, retry=False)
