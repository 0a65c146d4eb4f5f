"""Remembers articles: their texts as revisions, what was set aside, and what is still to be judged.

An article is known by its URLs, all of them, or by the same content from the same outlet. Dates identify
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, exists, or_, select, update

from pipeline.errors import StorageError
from pipeline.records import Article, Dropped
from storage.entries import StoredEntry, add_entries, pending, retry_later
from storage.schema import article_urls, articles, drops, entries, feeds, revisions, scores, screenings
from storage.standing import restand
from storage.writes import indexable, insert_new

__all__ = [
    "Stored",
    "StoredArticle",
    "StoredEntry",
    "add_entries",
    "drop",
    "load",
    "pending",
    "retry_later",
    "store",
    "unscored",
]

REMOVED = "removed"  # the extractor of a text that retention took away
MAX_REVISIONS = 24  # some outlets edit a page every few minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where an article's text is kept, and whether it was `new`, `revised`, or known already: `same`."""

    article_id: int
    revision_id: int
    outcome: Literal["new", "revised", "same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArticle:
    """A revision as it is kept. Score this one: offsets must fit the stored text."""

    article_id: int
    revision_id: int
    number: int
    article: Article


def store(connection: Connection, entry_id: int, article: Article, now: datetime) -> Stored:
    """Keep the text that an entry led to, and settle the entry and all others that announce the same page.

    A text seen before is not kept twice, one that was removed is kept again, a feed's summary never takes the
    place of a whole text, and an article has at most MAX_REVISIONS texts.
    """
    article_id = _find(connection, article)
    if article_id is None:
        result = _begin(connection, entry_id, article, now)
    else:
        result = _revise(connection, article_id, article, now)
    _settle(connection, entry_id, article, result.article_id)
    if result.outcome != "new":
        restand(connection, result.article_id)
    return result


def _find(connection: Connection, article: Article) -> int | None:
    by_url = select(article_urls.c.article_id).where(article_urls.c.url == article.url)
    by_content = (
        select(articles.c.id)
        .join(revisions, revisions.c.article_id == articles.c.id)
        .where(revisions.c.content_hash == article.content_hash, articles.c.outlet == article.outlet)
        .order_by(articles.c.id)
        .limit(1)
    )
    found: int | None = connection.scalar(by_url) or connection.scalar(by_content)
    return found


def _begin(connection: Connection, entry_id: int, article: Article, now: datetime) -> Stored:
    of_feed = select(feeds.c.country, feeds.c.kind).join(entries, entries.c.feed_id == feeds.c.id)
    country, kind = connection.execute(of_feed.where(entries.c.id == entry_id)).one()
    row = {name: getattr(article, name) for name in ("url", "outlet", "language", "published_at")}
    row |= {"country": country, "kind": kind, "first_seen_at": now, "revision": 1}
    if not insert_new(connection, articles, [row]):  # another process was first
        return _revise(connection, _id_at(connection, article.url), article, now)
    article_id = _id_at(connection, article.url)
    return Stored(
        article_id=article_id,
        revision_id=_add_revision(connection, article_id, 1, article, now),
        outcome="new",
    )


def _id_at(connection: Connection, url: str) -> int:
    return int(connection.scalars(select(articles.c.id).where(articles.c.url == url)).one())


def _add_revision(connection: Connection, article_id: int, number: int, article: Article, now: datetime) -> int:
    names = ("content_hash", "title", "byline", "language", "published_at", "text", "partial", "extractor")
    row = {name: getattr(article, name) for name in names}
    row |= {"article_id": article_id, "number": number, "fetched_at": now}
    return int(connection.scalars(revisions.insert().values(row).returning(revisions.c.id)).one())


def _revise(connection: Connection, article_id: int, article: Article, now: datetime) -> Stored:
    # locked, so that two processes can't both take the next number
    known = connection.execute(select(articles).where(articles.c.id == article_id).with_for_update()).one()
    names = ("id", "number", "content_hash", "partial", "extractor")
    texts = select(*(revisions.c[name] for name in names))
    rows = connection.execute(texts.where(revisions.c.article_id == article_id)).all()
    current = next(row for row in rows if row.number == known.revision)
    same = next((row for row in rows if row.content_hash == article.content_hash), None)
    if same and same.extractor == REMOVED:
        back = {"title": article.title, "text": article.text, "extractor": article.extractor, "fetched_at": now}
        connection.execute(update(revisions).where(revisions.c.id == same.id).values(back))
    if article.partial and not current.partial:
        return Stored(article_id=article_id, revision_id=(same or current).id, outcome="same")
    if same:
        if _is_at(connection, article_id, article.url):  # an edit taken back: the former wording is current again
            connection.execute(update(articles).where(articles.c.id == article_id).values(revision=same.number))
        return Stored(article_id=article_id, revision_id=same.id, outcome="same")
    if len(rows) >= MAX_REVISIONS:
        return Stored(article_id=article_id, revision_id=current.id, outcome="same")
    number = max(row.number for row in rows) + 1
    revision_id = _add_revision(connection, article_id, number, article, now)
    values = {"revision": number, "published_at": known.published_at or article.published_at}
    connection.execute(update(articles).where(articles.c.id == article_id).values(values))
    return Stored(article_id=article_id, revision_id=revision_id, outcome="revised")


def _is_at(connection: Connection, article_id: int, url: str) -> bool:
    known = select(article_urls.c.url).where(article_urls.c.article_id == article_id, article_urls.c.url == url)
    return connection.scalar(known) is not None


def _settle(connection: Connection, entry_id: int, article: Article, article_id: int) -> None:
    announced_at = connection.scalar(select(entries.c.url).where(entries.c.id == entry_id))
    urls = {article.url, announced_at or article.url}
    insert_new(connection, article_urls, [{"url": url, "article_id": article_id} for url in sorted(urls)])
    same_page = and_(entries.c.url.in_(urls), entries.c.state == "announced")
    done = {"state": "done", "article_id": article_id, "next_try_at": None, "reason": ""}
    connection.execute(update(entries).where(or_(entries.c.id == entry_id, same_page)).values(done))


def drop(
    connection: Connection,
    dropped: Dropped,
    *,
    now: datetime,
    entry_id: int | None = None,
    revision_id: int | None = None,
    run_id: int | None = None,
) -> None:
    """Set something aside for good, once for each URL, stage and text.

    With an entry, that entry and those that announce the same page are settled.
    """
    hash_of = select(revisions.c.content_hash).where(revisions.c.id == revision_id)
    row = {
        "entry_id": entry_id,
        "revision_id": revision_id,
        "run_id": run_id,
        "url": indexable(dropped.url),
        "stage": dropped.stage,
        "content_hash": connection.scalar(hash_of) or "",
        "reason": dropped.reason,
        "detail": dropped.detail,
        "at": now,
    }
    insert_new(connection, drops, [row])
    if entry_id is not None:
        _drop_entries(connection, entry_id, dropped.reason)


def _drop_entries(connection: Connection, entry_id: int, reason: str) -> None:
    page = select(entries.c.url).where(entries.c.id == entry_id).scalar_subquery()
    same_page = and_(entries.c.url == page, entries.c.state == "announced")
    values = {"state": "dropped", "reason": reason, "next_try_at": None}
    connection.execute(update(entries).where(or_(entries.c.id == entry_id, same_page)).values(values))


def unscored(connection: Connection, run_id: int, limit: int | None = None, after_id: int = 0) -> list[StoredArticle]:
    """Current texts that a run has yet to judge: neither scored nor found irrelevant, and not removed.

    In order of revision id.
    """
    scored = exists().where(scores.c.revision_id == revisions.c.id, scores.c.run_id == run_id)
    irrelevant = exists().where(
        screenings.c.revision_id == revisions.c.id,
        screenings.c.run_id == run_id,
        screenings.c.relevant.is_(False),
    )
    there = and_(articles.c.revision == revisions.c.number, revisions.c.extractor != REMOVED)
    waiting = _texts().where(there, ~scored, ~irrelevant)
    page = waiting.where(revisions.c.id > after_id).order_by(revisions.c.id).limit(limit)
    return [_stored(row) for row in connection.execute(page)]


def load(connection: Connection, revision_id: int) -> Article:
    """The article as one revision has it. Raises StorageError where there is none."""
    row = connection.execute(_texts().where(revisions.c.id == revision_id)).one_or_none()
    if row is None:
        raise StorageError(f"there is no article text with the id {revision_id}", reason="unknown_revision")
    return _stored(row).article


def _texts() -> Any:
    joined = revisions.join(articles, articles.c.id == revisions.c.article_id)
    return select(revisions, articles.c.url, articles.c.outlet).select_from(joined)


def _stored(row: Row[Any]) -> StoredArticle:
    names = Article.__dataclass_fields__
    article = Article(**{name: row._mapping[name] for name in names})
    return StoredArticle(article_id=row.article_id, revision_id=row.id, number=row.number, article=article)
