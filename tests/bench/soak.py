"""The service under fire: feeds of which a third misbehave at random, SIGKILLs on the way, and what is left afterwards.

    python tests/bench/soak.py [--feeds 300] [--minutes 10] [--kills 3] [--interval 60] [--postgres]

Ends by itself. Exit code 1 if an entry or a score was lost or doubled, a healthy feed was asked later than twice its
interval, memory grew by 5 % or more after the warm-up, or the log holds an exception that nobody handled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import psutil
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[2]))

from storage.database import open_database
from storage.schema import articles, drops, entries, fetches, revisions, scores, screenings
from tests.stormy import Storm, gaps

ROOT = Path(__file__).parents[2]
WARM_UP_S = 90.0
QUIET_END_S = 75.0  # at the end nothing new is published, so that all can be read
MB = 2**20


class Service:
    """`treatywatch serve` in a process of its own, killed and begun again."""

    def __init__(self, settings: Path, log: Path) -> None:
        self._settings, self._log = settings, log
        self.started = 0.0
        self.samples: list[tuple[float, float]] = []

    def start(self) -> None:
        """Begin."""
        command = [sys.executable, "-m", "pipeline", "--config", str(self._settings), "serve", "--no-web"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self.started, self.samples = time.monotonic(), []

    def kill(self) -> None:
        """End it as the system does that has no memory left."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """End it as systemd does."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=120)

    def measure(self) -> None:
        """Note the memory of the process, without the workers that come and go."""
        if self._process.poll() is not None:
            sys.exit(f"the service ended by itself with {self._process.returncode}: see {self._log}")
        self.samples.append((time.monotonic() - self.started, psutil.Process(self._process.pid).memory_info().rss / MB))

    def growth(self) -> float:
        """Growth of memory from the minute after the warm-up to the last minute, as a share."""
        end = self.samples[-1][0]
        before = [rss for at, rss in self.samples if WARM_UP_S <= at < WARM_UP_S + 60]
        after = [rss for at, rss in self.samples if at > end - 60]
        return statistics.median(after) / statistics.median(before) - 1 if before else float("nan")


async def storm(options: argparse.Namespace, home: Path, database: str) -> bool:
    """Run it all; whether it went well."""
    log = home / "service.log"
    async with Storm(options.feeds, port=options.port) as outlets:
        outlets.publish(1.0)
        service = Service(outlets.write_settings(home, interval_s=options.interval, database=database), log)
        service.start()
        began = time.monotonic()
        end = began + 60 * options.minutes
        # The kills come in the first half, so that memory can be watched in the second.
        kills = [began + 60 * options.minutes * (n + 1) / (2 * options.kills + 1) for n in range(options.kills)]
        while (now := time.monotonic()) < end:
            if kills and now >= kills[0]:
                kills.pop(0)
                service.kill()
                service.start()
            if now < end - QUIET_END_S:
                outlets.publish(5 / 60 * options.rate)
            service.measure()
            print(f"\r{now - began:5.0f} s  {service.samples[-1][1]:6.0f} MB", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(5)
        ended = time.monotonic()
        code = await asyncio.to_thread(service.stop)
        print(f"\nstopped with {code} in {time.monotonic() - ended:.1f} s", file=sys.stderr)
        return code == 0 and tell(outlets, service, database, log, options, ended)


def tell(outlets: Storm, service: Service, database: str, log: Path, options: argparse.Namespace, ended: float) -> bool:
    """Print the findings; whether all are as they must be."""
    stored, scored, refused = _stored(database)
    expected = {outlets.page(f.number, n) for f in outlets.feeds if f.healthy for n in range(f.served)}
    also = {outlets.page(f.number, n) for f in outlets.feeds if not f.healthy for n in range(f.served)}
    relevant = (expected | also) & outlets.on_topic
    healthy = [f for f in outlets.feeds if f.healthy]
    late = [max(gaps(f.asked, ended)) for f in healthy]
    growth = service.growth()
    faults = _faults(log)
    findings = {
        "entries served whole by healthy feeds": (len(expected), True),
        "... by the others": (len(also), True),
        "lost": (len((expected | also) - stored.keys()), not (expected | also) - stored.keys()),
        "stored twice": (sum(n > 1 for n in stored.values()), all(n == 1 for n in stored.values())),
        "on topic": (len(relevant), True),
        "... refused by the screen": (len((relevant & refused) - scored.keys()), True),
        "... neither scored nor refused": (
            len(relevant - scored.keys() - refused),
            not relevant - scored.keys() - refused,
        ),
        "scored twice": (sum(n > 1 for n in scored.values()), all(n == 1 for n in scored.values())),
        "polls of healthy feeds": (sum(len(f.asked) for f in healthy), True),
        "... without validators after the first": (sum(f.unconditional for f in healthy), True),
        "longest pause of a healthy feed, s": (round(max(late), 1), max(late) <= 2 * options.interval),
        "pages fetched": (sum(outlets.pages.values()), True),
        "... more than once": (sum(n > 1 for n in outlets.pages.values()), True),
        "memory after warm-up, MB": (round(service.samples[-1][1]), True),
        "... grown by, %": (round(100 * growth, 1), growth < 0.05),
        "unhandled in the log": (len(faults), not faults),
    }
    for name, (figure, well) in findings.items():
        print(f"{name:<45}{figure:>10}{'' if well else '   <-- WRONG'}")
    print("outcomes of polls:", dict(_outcomes(database)))
    print(*faults[:5], sep="\n")
    return all(well for _, well in findings.values())


def _stored(database: str) -> tuple[Counter[str], Counter[str], set[str]]:
    """The links of entries, the pages that were scored, each with how often; and the pages found not to be relevant."""
    store = open_database(database)
    with store.read() as connection:
        links = Counter(connection.scalars(select(entries.c.link)))
        judged = select(articles.c.url).join_from(scores, revisions).join(articles)
        scored = Counter(connection.scalars(judged.where(revisions.c.number == articles.c.revision)))
        screened = select(articles.c.url).join_from(screenings, revisions).join(articles)
        refused = set(connection.scalars(screened.where(screenings.c.relevant.is_(False))))
        refused |= set(connection.scalars(select(drops.c.url).where(drops.c.stage == "gate")))
    store.close()
    return links, scored, refused


def _outcomes(database: str) -> Counter[str]:
    store = open_database(database)
    with store.read() as connection:
        asked = select(fetches.c.outcome, func.count()).where(fetches.c.what == "feed").group_by(fetches.c.outcome)
        found = Counter(dict(connection.execute(asked).all()))
    store.close()
    return found


def _faults(log: Path) -> list[str]:
    """Lines that tell of what nobody handled."""
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            if "resource_tracker" not in line and not line.startswith("  warnings.warn"):  # it speaks after a SIGKILL
                found.append(line)
            continue
        if event.get("level") in ("error", "critical") or "exception" in event:
            found.append(line)
    return found


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("feeds", 300), ("minutes", 10.0), ("kills", 3), ("interval", 60.0), ("port", 18733)):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--rate", type=float, default=0.4, help="new entries a feed and minute")
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if options.postgres:
            import pgserver

            server = pgserver.get_server(home / "postgres")
            database = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        else:
            database = f"sqlite:///{quote(str(home / 'coverage.db'))}"
        well = asyncio.run(storm(options, home, database))
        if options.postgres:
            server.cleanup()
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
