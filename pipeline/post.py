"""What the service does for its readers on every tick: make the digests that are due, and send what waits.

A digest, its articles and one message for each recipient are written in one transaction; so whatever is killed when,
each is there once or not at all. Any number of processes may do this at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta

import structlog
from sqlalchemy import Connection

from config.settings import Settings
from pipeline import editions
from pipeline.courier import Courier, MailError, Outcome
from pipeline.editions import Edition
from pipeline.errors import TreatywatchError
from pipeline.report.digest.figures import Window
from pipeline.report.digest.mail import host_of, mail, sender_of
from pipeline.report.digest.making import Made, make
from storage import digests, outbox, recipients
from storage.database import Database
from storage.digests import Digest
from storage.outbox import Message
from storage.recipients import MailingList

log = structlog.get_logger()
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
AT_ONCE = 1000  # messages sent in one look
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@asynccontextmanager
async def post(settings: Settings, database: Database, *, clock: Clock = utc_now) -> AsyncIterator[None]:
    """Make and send digests while this is open. Closing finishes the message in hand."""
    work = Post(settings, database, clock)
    looking = asyncio.create_task(_look(work, settings.poll.tick_s))
    try:
        yield
    finally:
        work.stop()
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


async def _look(work: Post, look_s: float) -> None:
    while True:
        thread = asyncio.create_task(asyncio.to_thread(work.look))
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            await thread  # it has been told to stop
            raise
        await asyncio.sleep(look_s)


class Post:
    """Does what is due, in the thread that calls `look`."""

    def __init__(self, settings: Settings, database: Database, clock: Clock = utc_now) -> None:
        self._settings, self._database, self._clock = settings, database, clock
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Send nothing more, from another thread."""
        self._stopped.set()

    def look(self) -> None:
        """Make what is due, send what waits. Errors are logged; what failed is tried at the next look."""
        for work in (self.make_due, self.send_due):
            if not self._stopped.is_set():
                try:
                    work()
                except MailError as error:
                    log.warning("mail", reason=error.reason, error=str(error))
                except TreatywatchError as error:
                    log.error("digest", error=str(error))
                except Exception as error:  # what goes wrong today must not end the days to come
                    log.error("digest", error=type(error).__name__, exc_info=error)

    def make_due(self) -> list[int]:
        """Make the digests that are due; the ids of those that are new."""
        with self._database.read() as connection:
            known = recipients.lists(connection)
        made = []
        for wanted in known:
            if not self._stopped.is_set() and (digest_id := self._make(wanted)) is not None:
                made.append(digest_id)
        return made

    def _make(self, wanted: MailingList) -> int | None:
        now = self._clock()
        with self._database.read() as connection:
            edition = editions.due(connection, wanted, now)
            made = prepared(connection, self._settings, edition, now) if edition else None
        return keep(self._settings, self._database, wanted, made, now) if made else None

    def send_due(self) -> dict[str, int]:
        """Send what waits; how many messages met which fate."""
        with self._database.write() as connection:
            outbox.recover(connection, self._clock())
        fates: dict[str, int] = {}
        if not self._settings.mail.host:
            return fates
        courier: Courier | None = None
        for message in self._claimed():
            try:
                if courier is None or courier.lost:
                    courier = Courier(self._settings.mail).__enter__()
                fate = self._send(courier, message)
            except MailError as error:
                self._later(message, error.reason)
                self._wait_all(error.reason)
                raise
            except BaseException:
                self._later(message, "interrupted")
                raise
            fates[fate] = fates.get(fate, 0) + 1
        if courier is not None:
            courier.__exit__()
        if fates:
            log.info("mail", **fates)
        return fates
