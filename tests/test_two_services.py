"""Several services on one database: real processes that share the work, die, take over, refuse and drain."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.duties import attended
from storage.database import open_database
from storage.presence import Election
from tests.cheap import held
from tests.crowd import Crowd
from tests.services import ROOT, Services, busy_settings, cheap_service, endure, settle, state


@pytest.mark.postgres
def test_F51_two_services_that_are_killed_again_and_again_lose_and_double_nothing(
    postgres: Any, tmp_path: Path
) -> None:
    name = postgres.create()
    url = postgres.url(name)
    database = open_database(url)
    with Crowd(4, 2) as crowd:
        services = Services(cheap_service(url, busy_settings(crowd, tmp_path, url)), tmp_path / "log")
        try:
            services.start()
            services.start()
            ahead = endure(services, crowd, database, seconds=16, every_s=4)
            found, wanted = settle(crowd, database, 60), crowd.feeds * crowd.each
            statuses = services.stop(20)
            left = held(database)
        finally:
            services.end()
            database.close()
    assert found | {"held": 0} == {
        "entries": wanted, "waiting": 0, "articles": wanted, "scores": wanted, "scored": wanted, "held": 0,
    }, (tmp_path / "log").read_text()[-3000:]  # fmt: skip
    assert (ahead, services.kills >= 3, statuses, left) == (0, True, [0, 0], 0)
    again = sum(crowd.pages.values()) - wanted
    assert again <= services.kills * 8, "only what was under way at a kill is fetched again"
    assert "Traceback" not in (tmp_path / "log").read_text()
    postgres.drop(name)


@pytest.mark.postgres
def test_F54_one_of_several_is_elected_and_another_when_it_is_gone(postgres: Any) -> None:
    one, two = open_database(postgres.ready), open_database(postgres.ready)
    first, second = Election(one), Election(two)
    before = [first.elected(), second.elected(), first.elected()]
    first.close()
    after = [second.elected(), first.elected()]
    second.close()
    one.close()
    two.close()
    assert (before, after) == ([True, False, True], [True, False])


@pytest.mark.postgres
def test_F54_who_lost_its_connection_is_no_longer_elected_unless_it_wins_again(postgres: Any) -> None:
    database = open_database(postgres.ready)
    first, second = Election(database), Election(database)
    assert first.elected()
    with database.write() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        )
    until = time.monotonic() + 10
    while not second.elected():
        assert time.monotonic() < until
    found = first.elected()
    second.close()
    again = first.elected()
    first.close()
    database.close()
    assert (found, again) == (False, True)


def test_F54_a_second_service_on_a_sqlite_file_refuses_and_says_what_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'coverage.db'}"
    with Crowd(1, 1) as crowd:
        services = Services(cheap_service(url, busy_settings(crowd, tmp_path, url)), tmp_path / "log")
        try:
            services.start()
            database = open_database(url)
            assert settle(crowd, database, 60)["scores"] == 1
            second = subprocess.run(services.command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
            services.replace_one()  # the lock goes with the process
            crowd.each = 3
            found = settle(crowd, database, 60)
            statuses = services.stop(20)
            database.close()
        finally:
            services.end()
    assert (second.returncode != 0, found["scores"], statuses) == (True, 3, [0])
    assert "makes the passes on this database already: stop it first, or serve with --no-scheduler" in second.stderr


def test_F66_a_service_that_is_told_to_stop_drains_in_bounded_time_even_when_the_model_hangs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'coverage.db'}"
    with Crowd(1, 6) as crowd:
        settings = busy_settings(crowd, tmp_path, url, poll={"drain_s": 1.0})
        services = Services(cheap_service(url, settings, 600), tmp_path / "log")
        database = open_database(url)
        try:
            services.start()
            until = time.monotonic() + 60
            while not crowd.pages:
                assert time.monotonic() < until
                time.sleep(0.1)
            began = time.monotonic()
            statuses = services.stop(30)
            took = time.monotonic() - began
        finally:
            services.end()
        left = state(database)
        database.close()
    assert (statuses, took < 20) == ([0], True), (took, (tmp_path / "log").read_text()[-2000:])
    assert (left["entries"], left["waiting"], left["articles"], left["held"]) == (6, 6, 0, 0)


class Chore:
    """A duty that counts."""

    every_s = 600.0

    def __init__(self) -> None:
        self.looks, self.stopped = 0, False

    def look(self) -> None:
        self.looks += 1
        if self.looks == 2:
            raise RuntimeError("half way")

    def stop(self) -> None:
        self.stopped = True


def test_duties_are_looked_after_by_the_elected_at_its_election_and_then_at_their_own_pace() -> None:
    async def go() -> list[int]:
        chore, votes = Chore(), [False, False, True, True, True, False, True, False, True]
        seen = []

        def elected() -> bool:
            seen.append(chore.looks)
            return votes.pop(0) if votes else True

        async with attended([chore], elected, 0.2):
            while len(seen) < 14:  # noqa: ASYNC110 - it is asked in a thread
                await asyncio.sleep(0.02)
        assert chore.stopped
        return [seen[2], seen[5], seen[13]]

    assert asyncio.run(go()) == [0, 1, 3]
