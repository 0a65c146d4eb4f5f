"""Remembers digests as they were sent: frozen when made, one for each edition and local day.

An edition is the name of a mailing list. Mail, archive page and API show the same row. What is in one digest of an
edition is in no other: the table of items says so to the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, select

from storage.columns import MAX_ID
from storage.queries.coverage import MAX_LIMIT, Coverage, rows_of
from storage.queries.filters import Filter, scored
from storage.schema import digest_items, standing
from storage.schema import digests as table
from storage.writes import insert_new

LATE = timedelta(hours=1)  # a score is stamped when it is made and seen when its pass commits
SHOWN = ("id", "edition", "day", "language", "covers_from", "covers_to", "quiet", "run_id", "subject", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLine:
    """A digest as a list shows it. It covers what was first scored in [`covers_from`, `covers_to`).

    `day` is the local date of its readers. `quiet`: nothing was new, so there is no text and nothing was sent.
    """

    id: int
    edition: str
    day: str
    language: str
    covers_from: datetime
    covers_to: datetime
    quiet: bool
    run_id: int | None
    subject: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest(DigestLine):
    """A digest whole. `html` and `plain` say the same; `figures` is what they were made from; `chart` a PNG or nothing.

    In `html` the chart stands as `cid:chart`, and a comment UNSUBSCRIBE where a mail names the way out.
    """

    html: str = field(repr=False)
    plain: str = field(repr=False)
    figures: Mapping[str, Any] = field(repr=False)
    chart: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An article in a digest: the score that was shown, and the number of its story."""

    story: int
    article_id: int
    score_id: int


def digests(
    connection: Connection, *, edition: str | None = None, limit: int = 100, before: int | None = None
) -> tuple[DigestLine, ...]:
    """Digests, the newest first, quiet days left out. `before`: the id of the last one of the page before."""
    selection = select(*(table.c[name] for name in SHOWN)).where(table.c.quiet.is_(False))
    if edition is not None:
        selection = selection.where(table.c.edition == edition)
    if before is not None:
        selection = selection.where(table.c.id < min(max(before, 0), MAX_ID))
    rows = connection.execute(selection.order_by(table.c.id.desc()).limit(min(max(limit, 1), MAX_LIMIT)))
    return tuple(DigestLine(**row._mapping) for row in rows)


def digest(connection: Connection, digest_id: int) -> Digest | None:
    """One digest."""
    return _one(connection, select(table).where(table.c.id == digest_id)) if 0 < digest_id <= MAX_ID else None


def digest_on(connection: Connection, edition: str, day: date) -> Digest | None:
    """The digest of an edition and day, be it quiet."""
    return _one(connection, select(table).where(table.c.edition == edition, table.c.day == day.isoformat()))


def items(connection: Connection, digest_id: int) -> tuple[Item, ...]:
    """The articles of a digest in its order."""
    columns = [digest_items.c[name.name] for name in fields(Item)]
    asked = select(*columns).where(digest_items.c.digest_id == digest_id).order_by(digest_items.c.position)
    return tuple(Item(**row._mapping) for row in connection.execute(asked))


def newest(connection: Connection, edition: str, until: datetime) -> DigestLine | None:
    """The last digest of an edition that ends by then, be it quiet: what comes next begins where it ends."""
    asked = select(*(table.c[name] for name in SHOWN)).where(table.c.edition == edition)
    row = connection.execute(
        asked.where(table.c.covers_to <= until).order_by(table.c.covers_to.desc(), table.c.id.desc()).limit(1)
    ).one_or_none()
    return DigestLine(**row._mapping) if row else None


def days_made(connection: Connection, edition: str, first: date, last: date) -> set[str]:
    """The days from `first` to `last` that have a digest."""
    between = table.c.day.between(first.isoformat(), last.isoformat())
    return set(connection.scalars(select(table.c.day).where(table.c.edition == edition, between)))


def new_coverage(
    connection: Connection, edition: str, since: datetime, until: datetime, *, limit: int
) -> tuple[Coverage, ...]:
    """Articles first scored, by any run, in [since, until) and in no digest of the edition; the oldest first.

    Looks back LATE where a digest came before, for what was under way when it was made.
    """
    told = exists().where(digest_items.c.edition == edition, digest_items.c.article_id == standing.c.article_id)
    start = since - LATE if newest(connection, edition, since) else since
    new = and_(standing.c.first_scored_at >= start, standing.c.first_scored_at < until, ~told)
    selection = scored(connection, Filter(), standing.c.score_id).where(new)
    return rows_of(connection, selection.order_by(standing.c.first_scored_at, standing.c.score_id).limit(limit))


def keep(connection: Connection, made: Mapping[str, Any], contents: Sequence[Item]) -> int | None:
    """Keep a digest with its items and return its id; None, and nothing kept, where its edition and day has one."""
    if not insert_new(connection, table, [made]):
        return None
    same = and_(table.c.edition == made["edition"], table.c.day == made["day"])
    digest_id = connection.scalars(select(table.c.id).where(same)).one()
    rows = [
        {"digest_id": digest_id, "position": position, "edition": made["edition"], "story": item.story,
         "article_id": item.article_id, "score_id": item.score_id}
        for position, item in enumerate(contents, 1)
    ]  # fmt: skip
    if rows:
        connection.execute(digest_items.insert(), rows)
    return int(digest_id)


def _one(connection: Connection, selection: Select[Any]) -> Digest | None:
    row = connection.execute(selection).one_or_none()
    if row is None:
        return None
    chart = None if row.chart is None else bytes(row.chart)
    return Digest(**{**row._mapping, "chart": chart})
