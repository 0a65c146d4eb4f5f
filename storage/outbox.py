"""Remembers what is to be mailed: one message for each recipient of a digest, and what became of it.

pending   waits, or is tried again     sending   a process has it in hand, until its lease ends
sent      the server took it           failed    given up: refused for good, or too long
unknown   the server may have it: the connection broke after the text was handed over. Never sent again by itself.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from storage import recipients as people
from storage.columns import MAX_ID
from storage.recipients import Recipient
from storage.schema import OUTBOX_STATES, digests, outbox
from storage.writes import insert_new

TOKEN_BYTES = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A mail to one recipient. `token` opens the way out of the list; it is forgotten when the mail is sent."""

    id: int
    digest_id: int
    recipient: str
    message_id: str
    state: str
    attempts: int
    next_try_at: datetime | None
    reason: str
    created_at: datetime
    sent_at: datetime | None
    token: str = field(default="", repr=False)


def post(connection: Connection, digest_id: int, to: Sequence[Recipient], host: str, now: datetime) -> int:
    """Put a digest into the outbox for each recipient who has no mail of it yet; how many were new.

    `host`: what stands behind the @ of Message-IDs.
    """
    rows = []
    for recipient in to:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        mark = hashlib.sha256(recipient.address.encode()).hexdigest()[:16]
        rows.append({
            "digest_id": digest_id, "recipient_id": recipient.id, "recipient": recipient.address,
            "message_id": f"<digest.{digest_id}.{mark}@{host}>", "token_hash": hash_of(token),
            "payload": {"token": token}, "created_at": now, "next_try_at": now,
        })  # fmt: skip
    return insert_new(connection, outbox, rows)


def claim(connection: Connection, now: datetime, lease: timedelta) -> Message | None:
    """Take the next message that is due into hand. No other process gets it until the lease ends."""
    asked = select(outbox.c.id).where(_due(now)).order_by(outbox.c.next_try_at, outbox.c.id).limit(1)
    message_id = connection.scalar(asked.with_for_update(skip_locked=True))
    if message_id is None:
        return None
    taken = {"state": "sending", "lease_until": now + lease, "handed_at": None, "attempts": outbox.c.attempts + 1}
    connection.execute(update(outbox).where(outbox.c.id == message_id).values(taken))
    return _messages(connection, outbox.c.id == message_id)[0]


def handing(connection: Connection, message_id: int, now: datetime) -> bool:
    """Note that the text goes over to the server now; False if the message is not in hand any more."""
    return _settle(connection, message_id, {"handed_at": now})


def sent(connection: Connection, message_id: int, now: datetime) -> None:
    """The server took it."""
    _settle(connection, message_id, {"state": "sent", "reason": "", "sent_at": now, "payload": {}})


def retry(connection: Connection, message_id: int, at: datetime, reason: str) -> None:
    """It is tried again then."""
    _settle(connection, message_id, {"state": "pending", "next_try_at": at, "reason": reason})


def fail(connection: Connection, message_id: int, reason: str) -> None:
    """It is given up."""
    _settle(connection, message_id, {"state": "failed", "next_try_at": None, "reason": reason})


def unsure(connection: Connection, message_id: int, reason: str) -> None:
    """Nobody knows whether the server took it."""
    _settle(connection, message_id, {"state": "unknown", "next_try_at": None, "reason": reason})


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether a message waits to be sent now."""
    return connection.scalar(select(outbox.c.id).where(_due(now)).limit(1)) is not None


def postpone(
    connection: Connection, now: datetime, pause: Callable[[int], timedelta], reason: str, give_up_h: float
) -> None:
    """No server is there: let all that is due wait, `pause` of the attempts so far; give up what waited too long."""
    columns = (outbox.c.id, outbox.c.attempts, outbox.c.created_at)
    for row in connection.execute(select(*columns).where(_due(now))).all():
        tried = row.attempts + 1
        values: dict[str, Any] = {"attempts": tried, "reason": reason, "next_try_at": now + pause(tried)}
        if now - row.created_at > timedelta(hours=give_up_h):
            values |= {"state": "failed", "next_try_at": None}
        connection.execute(update(outbox).where(outbox.c.id == row.id).values(values))


def recover(connection: Connection, now: datetime) -> None:
    """Decide on what a killed process had in hand: tried again, or unknown if the text may have gone over."""
    lapsed = and_(outbox.c.state == "sending", or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= now))
    handed = outbox.c.handed_at.is_not(None)
    cut = {"state": "unknown", "next_try_at": None, "reason": "the process ended while the mail was handed over"}
    connection.execute(update(outbox).where(lapsed, handed).values(cut))
    connection.execute(update(outbox).where(lapsed, ~handed).values(state="pending", next_try_at=now))


def resend(connection: Connection, message_id: int, now: datetime) -> bool:
    """Send a failed or unknown message again, with the same Message-ID; whether there is such a one."""
    if not 0 < message_id <= MAX_ID:
        return False
    again = and_(outbox.c.id == message_id, outbox.c.state.in_(("failed", "unknown")))
    values = {"state": "pending", "next_try_at": now, "reason": "", "attempts": 0}
    return bool(connection.execute(update(outbox).where(again).values(values)).rowcount)


def messages(
    connection: Connection, *, states: Sequence[str] = (), digest_id: int | None = None, limit: int = 100
) -> tuple[Message, ...]:
    """Messages, the newest first."""
    wanted: list[ColumnElement[bool]] = [outbox.c.state.in_(states)] if states else []
    wanted += [outbox.c.digest_id == digest_id] if digest_id is not None else []
    return _messages(connection, *wanted, limit=limit)


def counts(connection: Connection) -> Mapping[str, int]:
    """Messages by state."""
    found: dict[str, int] = dict(
        connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state)).all()
    )
    return {state: found.get(state, 0) for state in OUTBOX_STATES}


def unsubscribe(connection: Connection, token: str, now: datetime) -> bool:
    """Take off its list whom the token was sent to, and what still waits for them out of the outbox."""
    asked = select(outbox.c.recipient_id).where(outbox.c.token_hash == hash_of(token))
    recipient_id = connection.scalar(asked.limit(1))
    if recipient_id is None:
        return False
    drop_for(connection, recipient_id)
    return people.leave(connection, recipient_id, now)


def remove(connection: Connection, list_name: str, address: str, now: datetime) -> bool:
    """Take an address off a list, and what waits for it out of the outbox; whether it was on the list."""
    address = people.checked(address)
    on_list = people.on_list(connection, list_name, left_too=False)
    recipient_id = next((one.id for one in on_list if one.address == address), None)
    if recipient_id is None:
        return False
    drop_for(connection, recipient_id)
    return people.leave(connection, recipient_id, now)


def drop_for(connection: Connection, recipient_id: int) -> None:
    """Give up what waits for somebody who left their list."""
    waiting = and_(outbox.c.recipient_id == recipient_id, outbox.c.state == "pending")
    values = {"state": "failed", "next_try_at": None, "reason": "unsubscribed"}
    connection.execute(update(outbox).where(waiting).values(values))


def hash_of(token: str) -> str:
    """What is kept of a token. It has 144 random bits, so that a plain hash gives nothing away."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(outbox.c.state == "pending", outbox.c.next_try_at <= now)


def _settle(connection: Connection, message_id: int, values: Mapping[str, Any]) -> bool:
    in_hand = and_(outbox.c.id == message_id, outbox.c.state == "sending")
    return bool(connection.execute(update(outbox).where(in_hand).values(values)).rowcount)


def _messages(connection: Connection, *wanted: ColumnElement[bool], limit: int = 1) -> tuple[Message, ...]:
    names = [name for name in Message.__dataclass_fields__ if name != "token"]
    columns = [outbox.c[name] for name in names]
    asked = select(*columns, outbox.c.payload).join_from(outbox, digests).where(*wanted)
    rows = connection.execute(asked.order_by(outbox.c.id.desc()).limit(limit)).mappings()
    return tuple(Message(**{name: row[name] for name in names}, token=row["payload"].get("token", "")) for row in rows)
