"""Sets a digest as HTML for mail readers, and as text of the same content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import css_inline

from pipeline.report.charts.palette import DARK, SCALE
from pipeline.report.digest.lines import Letter, Link, StoryLines
from pipeline.report.markup import address, escaped, render
from pipeline.report.words import Words

UNSUBSCRIBE = "<!--unsubscribe-->"  # nothing that outlets wrote can look so: it is escaped
DARK_QUERY = "@media (prefers-color-scheme: dark)"
CHART = "cid:chart"


def html(letter: Letter, words: Words) -> str:
    """The page, its styles in the elements, as Outlook and Gmail want them; dark mode and telephones by media query."""
    page = render("digest.html", words.tongue, letter=letter, chart=CHART, style=_style(), unsubscribe=UNSUBSCRIBE)
    return _inliner().inline(page)


def text(letter: Letter) -> str:
    """The same as text."""
    return "\n".join(_lines(letter)) + "\n"


def with_way_out(page: str, words: Words, link: str) -> str:
    """The page with the link by which its reader leaves the list."""
    said = escaped(words.gettext("Unsubscribe from this digest"))
    way = f'<p style="margin:16px 0 0"><a href="{escaped(link)}" style="color:#5b6470">{said}</a></p>' if link else ""
    return page.replace(UNSUBSCRIBE, way, 1)


def text_with_way_out(plain: str, words: Words, link: str) -> str:
    """The text with the link by which its reader leaves the list."""
    return f"{plain}\n{words.gettext('Unsubscribe from this digest')}: {link}\n" if link else plain


@cache
def _style() -> str:
    style = files("pipeline.report").joinpath("templates", "digest.css").read_text(encoding="utf-8")
    light, dark_query, dark = style.partition(DARK_QUERY)
    return _coloured(light, {}) + dark_query + _coloured(dark, DARK)


def _coloured(style: str, instead: Mapping[str, str]) -> str:
    """The style with the palette's colours of tone: mail readers know no custom properties."""
    for step, colour in enumerate(SCALE):
        style = style.replace(f"var(--tone-{step})", instead.get(colour, colour))
    return style


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)


def _lines(letter: Letter) -> Iterable[str]:
    yield from (letter.title, letter.when, "", *letter.summary)
    if letter.chart:
        yield from ("", letter.chart)
    if letter.stories:
        yield from ("", f"== {letter.stories_title}")
    for number, story in enumerate(letter.stories, 1):
        yield from ("", *_story(number, story))
    if letter.left:
        yield from ("", letter.left)
    for section in letter.sections:
        yield from ("", f"== {section.title}", *(f"- {line}" for line in section.lines))
    yield from ("", "--", *letter.notes)
    if letter.archive.url:
        yield from ("", f"{letter.archive.name}: {letter.archive.url}")


def _story(number: int, story: StoryLines) -> Iterable[str]:
    yield f"{number}. {story.headline.text}"
    yield f"   {story.tone} {story.numbers}"
    for article, tone, page in story.outlets:
        yield f"   {article.name}{f' {tone}' if tone else ''}{_at(article)}"
        if page.url:
            yield f"     {page.name}: {page.url}"
    if story.more:
        yield f"   {story.more}"
    for quote in story.quotes:
        yield from (f"   > {quote.said.text}", f"     ({quote.about})")
    yield f"   {story.omitted}"
    if story.note:
        yield f"   {story.note}"


def _at(link: Link) -> str:
    return f": {address(link.url)}" if address(link.url) else ""
