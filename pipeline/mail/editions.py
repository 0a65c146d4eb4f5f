"""When a mailing list's digest is due: by the local date of its readers, once for each date, whatever clocks do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from storage import digests
from storage.recipients import MailingList

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A digest to be made: of which list, for which local date, and what it covers.

    `days_missed`: days of sending since the last digest that had none.
    """

    list: MailingList
    day: date
    covers_from: datetime
    covers_to: datetime
    days_missed: int = 0


def due(connection: Connection, wanted: MailingList, now: datetime) -> Edition | None:
    """The digest that is due; one, also where several days were missed: it covers all since the last one.

    A list that was made after today's time waits for its next day. Digests of days still to come were made under a
    wrong clock, and keep nothing from being due.
    """
    day = last_day(wanted, now)
    today = now.astimezone(wanted.tz).date()
    if day is None or moment(wanted, day) < wanted.created_at:
        return None
    if digests.days_made(connection, wanted.name, day, today):
        return None
    return edition(connection, wanted, day, now)


def edition(connection: Connection, wanted: MailingList, day: date, until: datetime) -> Edition:
    """The digest of a day up to `until`, from where the last one ended."""
    last = digests.newest(connection, wanted.name, until)
    if last is None:
        covers_from = min(moment(wanted, before(wanted, day)), until)
        return Edition(list=wanted, day=day, covers_from=covers_from, covers_to=until)
    missed = _between(wanted, date.fromisoformat(last.day), day)
    return Edition(list=wanted, day=day, covers_from=last.covers_to, covers_to=until, days_missed=missed)


def last_day(wanted: MailingList, now: datetime) -> date | None:
    """The last local date whose time of sending has come."""
    today = now.astimezone(wanted.tz).date()
    days = (today - n * DAY for n in range(8))
    return next((day for day in days if _on(day, wanted.weekdays) and moment(wanted, day) <= now), None)


def before(wanted: MailingList, day: date) -> date:
    """The day of sending before this one."""
    return next(day - n * DAY for n in range(1, 8) if _on(day - n * DAY, wanted.weekdays))


def moment(wanted: MailingList, day: date) -> datetime:
    """When a day's digest goes out, in UTC. A time that clocks skip is as much later as they skip; of a time that they
    show twice the first counts.
    """
    return datetime.combine(day, wanted.at, wanted.tz).astimezone(UTC)


def _on(day: date, weekdays: Collection[int]) -> bool:
    return day.weekday() in weekdays


def _between(wanted: MailingList, first: date, last: date) -> int:
    days = (first + n * DAY for n in range(1, max(1, (last - first).days)))
    return sum(_on(day, wanted.weekdays) for day in days)
