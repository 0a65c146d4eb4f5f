"""What the service does for its readers on every tick: make the digests that are due, and send what waits.

A digest, its articles and one message for each recipient are written in one transaction; so whatever is killed when,
each is there once or not at all. Any number of processes may do this at once.
"""

from __future__ import annotations

import threading
from datetime import datetime

import structlog
from sqlalchemy import Connection

from config.settings import Settings
from pipeline.errors import TreatywatchError
from pipeline.mail import editions
from pipeline.mail.courier import MailError
from pipeline.mail.editions import Edition
from pipeline.mail.sending import Clock, send_due, utc_now
from pipeline.report.digest.figures import Window
from pipeline.report.digest.mail import host_of
from pipeline.report.digest.making import Made, make
from storage import digests, outbox, recipients
from storage.database import Database
from storage.recipients import MailingList

log = structlog.get_logger()


class Post:
    """A duty: does what is due, in the thread that calls `look`. Stopped, it finishes the message in hand."""

    every_s = 0.0  # at every tick

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

    def send_due(self) -> None:
        """Send what waits."""
        fates = send_due(self._settings.mail, self._database, self._clock, self._stopped.is_set)
        if fates:
            log.info("mail", **fates)


def prepared(connection: Connection, settings: Settings, edition: Edition, now: datetime) -> Made:
    """The digest of an edition, not kept yet."""
    window = Window(
        edition=edition.list.name,
        day=edition.day,
        covers_from=edition.covers_from,
        covers_to=edition.covers_to,
        zone=edition.list.zone,
        days_missed=edition.days_missed,
    )
    return make(connection, settings, window, edition.list.language, now)


def keep(settings: Settings, database: Database, wanted: MailingList, made: Made, now: datetime) -> int | None:
    """Keep a digest with the mails that carry it; its id, or None where another process did so before.

    One without anything new is kept as quiet and not sent, unless its list asks for it.
    """
    row = dict(made.row) | {"quiet": made.quiet and not wanted.empty_days}
    with database.write() as connection:
        digest_id = digests.keep(connection, row, made.items)
        if digest_id is None:
            return None
        to = () if row["quiet"] else recipients.on_list(connection, wanted.name, left_too=False)
        if to and settings.mail.host:
            outbox.post(connection, digest_id, to, host_of(settings.mail), now)
    log.info("digest", edition=wanted.name, day=row["day"], articles=len(made.items), quiet=row["quiet"], to=len(to))
    return digest_id
