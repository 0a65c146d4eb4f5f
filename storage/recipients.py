"""Remembers mailing lists and who is on them. An address that left stays known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import Connection, func, select, update

from pipeline.errors import StorageError
from storage.schema import TONGUES, mailing_lists, recipients

Tongue = Literal["en", "ja"]
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,49}", re.ASCII)
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
EVERY_DAY = tuple(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingList:
    """Who gets a digest when, and in which language: at `send_at` in `zone` on `weekdays` (Monday is 0).

    `empty_days`: also when nothing is new. `recipients`: how many get it.
    """

    id: int
    name: str
    language: Tongue
    zone: str
    send_at: str
    weekdays: tuple[int, ...]
    empty_days: bool
    created_at: datetime
    recipients: int = 0

    @property
    def at(self) -> time:
        """The local time of sending."""
        return time.fromisoformat(self.send_at)

    @property
    def tz(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An address on a list."""

    id: int
    list_name: str
    address: str
    added_at: datetime
    unsubscribed_at: datetime | None


def lists(connection: Connection) -> tuple[MailingList, ...]:
    """All lists, by name."""
    live = select(recipients.c.list_id, func.count().label("n")).where(recipients.c.unsubscribed_at.is_(None))
    counted = live.group_by(recipients.c.list_id).subquery()
    asked = select(mailing_lists, func.coalesce(counted.c.n, 0).label("recipients")).outerjoin_from(
        mailing_lists, counted, counted.c.list_id == mailing_lists.c.id
    )
    rows = connection.execute(asked.order_by(mailing_lists.c.name))
    return tuple(MailingList(**{**row._mapping, "weekdays": tuple(row.weekdays)}) for row in rows)


def list_named(connection: Connection, name: str) -> MailingList:
    """A list. Raises StorageError `no_list`."""
    for found in lists(connection):
        if found.name == name:
            return found
    raise StorageError(
        f"there is no list named {name!r}; see `treatywatch recipients list`, or make it with "
        f"`treatywatch recipients schedule {name}`",
        reason="no_list",
    )


def schedule(connection: Connection, name: str, changes: Mapping[str, Any], now: datetime) -> MailingList:
    """Make a list, or change what `changes` names of it.

    `changes` of a new list name language, zone, send_at, weekdays and empty_days. Raises StorageError (`bad_list`) for
    what is no list's name, time zone, time, weekday or language.
    """
    _check(name, changes)
    changed = dict(changes) | ({"weekdays": sorted(set(changes["weekdays"]))} if "weekdays" in changes else {})
    same = mailing_lists.c.name == name
    if connection.scalar(select(mailing_lists.c.id).where(same)) is None:
        connection.execute(mailing_lists.insert(), {"name": name, "created_at": now, **changed})
    elif changed:
        connection.execute(update(mailing_lists).where(same).values(changed))
    return list_named(connection, name)


def _check(name: str, changes: Mapping[str, Any]) -> None:
    faults = {
        "a list's name has 1 to 50 small letters, digits and hyphens": not NAME.fullmatch(name),
        "the language is en or ja": changes.get("language", TONGUES[0]) not in TONGUES,
        "the time zone is none; write it like Asia/Tokyo": changes.get("zone", "UTC") not in available_timezones(),
        "write the time like 07:00": not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", changes.get("send_at", "00:00")),
        "weekdays are mon to sun, at least one": not _are_days(changes.get("weekdays", EVERY_DAY)),
    }
    for fault, found in faults.items():
        if found:
            raise StorageError(fault, reason="bad_list")


def _are_days(days: Sequence[int]) -> bool:
    return bool(days) and set(days) <= set(EVERY_DAY)


def add(connection: Connection, list_name: str, address: str, now: datetime) -> bool:
    """Put an address on a list, also one that had left it; whether it was not there.

    Raises StorageError for what is no address (`bad_address`) or no list (`no_list`).
    """
    address = checked(address)
    list_id = list_named(connection, list_name).id
    same = (recipients.c.list_id == list_id) & (recipients.c.address == address)
    found = connection.execute(select(recipients).where(same)).one_or_none()
    if found is None:
        connection.execute(recipients.insert(), {"list_id": list_id, "address": address, "added_at": now})
    elif found.unsubscribed_at is not None:
        connection.execute(update(recipients).where(same).values(added_at=now, unsubscribed_at=None))
    return found is None or found.unsubscribed_at is not None


def checked(address: str) -> str:
    """An address as it is kept: its domain in lower case and ASCII. Raises StorageError `bad_address`."""
    local, _, domain = address.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        ascii_domain = ""
    cleaned = f"{local}@{ascii_domain}"
    if not ADDRESS.fullmatch(cleaned):
        raise StorageError("that is no mail address; write it like name@example.org", reason="bad_address")
    return cleaned


def on_list(connection: Connection, list_name: str | None = None, *, left_too: bool = True) -> tuple[Recipient, ...]:
    """The addresses on one list or all, by list and address."""
    columns = [recipients.c[name] for name in ("id", "address", "added_at", "unsubscribed_at")]
    asked = select(*columns, mailing_lists.c.name.label("list_name")).join_from(recipients, mailing_lists)
    if list_name is not None:
        asked = asked.where(mailing_lists.c.name == list_name)
    if not left_too:
        asked = asked.where(recipients.c.unsubscribed_at.is_(None))
    rows = connection.execute(asked.order_by(mailing_lists.c.name, recipients.c.address))
    return tuple(Recipient(**row._mapping) for row in rows)


def leave(connection: Connection, recipient_id: int, now: datetime) -> bool:
    """Take an address off its list; whether it was on it."""
    live = (recipients.c.id == recipient_id) & recipients.c.unsubscribed_at.is_(None)
    return bool(connection.execute(update(recipients).where(live).values(unsubscribed_at=now)).rowcount)
