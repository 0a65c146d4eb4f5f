"""Recognise what stands in an article's place, or among its paragraphs, and is none of it.

Sign-up and consent walls, pages that say "not found" with status 200, and pointers to other articles.
"""

from __future__ import annotations

import re

WALL = re.compile(
    r"subscribe (?:now )?to (?:continue|read|keep reading)|to continue reading|already a subscriber|subscribers? only"
    r"|(?:sign|log) ?in to (?:continue|read)|register (?:now )?to (?:continue|read)|create a free account"
    r"|this (?:article|content) is (?:for|(?:only )?available to|reserved for) (?:pa(?:id|ying) )?(?:subscribers|members)"
    r"|(?:please )?enable (?:javascript|cookies|js)|disable your ad ?blocker|checking (?:if the site|your browser)"
    r"|are you a robot|verify (?:that )?you are (?:a )?human|we value your privacy|accept (?:all )?cookies"
    r"|(?:有料|無料)?会員限定|会員登録すると|(?:ログイン|会員登録)(?:して|が必要)|有料記事です|続きを(?:読む|お読みいただく)には"
    r"|残り\s*[:：]?\s*\d+\s*文字|購読(?:者限定|が必要)|javascriptを有効に|ロボットではありません"
    r"|оформите подписку|доступн\w+ (?:только )?(?:по подписке|подписчикам)|только для подписчиков"
    r"|чтобы (?:читать|продолжить чтение)|войдите,? чтобы|включите (?:javascript|cookies|файлы cookie)|подтвердите,? что вы (?:не робот|человек)",
    re.IGNORECASE,
)
NOT_FOUND = re.compile(
    r"\b404\b|page (?:not found|can(?:'|no)t be found|does(?:n't| not) exist)|no longer available|article not found"
    r"|(?:ページ|記事)(?:が|は)?(?:見つかりません|存在しません|削除されました)|お探しのページ|掲載(?:期間)?(?:が|を)?終了"
    r"|страница не найдена|(?:материал|статья|страница) (?:не найден\w*|удал[её]н\w*)"
    r"|такой страницы (?:нет|не существует)",
    re.IGNORECASE,
)
# Pointers to other articles are lines of their own; their headlines would be coded as this article's words.
TEASER = re.compile(
    r"\W*(?:(?:read|see|watch) (?:more|also|next|:)|related(?: (?:articles?|stor(?:y|ies)|coverage|content))?\s*:"
    r"|more on this|don't miss\b|also on rt\.com|like this story|recommended(?: for you)?\s*:?$"
    r"|sign up (?:for|to) (?:our|the)|follow us on|share this"
    r"|関連(?:記事|ニュース|リンク|トピックス)|(?:あわせて|合わせて|併せて)(?:読みたい|お読み)|【?関連】?[:：]|(?:この記事を)?シェアする|もっと読む"
    r"|читайте также|читать также|смотрите также|см\. также|по теме|материалы по теме|подписывайтесь на|подробнее\s*:"
    r"|поделиться)",
    re.IGNORECASE,
)
STUB = 1500  # a longer text is an article, even if it is about missing pages
NOTICE = 300  # characters; a notice is a line of its own, not a paragraph of the article that mentions cookies


def is_not_found(title: str, text: str) -> bool:
    """Whether a short text is the page that says that there is nothing here."""
    return len(text) < STUB and (NOT_FOUND.search(title) or NOT_FOUND.search(text[:300])) is not None


def without_walls(text: str) -> tuple[str, bool]:
    """`text` without the lines that ask the reader to pay, sign in or consent, and whether there were any."""
    lines = text.split("\n")
    kept = [line for line in lines if len(line) > NOTICE or not WALL.search(line)]
    return ("\n".join(kept), True) if len(kept) < len(lines) else (text, False)


def without_teasers(text: str) -> str:
    """`text` without the lines that point to other articles."""
    return "\n".join(line for line in text.split("\n") if len(line) > NOTICE or not TEASER.match(line))
