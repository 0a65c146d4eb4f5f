"""The service: passes on schedule and the API, as a process that is told to stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.crowd import Crowd

pytestmark = pytest.mark.model
ROOT = Path(__file__).parents[1]


@contextmanager
def served(settings: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running service and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pipeline", "--config", str(settings), "--set", "log.level=info", "serve"]
    environment = os.environ | {"TREATYWATCH_STORAGE__DATA_DIR": str(settings.parent)}
    process = subprocess.Popen(
        [*command, "--port", str(port), *arguments], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


def wait_for(url: str, wanted: Any, seconds: float = 90) -> Any:
    """Ask until the answer is as wanted."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if wanted(found := get(url)):
                return found
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.3)
    raise AssertionError(f"{url} did not come to be as wanted")


def test_passes_are_made_on_schedule_the_api_answers_and_sigterm_stops_it_cleanly(tmp_path: Path) -> None:
    with Crowd(3, 3) as crowd, served(crowd.settings(tmp_path)) as (process, base):
        wait_for(f"{base}/api/v1/articles", lambda found: len(found["rows"]) > 2)
        ready = get(f"{base}/ready")
        page = get(f"{base}/api/v1/articles?limit=2")
        evidence = get(f"{base}/api/v1/articles/{page['rows'][0]['score_id']}/evidence")
        feeds = get(f"{base}/api/v1/feeds")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert ready["status"] == "ready"
    assert len(page["rows"]) == 2
    assert page["next"]
    assert all(quotation["text"] for quotation in evidence)
    assert {feed["state"] for feed in feeds} == {"ok"}
    assert (process.returncode, "Traceback" in errors, "stopping" in errors) == (0, False, True)
    assert "prune" in errors  # the daily upkeep runs beside the passes


def test_the_api_refuses_nonsense_without_a_traceback(tmp_path: Path) -> None:
    bad = [
        "articles?limit=0", "articles?limit=1000000000", "articles?after=nonsense", "articles?since=soon",
        "articles?language=xx", "articles?text=" + "x" * 600, "articles/0x7/evidence",
        "articles/99999999999999999999/evidence",
    ]  # fmt: skip
    with Crowd(1, 1) as crowd, served(crowd.settings(tmp_path), "--no-scheduler") as (_, base):
        wait_for(f"{base}/health", lambda found: found["status"] == "ok")
        statuses = []
        for path in bad:
            try:
                get(f"{base}/api/v1/{path}")
                statuses.append(200)
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
        harmless = get(f"{base}/api/v1/articles?text=%22%20NEAR(%20*%20-a")
    assert statuses == [422] * len(bad)
    assert harmless == {"rows": [], "next": None}
