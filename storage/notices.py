"""Remembers which alarms the webhooks were told of, so that each is told once, whoever looks and how often.

An alarm is known by its kind and subject. Its notices to one hook are numbered: 1 it began, 2 it ended, 3 it began
again. Two processes that notice the same thing write the same number, and one of them wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select, update

from storage.schema import notices
from storage.writes import indexable, insert_new

Event = Literal["began", "ended"]
Key = tuple[str, str]  # kind and subject of an alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell a hook. `payload`: the alarm; `attempts`: how often it was tried, this time included."""

    id: int
    kind: str
    subject: str
    event: Event
    payload: Mapping[str, Any]
    created_at: datetime
    attempts: int


def note(connection: Connection, hook: str, alarms: Mapping[Key, Mapping[str, Any]], now: datetime) -> int:
    """Note what began and what ended since the last look; `alarms` are those that hold. Returns how many notices."""
    holding = {(kind, indexable(subject)): payload for (kind, subject), payload in alarms.items()}
    last = {(row.kind, row.subject): row for row in connection.execute(_last(hook))}
    began = [_row(hook, key, last.get(key), payload, now) for key, payload in holding.items() if not _open(last, key)]
    ended = [_row(hook, key, row, row.payload, now) for key, row in last.items() if _open(last, key, holding)]
    return insert_new(connection, notices, [*began, *ended])


def _last(hook: str) -> Any:
    of_hook = select(notices.c.kind, notices.c.subject, func.max(notices.c.number).label("number"))
    latest = of_hook.where(notices.c.hook == hook).group_by(notices.c.kind, notices.c.subject).subquery()
    same = (notices.c.kind == latest.c.kind) & (notices.c.subject == latest.c.subject)
    joined = notices.join(latest, same & (notices.c.number == latest.c.number))
    return select(notices).select_from(joined).where(notices.c.hook == hook)


def _open(last: Mapping[Key, Row[Any]], key: Key, holding: Iterable[Key] = ()) -> bool:
    """Whether the hook was told that it began, and not that it ended."""
    return key in last and last[key].event == "began" and key not in holding


def _row(hook: str, key: Key, last: Row[Any] | None, payload: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "hook": hook,
        "kind": key[0],
        "subject": key[1],
        "number": last.number + 1 if last else 1,
        "event": "ended" if last and last.event == "began" else "began",
        "payload": dict(payload),
        "next_try_at": now,
        "created_at": now,
    }


def take(connection: Connection, hook: str, now: datetime, *, until: datetime, most: int) -> tuple[Notice, ...]:
    """The oldest notices that are due, at most `most`; nobody else is given them before `until`.

    While an earlier notice waits for its next try, the later ones wait behind it.
    """
    waiting = (notices.c.hook == hook, notices.c.state == "pending")
    first = select(notices.c.next_try_at).where(*waiting).order_by(notices.c.id).limit(1)
    due_at = connection.scalar(first.with_for_update())
    if due_at is None or due_at > now:
        return ()
    due = select(notices).where(*waiting, notices.c.next_try_at <= now).order_by(notices.c.id).limit(most)
    rows = connection.execute(due.with_for_update()).all()
    taken = update(notices).where(notices.c.id.in_([row.id for row in rows]))
    connection.execute(taken.values(next_try_at=until, attempts=notices.c.attempts + 1))
    names = ("id", "kind", "subject", "event", "payload", "created_at")
    return tuple(Notice(**{name: row._mapping[name] for name in names}, attempts=row.attempts + 1) for row in rows)


def sent(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """The hook has taken them."""
    connection.execute(update(notices).where(notices.c.id.in_(ids)).values(state="sent", sent_at=now, reason=""))


def failed(connection: Connection, ids: Sequence[int], reason: str, *, again_at: datetime | None) -> None:
    """The hook did not take them; tried again then, or never."""
    values = {"reason": reason, "state": "failed"} if again_at is None else {"reason": reason, "next_try_at": again_at}
    connection.execute(update(notices).where(notices.c.id.in_(ids)).values(values))
