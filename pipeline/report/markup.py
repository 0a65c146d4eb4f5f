"""The one way of words into HTML: what comes from outlets is escaped; what may stay markup is cleaned first.

`render` fills a template, in which every value is escaped unless it is Markup; only `sanitise` makes Markup of what an
outlet sent. In templates: `{{ value }}`, `{{ value | sanitised }}`, `href="{{ url | address }}"`.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

import nh3
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pipeline.report.words import SOURCE, Tongue, Words, step

# No images, styles or media: opening a page asks no outlet for anything.
ELEMENTS = {
    "a", "b", "blockquote", "br", "cite", "code", "em", "h3", "h4", "i", "li", "ol", "p", "pre", "q", "s", "strong",
    "sub", "sup", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href"}}
SCHEMES = {"http", "https"}
EMPTIED = {
    "audio", "canvas", "embed", "frameset", "iframe", "math", "noembed", "noframes", "noscript", "object", "plaintext",
    "script", "select", "style", "svg", "template", "textarea", "title", "video", "xmp",
}  # fmt: skip
LINK_REL = "noopener noreferrer nofollow"

_CLEANER = nh3.Cleaner(
    tags=ELEMENTS,
    clean_content_tags=EMPTIED,
    attributes={"*": set(), **ATTRIBUTES},
    url_schemes=SCHEMES,
    url_relative="deny",
    link_rel=LINK_REL,
)


def sanitise(html: str) -> Markup:
    """HTML of an outlet with nothing left but ELEMENTS, and of attributes the addresses of links."""
    return Markup(_CLEANER.clean(html))  # noqa: S704 - this is what makes it safe


def escaped(text: object) -> Markup:
    """Text as HTML that shows it as it is, in an element or a quoted attribute."""
    return escape(text)


def address(url: str) -> str:
    """A URL that a link may lead to, or nothing where it is no web address. Not escaped."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in SCHEMES and parts.hostname and url.isprintable() else ""


@cache
def templates(tongue: Tongue = SOURCE) -> Environment:
    """The templates in a language, with every value escaped.

    They say `_("...")`, `ngettext("...", "...", n)` and `{% trans %}` for their own words, which may hold markup, and
    `{{ title | said }}` for messages that are values, such as the titles of the codebook, which may not.
    """
    words = Words(tongue)
    environment = Environment(
        loader=PackageLoader("pipeline.report"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"sanitised": sanitise, "address": address, "said": words.gettext, "step": step}
    environment.globals["words"] = words
    return environment


def render(template: str, tongue: Tongue = SOURCE, **values: Any) -> str:
    """A page."""
    return templates(tongue).get_template(template).render(values)
