"""Sends what waits in the outbox, and writes down what became of each mail before it turns to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from config.sections import MailSettings
from pipeline.errors import StorageError
from pipeline.mail.courier import Courier, MailError, Outcome
from pipeline.report.digest.mail import mail, sender_of
from storage import digests, outbox
from storage.database import Database
from storage.outbox import Message

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
STEPS = 10  # of one delivery, each of which may take mail.timeout_s
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def send_due(
    settings: MailSettings, database: Database, clock: Clock = utc_now, stopped: Callable[[], bool] = lambda: False
) -> Counter[str]:
    """Send every message that is due; how many met which fate. Without mail.host none is sent.

    Raises MailError where the server can't be used; then all that is due waits, and longer each time.
    """
    fates: Counter[str] = Counter()
    with database.write() as connection:
        outbox.recover(connection, clock())
    if not settings.host or not _waiting(database, clock()):
        return fates
    try:
        with Courier(settings) as courier:
            while not stopped():
                courier.connect()
                message = _claimed(settings, database, clock())
                if message is None:
                    break
                fates[_send(settings, database, courier, message, clock)] += 1
    except MailError as error:
        with database.write() as connection:
            outbox.postpone(connection, clock(), pause, error.reason, settings.give_up_h)
        raise
    return fates


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts: doubled each time, up to LONGEST_PAUSE."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(max(attempts - 1, 0), 16)))


def _waiting(database: Database, now: datetime) -> bool:
    with database.read() as connection:
        return outbox.any_due(connection, now)


def _claimed(settings: MailSettings, database: Database, now: datetime) -> Message | None:
    with database.write() as connection:
        return outbox.claim(connection, now, timedelta(seconds=STEPS * settings.timeout_s))


def _send(settings: MailSettings, database: Database, courier: Courier, message: Message, clock: Clock) -> str:
    with database.read() as connection:
        digest = digests.digest(connection, message.digest_id)
    if digest is None:
        raise StorageError(f"the digest {message.digest_id} of a mail is not there", reason="no_digest")

    def handing() -> bool:
        with database.write() as connection:
            return outbox.handing(connection, message.id, clock())

    body = mail(digest, message, settings).as_bytes()
    outcome = courier.hand(sender_of(settings).addr_spec, message.recipient, body, handing)
    _settle(settings, database, message, outcome, clock())
    return outcome.fate


def _settle(settings: MailSettings, database: Database, message: Message, outcome: Outcome, now: datetime) -> None:
    too_old = now - message.created_at > timedelta(hours=settings.give_up_h)
    with database.write() as connection:
        if outcome.fate == "sent":
            outbox.sent(connection, message.id, now)
        elif outcome.fate == "unknown":
            outbox.unsure(connection, message.id, outcome.reason)
        elif outcome.fate == "refused" or (outcome.fate == "later" and too_old):
            outbox.fail(connection, message.id, outcome.reason)
        elif outcome.fate == "later":
            outbox.retry(connection, message.id, now + pause(message.attempts), outcome.reason)
