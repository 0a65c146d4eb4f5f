"""Turn what feeds and pages carry into plain text that every database, mail and terminal takes."""

from __future__ import annotations

import re
from html import unescape

# NUL and the other C0/C1 controls, surrogates, and the non-characters: PostgreSQL, XML or UTF-8 refuse one or another.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff]"
)  # soft hyphens and zero-width spaces would split words for the analysis
LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")

# Each alternative that may lack its end takes the rest of the text then, so that no input is scanned twice.
HIDDEN = re.compile(
    r"<!--(?:.*?-->|.*)|<(script|style|template|noscript|svg|iframe|object|head)\b[^<>]*(?<!/)>(?:.*?</\1\s*>|.*)",
    re.DOTALL | re.IGNORECASE,
)
BREAK = re.compile(
    r"</?(?:p|div|br|hr|li|ul|ol|dl|dt|dd|h[1-6]|tr|table|blockquote|section|article|header|footer|figure|figcaption|pre)"
    r"\b(?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*+>",
    re.IGNORECASE,
)
TAG = re.compile(r"</?[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*+>|</?[a-zA-Z][^<>]*>|<[!?][^<>]*>")
VOID_TAG = re.compile(r"<(?:br|hr|img|wbr|p)(?:\s[^<>]*)?/?>", re.IGNORECASE)


def clean(text: str) -> str:
    """`text` without characters that some store or channel refuses, its line ends as '\\n'."""
    return LINE_ENDS.sub("\n", UNFIT.sub("", text)) if text else ""


def one_line(text: str, *, limit: int) -> str:
    """`text` cleaned, its white space collapsed to single spaces, and cut to `limit` characters at a word's end."""
    line = " ".join(INVISIBLE.sub("", clean(text)).split())
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    return (head[: head.rfind(" ")] if " " in head[limit // 2 :] else head).rstrip() + "…"


def paragraphs(text: str) -> str:
    """`text` cleaned: one paragraph a line, no empty lines, white space inside a paragraph collapsed."""
    lines = (" ".join(line.split()) for line in INVISIBLE.sub("", clean(text)).split("\n"))
    return "\n".join(line for line in lines if line)


def from_html(markup: str) -> str:
    """The readable text of an HTML fragment, one block a line. Never raises, takes time in proportion to the length."""
    text = HIDDEN.sub(" ", markup)
    text = BREAK.sub("\n", text.replace("\r\n", "\n").replace("\n", " "))
    return paragraphs(unescape(TAG.sub("", text)))


def has_void_tags(text: str) -> bool:
    """Whether text holds tags that need no end tag and that no sentence about HTML would hold."""
    return VOID_TAG.search(text) is not None
