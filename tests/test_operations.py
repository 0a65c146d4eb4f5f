"""What monitors ask the service: is it alive, is it ready, how does it go, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families as parsed
from sqlalchemy import update

from config.settings import load
from pipeline.cli.app import configure_logging
from pipeline.doctor import Finding, examine
from storage import feeds, passes
from storage.schema import feeds as table
from tests.samples import add_feed, source
from tests.web import Site, bearer, site

SECRETS = ("s3cr3t", "k3y", "t0ken")
SECRET_FEED = "https://anna:s3cr3t@a.example/feed?section=1&apikey=k3y&access_token=t0ken"
SHOWN_FEED = "https://a.example/feed?section=1&apikey=***&access_token=***"
LATELY = datetime.now(UTC) - timedelta(minutes=5)
LONG_AGO = LATELY - timedelta(days=30)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as found:
        yield found


def add_pass(served: Site, ended_at: datetime, *, failure: str = "") -> None:
    with served.database.write() as connection:
        pass_id = passes.begin(connection, ended_at - timedelta(minutes=1))
        passes.end(connection, pass_id, ended_at, passes.Done(feeds=1), failure=failure)


def break_feed(served: Site, url: str) -> None:
    """Watch a feed that has failed three times, with its address in the message."""
    with served.database.write() as connection:
        feeds.sync(connection, [source(url)], LONG_AGO)
        broken = {"state": "failing", "failures": 3, "reason": "timeout", "detail": f"{url} took longer than 30 s"}
        connection.execute(update(table).values(broken))


def test_a_new_installation_is_ready_before_its_first_pass(served: Site) -> None:
    answer = served.ask("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "last_pass": None})


def test_a_service_whose_passes_come_to_their_end_is_ready(served: Site) -> None:
    with served.database.write() as connection:
        add_feed(connection)
    add_pass(served, LATELY)
    answer = served.ask("/ready")
    assert (answer.status_code, datetime.fromisoformat(answer.json()["last_pass"])) == (200, LATELY)


def test_F57_a_service_whose_last_whole_pass_is_long_ago_is_not_ready(served: Site) -> None:
    with served.database.write() as connection:
        add_feed(connection)
    add_pass(served, LONG_AGO)
    add_pass(served, LATELY, failure=f"while asking {SECRET_FEED}")
    answer = served.ask("/ready")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["title"].startswith("no pass has come to its end since")
    assert not any(secret in answer.text for secret in SECRETS)


def test_the_metrics_are_what_prometheus_reads(served: Site) -> None:
    served.app.state.ticks = {"done": 3}
    answer = served.ask("/metrics")
    names = {family.name for family in parsed(answer.text)}
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")
    assert {"treatywatch_feeds", "treatywatch_alarms", "treatywatch_ticks"} <= names


def test_a_process_without_a_scheduler_counts_no_ticks(served: Site) -> None:
    assert "treatywatch_ticks" not in served.ask("/metrics").text


def test_beyond_this_machine_a_scraper_needs_its_token(tmp_path: Path) -> None:
    with site(tmp_path, host="0.0.0.0", base="http://127.0.0.1") as found:
        token = found.token("prometheus")
        paths = ("/ready", "/metrics", "/api/v1/alarms", "/api/v1/feeds")
        refused = {found.ask(path).status_code for path in paths}
        answered = {found.ask(path, headers=bearer(token)).status_code for path in paths}
        alive = found.ask("/health").status_code
    assert (refused, answered, alive) == ({401}, {200}, 200)


def test_the_alarms_say_what_is_wrong_and_what_to_do(served: Site) -> None:
    break_feed(served, "https://a.example/feed")
    add_pass(served, LATELY)
    (alarm,) = served.ask("/api/v1/alarms").json()
    assert (alarm["kind"], alarm["subject"]) == ("feed_broken", "Asahi: https://a.example/feed")
    assert "3 failures in a row" in alarm["why"]
    assert "treatywatch feeds check" in alarm["what_to_do"]


def test_F66_no_login_or_key_of_a_feed_is_shown(served: Site) -> None:
    break_feed(served, SECRET_FEED)
    answers = [served.ask(path).text for path in ("/api/v1/feeds", "/api/v1/alarms", "/metrics")]
    assert [secret for secret in SECRETS for answer in answers if secret in answer] == []
    assert all(SHOWN_FEED in answer for answer in answers)


def test_F66_no_login_or_key_of_a_feed_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load(flags=["log.level=info", "log.json=true"], environ={}))
    try:
        raise ValueError(f"can't read {SECRET_FEED}")
    except ValueError as error:
        structlog.get_logger().error("feed", feed=SECRET_FEED, exc_info=error)
    structlog.reset_defaults()
    logged = capsys.readouterr().err
    assert json.loads(logged)["feed"] == SHOWN_FEED
    assert not any(secret in logged for secret in SECRETS)


def examined(home: Path, check: str) -> Finding:
    (finding,) = examine(load(flags=[f"storage.data_dir={home}"], environ={}), (check,))
    return finding


def test_doctor_finds_passes_that_do_not_end(served: Site, tmp_path: Path) -> None:
    with served.database.write() as connection:
        add_feed(connection)
    add_pass(served, LONG_AGO)
    stale = examined(tmp_path, "passes")
    add_pass(served, LATELY)
    assert (stale.ok, "is the service running" in stale.advice, examined(tmp_path, "passes").ok) == (False, True, True)


@pytest.mark.parametrize(
    ("states", "found", "ok", "advice"),
    [
        ([], "no feed has been asked yet", True, ""),
        (["ok", "ok", ""], "1 not asked yet, 2 ok", True, ""),
        (["ok", "ok", "gone", "quiet"], "1 gone, 2 ok, 1 quiet", True, "feeds health"),
        (["ok", "failing", "gone"], "1 failing, 1 gone, 1 ok", False, "feeds health"),
        (["failing", "failing"], "2 failing", False, "this machine's network"),
    ],
)
def test_doctor_sums_up_how_the_feeds_fare(
    served: Site, tmp_path: Path, states: list[str], found: str, ok: bool, advice: str
) -> None:
    urls = [f"https://a.example/{number}" for number in range(len(states))]
    with served.database.write() as connection:
        feeds.sync(connection, [source(url) for url in urls], LONG_AGO)
        for url, state in zip(urls, states, strict=True):
            asked = {"state": state, "checked_at": LATELY} if state else {}
            connection.execute(update(table).where(table.c.url == url).values({"failures": 0, **asked}))
    finding = examined(tmp_path, "polling")
    assert (finding.found, finding.ok, advice in finding.advice) == (found, ok, True)
