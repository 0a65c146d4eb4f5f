"""Recognise what stands in an article's place, or among its paragraphs, and is none of it.

Gates (consent, robot checks), pages that say "not found" with status 200, paywalls, and pointers to other articles.
"""

from __future__ import annotations

import re


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


PAYWALL = _any_of(
    r"subscribe (?:now )?to (?:continue|read|keep reading)|to continue reading|already a subscriber|subscribers? only",
    r"(?:sign|log) ?in to (?:continue|read)|register (?:now )?to (?:continue|read)|create a free account",
    r"this (?:article|content) is (?:for|(?:only )?available to|reserved for) (?:paid |paying )?(?:subscrib|memb)ers",
    r"(?:有料|無料)?会員限定|会員登録すると|(?:ログイン|会員登録)(?:して|が必要)|有料記事です|続きを(?:読む|お読みいただく)には",
    r"残り\s*[:：]?\s*\d+\s*文字|購読(?:者限定|が必要)",
    r"оформите подписку|доступн\w+ (?:только )?(?:по подписке|подписчикам)|только для подписчиков",
    r"чтобы (?:читать|продолжить чтение)|войдите,? чтобы",
)
GATE = _any_of(
    r"(?:please )?enable (?:javascript|cookies|js)|disable your ad ?blocker|checking (?:if the site|your browser)",
    r"are you a robot|verify (?:that )?you are (?:a )?human|unusual traffic",
    r"access (?:to this page )?(?:has been )?denied",
    r"we value your privacy|(?:accept|agree to) (?:all )?(?:the use of )?cookies|before you continue to",
    r"javascriptを有効に|ロボットではありません|アクセスが拒否",
    r"включите (?:javascript|cookies|файлы cookie)|подтвердите,? что вы (?:не робот|человек)|вы не робот",
    r"доступ (?:к ресурсу )?ограничен",
)
NOT_FOUND = _any_of(
    r"\b404\b|page (?:not found|can(?:'|no)t be found|does(?:n't| not) exist)|no longer available|article not found",
    r"(?:ページ|記事)(?:が|は)?(?:見つかりません|存在しません|削除されました)|お探しのページ",
    r"掲載(?:期間)?(?:が|を)?終了",
    r"страница не найдена|(?:материал|статья|страница) (?:не найден\w*|удал[её]н\w*)|такой страницы нет",
)
# Pointers to other articles are lines of their own; their headlines would be coded as this article's words.
TEASER = _any_of(
    r"\W*(?:(?:read|see|watch) (?:more|also|next)\b|related(?: (?:articles?|stor(?:y|ies)|coverage|content))?\s*:)",
    r"\W*(?:more on this|don't miss\b|also on rt\.com|like this story|recommended(?: for you)?\s*:?$)",
    r"\W*(?:sign up (?:for|to) (?:our|the)|follow us on|share this)",
    r"\W*(?:関連(?:記事|ニュース|リンク|トピックス)|(?:あわせて|合わせて|併せて)(?:読みたい|お読み)|関連\W?[:：]|もっと読む)",
    r"\W*(?:читайте также|читать также|смотрите также|см\. также|(?:материалы )?по теме\s*(?::|$)|подписывайтесь на)",
    r"\W*(?:подробнее\s*:|поделиться\s*:?$)",
)
STUB = 1500  # characters; a longer text is an article, even if it is about missing pages
OPENING = 500
NOTICE = 300  # a notice is a line of its own, not a paragraph of the article that mentions subscribers


def is_not_found(title: str, text: str) -> bool:
    """Whether a short text is the page that says that there is nothing here."""
    return len(text) < STUB and (NOT_FOUND.search(title) or NOT_FOUND.search(text[:OPENING])) is not None


def is_gate(text: str) -> bool:
    """Whether a short text asks for consent, scripts or a proof of humanity instead of telling something."""
    return len(text) < STUB and GATE.search(text[:OPENING]) is not None


def without_paywall(text: str) -> tuple[str, bool]:
    """`text` without the lines that ask the reader to pay or sign in, and whether there were any."""
    lines = text.split("\n")
    kept = [line for line in lines if len(line) > NOTICE or not PAYWALL.search(line)]
    return "\n".join(kept), len(kept) < len(lines)


def without_teasers(text: str) -> str:
    """`text` without the lines that point to other articles."""
    return "\n".join(line for line in text.split("\n") if len(line) > NOTICE or not TEASER.match(line))
