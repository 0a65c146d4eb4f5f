"""Two real services on one PostgreSQL, one of them killed every 20 s for three minutes; then what is left to be wrong.

    python -m tests.bench.two_services [SECONDS] [EVERY_S]

Prints rows, kills, pages that were fetched again, and how the services ended; exits 1 if anything was lost or doubled.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pgserver

from storage.database import open_database
from tests.cheap import held
from tests.crowd import Crowd
from tests.services import Services, busy_settings, endure, settle

ENDED = {0, -signal.SIGTERM}  # the latter of one that was still loading the model


def main(seconds: float = 180.0, every_s: float = 20.0) -> int:
    """Run it; returns the exit status."""
    with tempfile.TemporaryDirectory() as folder, Crowd(6, 2) as crowd:
        server: Any = pgserver.get_server(f"{folder}/pg", cleanup_mode="delete")
        try:
            return _endured(crowd, Path(folder), server.get_uri(), seconds, every_s)
        finally:
            server.cleanup()


def _endured(crowd: Crowd, home: Path, url: str, seconds: float, every_s: float) -> int:
    database = open_database(url)
    command = [sys.executable, "-m", "pipeline", "--config", str(busy_settings(crowd, home, url))]
    services = Services([*command, "serve", "--no-web"], home / "log")
    try:
        services.start()
        services.start()
        time.sleep(every_s)  # until the model is loaded
        ahead = endure(services, crowd, database, seconds=seconds, every_s=every_s, pause_s=4.0)
        found, wanted = settle(crowd, database, 300, judged=False), crowd.feeds * crowd.each
        statuses = services.stop(60)
        left = held(database)
    finally:
        services.end()
        database.close()
    again = sum(crowd.pages.values()) - wanted
    facts = {"announced": wanted, **found, "held": left, "ahead": ahead, "kills": services.kills}
    print(json.dumps({**facts, "fetched_again": again, "statuses": statuses}))
    whole = (found["entries"], found["waiting"], left, ahead) == (wanted, 0, 0, 0)
    return 0 if whole and found["scores"] == found["scored"] and {*statuses} <= ENDED else 1


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
