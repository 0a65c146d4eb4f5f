"""Articles, lists and digests for the tests, and what a reader sees of a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from config.settings import Settings, load
from pipeline.report.digest.figures import Window
from pipeline.report.digest.making import Made, make
from storage import articles, passes, recipients, scores, standing
from storage.database import Database
from storage.recipients import MailingList
from storage.schema import articles as articles_table
from storage.schema import revisions
from storage.schema import scores as scores_table
from tests.samples import HOUR, RELEVANT, RUN, add_feed, article, entry, score, source

START = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PNG = b"\x89PNG\r\n\x1a\n"
WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()  # noqa: SIM905


def settings_with(*flags: str) -> Settings:
    return load(environ={}, flags=["mail.public_url=https://watch.example.org", "report.min_n=5", *flags])


def wanted(**changes: Any) -> MailingList:
    given = {"id": 1, "name": "daily", "language": "en", "zone": "UTC", "send_at": "07:00", "weekdays": tuple(range(7))}
    return MailingList(**{**given, "empty_days": False, "created_at": START - 400 * DAY, **changes})


def add_list(database: Database, name: str = "daily", **changes: Any) -> MailingList:
    given = {"language": "en", "zone": "UTC", "send_at": "07:00", "weekdays": range(7), "empty_days": False}
    with database.write() as connection:
        recipients.schedule(connection, name, given | changes, START - 400 * DAY)
        recipients.add(connection, name, "reader@example.net", START)
        return recipients.list_named(connection, name)


def tell(number: int) -> str:
    """A text that resembles no other one."""
    return " ".join(f"{word}{number}" for word in WORDS)


def add(database: Database, number: int, at: datetime, *, tone: float = 0.5, outlet: str = "", **changes: Any) -> None:
    """An article that is first scored at that time."""
    url, outlet = f"https://a.example/{number}", outlet or "Asahi"
    text = f"Talks on a treaty go on {number}. {tell(number)}"
    given = {"text": text, "title": f"Headline {number}", "published_at": at - HOUR, "outlet": outlet}
    one = article(url, **{**given, **changes})
    with database.write() as connection:
        feed_id = add_feed(connection, source(f"https://{number}.example/feed", outlet=outlet))[0]
        articles.add_entries(connection, feed_id, [entry(url, url)], at)
        waiting = [one for one in articles.pending(connection, at) if one.entry.link == url]
        stored = articles.store(connection, waiting[0].id, one, at)
        run_id = scores.ensure_run(connection, RUN, at)
        scores.save_screening(connection, stored.revision_id, run_id, RELEVANT, at)
        scores.save_score(connection, stored.revision_id, run_id, score(one, tone, face_value=0.8), at)


def made_of(database: Database, *flags: str, language: Any = "en", now: datetime = START + HOUR) -> Made:
    window = Window(edition="daily", day=now.date(), covers_from=now - DAY, covers_to=now, zone="UTC")
    with database.read() as connection:
        return make(connection, settings_with(*flags), window, language, now)


class Seen(HTMLParser):
    """What a reader sees of a page, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.links += [value or "" for name, value in attrs if name == "href"]
        self._hidden += tag in ("style", "title")
        self.words += [value or "" for name, value in attrs if name == "alt"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.words)


def many(connection: Any, n: int) -> None:
    """So many more scored articles, written quickly."""
    ids = range(100, 100 + n)
    seen = {"outlet": "Asahi", "language": "en", "first_seen_at": START, "revision": 1}
    connection.execute(articles_table.insert(), [{"id": n, "url": f"https://m.example/{n}", **seen} for n in ids])
    kept = {"number": 1, "language": "en", "partial": False, "fetched_at": START, "title": "T"}
    rows = [{"id": n, "article_id": n, "content_hash": str(n), "text": tell(n), **kept} for n in ids]
    connection.execute(revisions.insert(), rows)
    values = {"tone": 0.2, "tone_low": 0.0, "tone_high": 0.4, "outlook": 0.5, "scrutiny": 0.5, "omitted": []}
    judged = {"run_id": 1, "scored_at": START, **values}
    connection.execute(scores_table.insert(), [{"id": n, "revision_id": n, **judged} for n in ids])
    standing.rebuild(connection)


def quiet_database(database: Database) -> None:
    """Passes are made, so that no alarm holds."""
    with database.write() as connection:
        passes.end(connection, passes.begin(connection, START - DAY), START - DAY, passes.Done(feeds=1))
