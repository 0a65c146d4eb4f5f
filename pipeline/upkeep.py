"""What the service does once a day beside its passes: back the database up, and remove what the settings let go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog

from config.sections import BackupSettings
from config.settings import Settings
from pipeline.errors import TreatywatchError
from storage.backup import back_up, named
from storage.database import Database
from storage.retention import prune

log = structlog.get_logger()
DAY = timedelta(days=1)
LOOK_S = 3600.0  # how often the service looks whether a new day (UTC) has come, or something failed and is tried again
BACKUPS = "treatywatch-*.zip"


class _Stopped(Exception):  # noqa: N818 - it is no error
    """A backup is given up, because the service stops."""


class Upkeep:
    """A duty: does what is due, in the thread that calls `look`. Stopped, it leaves nothing half done."""

    every_s = LOOK_S

    def __init__(
        self, settings: Settings, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._settings, self._database, self._clock = settings, database, clock
        self._stopped = threading.Event()
        self._pruned_on: date | None = None

    def stop(self) -> None:
        """Give up what is under way, from another thread."""
        self._stopped.set()

    def look(self) -> None:
        """Do what has not been done today. Errors are logged; what failed is tried at the next look."""
        for work in (self._back_up, self._prune):
            if not self._stopped.is_set():
                try:
                    work()
                except _Stopped:
                    log.info("backup", outcome="stopped")
                except TreatywatchError as error:
                    log.error("upkeep", error=str(error))
                except Exception as error:  # what goes wrong today must not end the days to come
                    log.error("upkeep", error=repr(error), exc_info=error)

    def _back_up(self) -> None:
        directory, now = self._settings.backup.path(), self._clock()
        if directory is None or not is_due(directory, now):
            return
        file = directory / named(now)
        manifest = back_up(self._database, file, now=now, progress=self._heed)
        thinned = thin(self._settings.backup, directory, now)
        log.info("backup", outcome="ok", file=str(file), rows=manifest.rows, removed=len(thinned))

    def _prune(self) -> None:
        now = self._clock()
        if self._pruned_on != now.date():
            pruned = prune(self._database, self._settings.retention, now, self._stopped.is_set)
            self._pruned_on = now.date()
            log.info("prune", **asdict(pruned))

    def _heed(self, what: str, done: int, total: int) -> None:  # noqa: ARG002 - a progress that looks up only
        if self._stopped.is_set():
            raise _Stopped


def is_due(directory: Path, now: datetime) -> bool:
    """Whether no backup was made today (UTC)."""
    today = named(now).partition("T")[0]
    return not any(name.startswith(today) for name in backups(directory))


def backups(directory: Path) -> list[str]:
    """The names of the daily backups in a directory; by name is by time."""
    return sorted(path.name for path in directory.glob(BACKUPS))


def thin(settings: BackupSettings, directory: Path, now: datetime) -> list[Path]:
    """Remove the backups that are too old, and what a killed one left; the newest is kept, however old."""
    unfinished = [path for path in directory.glob(f".{BACKUPS}.*.part") if path.name[1:] < named(now - DAY)]
    before = named(now - timedelta(settings.keep_days)) if settings.keep_days else ""
    old = [directory / name for name in backups(directory)[:-1] if name < before]
    for path in (*unfinished, *old):
        path.unlink(missing_ok=True)
    return old
