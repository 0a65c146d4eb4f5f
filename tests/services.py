"""Two services on one database, while outlets bring news and one service after the other is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w
from sqlalchemy import func, select

from storage.database import Database
from storage.schema import articles, entries, feeds, scores
from tests.cheap import held
from tests.crowd import Crowd

ROOT = Path(__file__).parents[1]


@dataclass
class Services:
    """Processes that run `command`; `kills` and `statuses`: what became of them."""

    command: Sequence[str]
    log: Path
    kills: int = 0
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running.append(subprocess.Popen(self.command, cwd=ROOT, env=dict(os.environ), stderr=log, stdout=log))

    def replace_one(self) -> None:
        """Kill the one that has run longest, and start another."""
        oldest = self.running.pop(0)
        oldest.kill()
        oldest.wait()
        self.kills += 1
        self.start()

    def stop(self, seconds: float) -> list[int | None]:
        """Tell all to stop; their statuses, None for one that did not within this time."""
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + seconds
        found: list[int | None] = []
        for process in self.running:
            try:
                found.append(process.wait(max(0.1, until - time.monotonic())))
            except subprocess.TimeoutExpired:
                found.append(None)
        return found

    def end(self) -> None:
        """End all that still run."""
        for process in self.running:
            process.kill()
            process.wait()


def busy_settings(crowd: Crowd, home: Path, url: str, **sections: dict[str, object]) -> Path:
    """Settings by which feeds are asked again and again."""
    crowd.settings(home)
    settings: dict[str, dict[str, object]] = {
        "feeds": {"file": str(home / "feeds.toml")},
        "fetch": {"allow_networks": ["127.0.0.0/8"], "host_delay_s": 0.0, "host_concurrency": 8, "concurrency": 4},
        "poll": {"tick_s": 0.3, "min_interval_s": 1.0, "max_interval_s": 2.0, "lease_s": 5.0, "drain_s": 10.0},
        "storage": {"url": url},
        "log": {"level": "info"},
    }
    for name, values in sections.items():
        settings[name] = settings.get(name, {}) | values
    file = home / "busy.toml"
    file.write_text(tomli_w.dumps(settings), encoding="utf-8")
    return file


def ahead_of_entries(database: Database, crowd: Crowd) -> int:
    """Feeds whose validators are those of a body of which not all entries are kept."""
    known = select(func.count()).where(entries.c.feed_id == feeds.c.id).scalar_subquery()
    with database.read() as connection:
        rows = connection.execute(select(feeds.c.url, feeds.c.body_hash, known).where(feeds.c.body_hash.is_not(None)))
        found = rows.all()
    bodies = crowd.bodies()
    return sum(bodies[url, digest] > kept for url, digest, kept in found)


def state(database: Database) -> dict[str, int]:
    """Rows, and what is still to be done."""
    asked = {
        "entries": select(func.count()).select_from(entries),
        "waiting": select(func.count()).where(entries.c.state == "announced"),
        "articles": select(func.count()).select_from(articles),
        "scores": select(func.count()).select_from(scores),
        "scored": select(func.count(func.distinct(scores.c.revision_id))),
    }
    with database.read() as connection:
        found = {name: connection.scalars(query).one() for name, query in asked.items()}
    return found | {"held": held(database)}


def endure(
    services: Services, crowd: Crowd, database: Database, *, seconds: float, every_s: float, pause_s: float = 0.5
) -> int:
    """Let outlets bring news and kill services for a while; returns how often validators were ahead of entries."""
    ahead, until, next_kill = 0, time.monotonic() + seconds, time.monotonic() + every_s
    while time.monotonic() < until:
        time.sleep(pause_s)
        crowd.each += 1
        ahead += ahead_of_entries(database, crowd)
        if time.monotonic() >= next_kill:
            services.replace_one()
            next_kill = time.monotonic() + every_s
    return ahead


def settle(crowd: Crowd, database: Database, seconds: float, *, judged: bool = True) -> dict[str, int]:
    """Wait until all is done that outlets announce; if it is all `judged` to be relevant, also scored."""
    wanted, until = crowd.feeds * crowd.each, time.monotonic() + seconds
    found = state(database)
    while (found["scores" if judged else "entries"] < wanted or found["waiting"]) and time.monotonic() < until:
        time.sleep(0.3)
        found = state(database)
    return found


def cheap_service(url: str, settings: Path, seconds: float = 0.02) -> list[str]:
    """The command of a service whose judge takes so long and knows nothing."""
    return [sys.executable, "-m", "tests.cheap", "serve", url, str(settings), str(seconds)]
