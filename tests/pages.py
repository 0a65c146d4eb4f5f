"""Coverage for the pages to show, and ways to look at them."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from sqlalchemy import Connection

from pipeline.records import Dropped
from pipeline.report.auth import utc_now
from pipeline.report.words import LANGUAGES
from storage import articles
from storage.database import Database
from tests.samples import NOW, add_article, add_feed, article, entry, source

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
OUT = "https://a.example/out"
TITLES = {"en": "Talks go on", "ja": "平和条約交渉は続く", "ru": "Переговоры продолжаются"}
TONES = {"en": 0.8, "ja": 0.1, "ru": -0.7}


def fill(database: Database, *, each: int = 12) -> None:
    """So many scored articles in each language, one a day until today; and an entry that was dropped."""
    now = utc_now()
    with database.write() as connection:
        for language in LANGUAGES:
            for n in range(each):
                add_coverage(connection, language, n, published_at=now - timedelta(days=n))
        _drop(connection)


def add_coverage(connection: Connection, language: str, n: int, **changes: Any) -> int:
    """A scored article of the outlet of a language; gives its id."""
    title, outlet = f"{TITLES[language]} {n}", f"Outlet {language}"
    given = {"title": title, "outlet": outlet, "language": language, **changes}
    judged = article(f"https://{language}.example/{n}", f"{title}. It is plain. Hope is in the air.", **given)
    feed = source(f"https://{language}.example/feed", language=language, outlet=outlet)
    tone = TONES[language] + (n % 3 - 1) / 20
    return add_article(connection, judged, tone=tone, feed=feed, face_value=0.8).article_id


def _drop(connection: Connection) -> None:
    feed_id = add_feed(connection, source())[0]
    articles.add_entries(connection, feed_id, [entry("out", OUT, title="Out")], NOW)
    waiting = next(one for one in articles.pending(connection, NOW) if one.entry.link == OUT)
    articles.drop(connection, Dropped(url=OUT, stage="gate", reason="no_russia"), now=NOW, entry_id=waiting.id)


class Seen(HTMLParser):
    """The elements of a page with the names of their attributes, where links lead, and what is said in no language."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shapes: set[tuple[str, frozenset[str]]] = set()
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = frozenset(name for name, _ in attrs)
        self.shapes.add((tag, names))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "srcset")]
