"""Say where an article lies outside what the heads have learnt from, so that nobody leans on its score."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.records import Article

SHORT = {"ja": 100}  # characters
SHORT_WORDS = 40
SPEAKER = re.compile(r"^\s*(?:[—–-]\s|[^\s:：]{1,20}(?:\s[^\s:：]{1,20}){0,3}\s?[:：]|[◆○●―Q＝])")
TURNS = 0.4  # share of the lines
MANY = 6  # lines
SCRIPTS = {
    "en": re.compile(r"[A-Za-z]"),
    "ja": re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
}
LETTER = re.compile(r"[^\W\d_]")


def unusual(article: Article) -> tuple[str, ...]:
    """Why the score is to be taken with care: `other_language`, `short`, `transcript`; empty for ordinary articles."""
    return tuple(_reasons(article))


def _reasons(article: Article) -> Iterator[str]:
    letters = len(LETTER.findall(article.text))
    if len(SCRIPTS[article.language].findall(article.text)) < letters / 2:
        yield "other_language"
    if _is_short(article):
        yield "short"
    lines = [line for line in article.text.splitlines() if line.strip()]
    if len(lines) >= MANY and sum(bool(SPEAKER.match(line)) for line in lines) >= TURNS * len(lines):
        yield "transcript"


def _is_short(article: Article) -> bool:
    if article.language in SHORT:
        return len(LETTER.findall(article.text)) < SHORT[article.language]
    return len(article.text.split()) < SHORT_WORDS
