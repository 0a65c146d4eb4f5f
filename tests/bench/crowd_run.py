"""A large run: 200 loopback feeds with 2,000 new articles, its peak memory, and the same run killed half-way.

    python tests/bench/crowd_run.py [FEEDS] [EACH]

Prints what was stored and sent, the program's peak memory, and whether the killed run ended in the same rows.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from storage.database import open_database
from tests.crowd import Crowd
from tests.rows import rows_of, settled

PEAK = (
    "import resource, runpy, sys; sys.argv = ['treatywatch', *sys.argv[1:]]\n"
    "try:\n    runpy.run_module('pipeline', run_name='__main__')\n"
    "finally:\n    print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
)


def start(settings: Path) -> subprocess.Popen[str]:
    """Start a pass in a process of its own."""
    command = [sys.executable, "-c", PEAK, "--config", str(settings), "run", "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(running: subprocess.Popen[str]) -> int:
    """Wait for a pass; returns its peak memory in MB."""
    _, errors = running.communicate()
    if running.returncode:
        sys.exit(f"the pass failed:\n{errors}")
    return int(errors.rpartition("PEAK")[2])


def main(feeds: int = 200, each: int = 10) -> None:
    """Run undisturbed, run killed, compare."""
    with Crowd(feeds, each) as crowd, tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        began = time.monotonic()
        peak = finish(start(crowd.settings(Path(one))))
        print(f"undisturbed: {feeds} feeds, {feeds * each} articles, {time.monotonic() - began:.0f} s, peak {peak} MB")
        print(f"pages sent: {len(crowd.pages)}, sent twice: {sum(n > 1 for n in crowd.pages.values())}")
        settings = crowd.settings(Path(two))
        running = start(settings)
        while settled(Path(two) / "coverage.db") < feeds * each // 2:
            time.sleep(0.2)
            if running.poll() is not None:
                sys.exit("the pass ended before it could be killed")
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        print(f"killed with SIGKILL after {settled(Path(two) / 'coverage.db')} of {feeds * each} entries")
        finish(start(settings))
        first, second = (rows_of(open_database(f"sqlite:///{Path(home) / 'coverage.db'}")) for home in (one, two))
        for table in first:
            same = "same" if first[table] == second[table] else "DIFFERENT"
            print(f"{table:<12} {len(first[table]):>6} rows, after the kill {len(second[table]):>6}: {same}")
        entries = first["entries"]
        print(
            f"entries {len(entries)}, different {len(set(entries))}; "
            f"waiting {sum(row[2] == 'announced' for row in entries)}"
        )
        sys.exit(first != second)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
