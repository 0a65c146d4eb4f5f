"""What the service does every day, and the commands that do it by hand."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from config.settings import Settings, load
from pipeline.duties import attended
from pipeline.upkeep import Upkeep, backups
from storage.backup import back_up, named, restore
from storage.database import Database, open_database
from storage.feeds import log_fetch
from storage.schema import coders, metadata
from tests.samples import NOW, add_article, article, everything
from tests.test_cli import treatywatch

DAY = timedelta(days=1)


def settings_with(directory: Path, keep_days: int = 3) -> Settings:
    return load(environ={}, flags=[f"backup.directory={directory}", f"backup.keep_days={keep_days}"])


def log_of(database: Database, *times: datetime) -> None:
    with database.write() as connection:
        for at in times:
            log_fetch(connection, url="u", what="page", at=at, duration_ms=1, outcome="ok")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_one_backup_is_made_each_day_and_old_ones_go(database: Database, tmp_path: Path) -> None:
    clock, folder = Clock(), tmp_path / "backups"
    work = Upkeep(settings_with(folder), database, clock)
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    for hours in range(0, 120, 6):
        clock.now = NOW + hours * DAY / 24
        work.look()
    days = [name[len("treatywatch-") :][:8] for name in backups(folder)]
    assert days == ["20240503", "20240504", "20240505", "20240506"]  # the first one of each day, three days old at most
    assert (folder / "notes.txt").read_text() == "mine"


def test_the_newest_backup_is_kept_however_old(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    work = Upkeep(settings_with(tmp_path / "b", keep_days=1), database, clock)
    work.look()
    clock.now = NOW + 400 * DAY
    work.look()
    assert backups(tmp_path / "b") == [named(NOW + 400 * DAY)]


def test_backups_are_kept_for_ever_on_demand(database: Database, tmp_path: Path) -> None:
    clock = Clock()
    work = Upkeep(settings_with(tmp_path / "b", keep_days=0), database, clock)
    for years in range(3):
        clock.now = NOW + 400 * years * DAY
        work.look()
    assert len(backups(tmp_path / "b")) == 3


def test_what_a_killed_backup_left_is_cleared_away(database: Database, tmp_path: Path) -> None:
    old, young = f".{named(NOW - 2 * DAY)}.ab12.part", f".{named(NOW)}.cd34.part"
    for name in (old, young):
        (tmp_path / name).write_text("half")
    Upkeep(settings_with(tmp_path), database, Clock()).look()
    assert sorted(path.name for path in tmp_path.glob(".*")) == [young]


def test_a_backup_that_fails_is_tried_again_and_does_not_keep_the_pruning_back(
    database: Database, tmp_path: Path
) -> None:
    log_of(database, NOW - 900 * DAY)
    (tmp_path / "b").write_text("in the way")
    work = Upkeep(settings_with(tmp_path / "b"), database, Clock())
    work.look()
    after_failure = everything(database)["fetches"]
    (tmp_path / "b").unlink()
    work.look()
    assert (after_failure, backups(tmp_path / "b")) == ([], [named(NOW)])


def test_the_fetch_log_is_pruned_each_day(database: Database) -> None:
    clock = Clock()
    work = Upkeep(load(environ={}), database, clock)
    found = []
    for days in (0, 0.25, 1, 200):
        clock.now = NOW + days * DAY
        work.look()
        found.append(len(everything(database)["fetches"]))
        log_of(database, clock.now - 300 * DAY)
    assert found == [0, 1, 0, 0]


def test_upkeep_goes_on_beside_other_work_and_ends_with_it(database: Database, tmp_path: Path) -> None:
    async def serve() -> None:
        async with attended([Upkeep(settings_with(tmp_path / "b"), database)], lambda: True, 0.05):
            for _ in range(200):
                await asyncio.sleep(0.05)
                if (tmp_path / "b").is_dir() and backups(tmp_path / "b"):
                    return

    log_of(database, NOW - 900 * DAY)
    asyncio.run(serve())
    assert (len(backups(tmp_path / "b")), list((tmp_path / "b").glob(".*"))) == (1, [])


def test_a_backup_under_way_is_given_up_when_the_service_stops(database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        connection.execute(insert(coders), [{"name": f"{n} {'x' * 2000}", "created_at": NOW} for n in range(5000)])
    work = Upkeep(settings_with(tmp_path / "b"), database, Clock())

    looking = threading.Thread(target=work.look)
    looking.start()
    while not list((tmp_path / "b").glob(".*.part")):
        time.sleep(0.001)
    work.stop()
    looking.join()
    assert list((tmp_path / "b").iterdir()) == []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data directory with a scored article and an old row in the fetch log."""
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    with database.write() as connection:
        add_article(connection, article(), tone=0.5)
    log_of(database, NOW)
    database.close()
    return tmp_path


def rows(home: Path) -> dict[str, list[Any]]:
    database = open_database(f"sqlite:///{home / 'coverage.db'}")
    found = everything(database)
    database.close()
    return found


def test_what_backup_saves_restore_brings_back(home: Path, tmp_path: Path) -> None:
    before, file = rows(home), tmp_path / "b.zip"
    saved = treatywatch("backup", file, "--json", home=home)
    again = treatywatch("backup", file, home=home)
    refused = treatywatch("restore", file, home=home)
    replaced = treatywatch("restore", file, "--replace", "--json", home=home)
    new = treatywatch("restore", file, home=tmp_path / "new")
    assert [done.returncode for done in (saved, again, refused, replaced, new)] == [0, 1, 1, 0, 0], saved.stderr
    assert ("is there already" in again.stderr, "--replace" in refused.stderr) == (True, True)
    assert (rows(home), rows(tmp_path / "new")) == (before, before)
    kept = {table.name for table in metadata.sorted_tables if not table.info.get("derived")}
    assert json.loads(saved.stdout)["tables"] == {name: len(before[name]) for name in kept}
    own = Path(json.loads(replaced.stdout)["replaced"])
    assert (own.parent, own.exists()) == (home / "backups", True)


def test_backup_into_a_folder_is_named_after_the_time(home: Path, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    done = treatywatch("backup", tmp_path / "all", home=home)
    assert (done.returncode, len(backups(tmp_path / "all"))) == (0, 1)


def test_F54_a_file_that_is_no_backup_is_one_clear_line(home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    done = treatywatch("restore", tmp_path / "notes.txt", "--replace", home=home)
    assert (done.returncode, done.stderr.count("\n"), "notes.txt" in done.stderr) == (1, 1, True)


def test_prune_says_what_it_would_remove_and_then_removes_it(home: Path) -> None:
    before = rows(home)
    foretold = treatywatch("prune", "--dry-run", "--json", home=home)
    unchanged = rows(home)
    removed = treatywatch("prune", "--json", home=home)
    table = treatywatch("prune", home=home)
    counts = {"fetches": 1, "unused_texts": 0, "former_texts": 0, "vectors": 0}
    assert (json.loads(foretold.stdout), unchanged) == (counts | {"dry_run": True}, before)
    assert (json.loads(removed.stdout), rows(home)) == (counts | {"dry_run": False}, before | {"fetches": []})
    assert ("fetch log" in table.stdout, "ever" in table.stdout) == (True, True)


def test_retention_settings_out_of_bounds_are_refused(home: Path) -> None:
    done = treatywatch("--set", "retention.vector_days=-1", "prune", home=home)
    assert (done.returncode, "retention.vector_days" in done.stderr) == (2, True)


@pytest.mark.postgres
def test_a_backup_moves_from_sqlite_to_postgresql_by_url(home: Path, tmp_path: Path, postgres: Any) -> None:
    name = postgres.create()
    assert treatywatch("backup", tmp_path / "b.zip", home=home).returncode == 0
    done = treatywatch("--set", f"storage.url={postgres.url(name)}", "restore", tmp_path / "b.zip", home=home)
    database = open_database(postgres.url(name))
    found = everything(database)
    back_up(database, tmp_path / "c.zip", now=NOW)
    database.close()
    postgres.drop(name)
    other = open_database(f"sqlite:///{tmp_path / 'third.db'}")
    restore(other, tmp_path / "c.zip", now=NOW)
    third = everything(other)
    other.close()
    assert (done.returncode, found, third) == (0, rows(home), rows(home)), done.stderr
