"""The funnel of each feed and day, and the metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from config.settings import load
from pipeline.logbook import JUDGE_BOUNDS_S, buckets
from pipeline.records import Dropped
from pipeline.report.metrics import metrics_page
from storage import articles, feeds, passes, queries, scores
from storage.database import Database, open_database
from storage.queries import FeedDay
from tests.samples import HOUR, IRRELEVANT, NOW, RELEVANT, RUN, add_feed, article, entry, score, source
from tests.test_cli import treatywatch

DAY = timedelta(days=1)
SECRET = source("https://anna:secret@b.example/feed", outlet="TASS")


@pytest.fixture
def watched(database: Database) -> Database:
    """Two feeds; of the first, one entry of each fate on the first day and one scored on the second."""
    fill(database)
    return database


def fill(database: Database) -> None:
    with database.write() as connection:
        add_feed(connection, source(), SECRET)
        run_id = scores.ensure_run(connection, RUN, NOW)
        announced = [entry(str(n), f"https://a.example/{n}") for n in range(1, 8)]
        articles.add_entries(connection, 1, announced, NOW)
        articles.add_entries(connection, 1, [entry("9", "https://a.example/9")], NOW + DAY)
        articles.add_entries(connection, 2, [entry("1", "https://a.example/1")], NOW)
        for n in (1, 2, 3, 4, 9):
            url = f"https://a.example/{n}"
            feeds.log_fetch(connection, url=url, what="page", at=NOW, duration_ms=9, outcome="ok", feed_id=1)
        # 1 and 9 scored, 2 screened out, 3 refused by the gate, 4 no text, 5 a scored summary, 6 waits, 7 tried in vain
        for entry_id, n, partial in ((1, 1, False), (2, 2, False), (5, 5, True), (8, 9, False)):
            text = article(f"https://a.example/{n}", f"Text {n}. On the talks.", partial=partial)
            kept = articles.store(connection, entry_id, text, NOW + HOUR)
            judged = IRRELEVANT if n == 2 else RELEVANT
            scores.save_screening(connection, kept.revision_id, run_id, judged, NOW + HOUR)
            if n != 2:
                scores.save_score(connection, kept.revision_id, run_id, score(text), NOW + 2 * HOUR)
        for entry_id, stage, reason in ((3, "gate", "no_subject"), (4, "extract", "summary_only")):
            dropped = Dropped(url=f"https://a.example/{entry_id}", stage=stage, reason=reason)
            articles.drop(connection, dropped, now=NOW, entry_id=entry_id)
        articles.retry_later(connection, 7, NOW + DAY, "timeout")
        feeds.fetched(connection, 1, now=NOW, due_at=NOW, new=7)
        feeds.failed(connection, 2, reason="timeout", detail="30 s", due_at=NOW, now=NOW)
        done = passes.Done(feeds=2, judged=3, judge_s=1.5, judge_buckets=buckets([0.2, 0.3, 1.0], JUDGE_BOUNDS_S))
        passes.end(connection, passes.begin(connection, NOW), NOW + HOUR, done)
        passes.begin(connection, NOW + 2 * HOUR)


def day(feed_id: int, on: str, counts: tuple[int, ...], **dropped: int) -> FeedDay:
    url, outlet = {1: ("https://a.example/feed", "Asahi"), 2: (SECRET.url, "TASS")}[feed_id]
    names = ("announced", "waiting", "fetched", "extracted", "relevant", "scored")
    return FeedDay(
        feed_id=feed_id, url=url, outlet=outlet, day=on, dropped=dropped, **dict(zip(names, counts, strict=True))
    )


def test_the_funnel_tells_for_each_feed_and_day_what_became_of_every_entry(watched: Database) -> None:
    with watched.read() as connection:
        found = queries.feed_days(connection, since=NOW - DAY)
    assert found == (
        day(1, "2024-05-02", (1, 0, 1, 1, 1, 1)),
        day(1, "2024-05-01", (7, 2, 4, 4, 2, 2), no_subject=1, off_topic=1, summary_only=1),
        day(2, "2024-05-01", (1, 0, 1, 1, 1, 1)),
    )


def test_the_funnel_can_be_narrowed_down(watched: Database) -> None:
    with watched.read() as connection:
        one = queries.feed_days(connection, since=NOW - DAY, until=NOW + HOUR, feed_id=2)
        none = queries.feed_days(connection, since=NOW + 2 * DAY)
    assert (one, none) == ((day(2, "2024-05-01", (1, 0, 1, 1, 1, 1)),), ())


def test_feeds_health_shows_state_reason_and_days(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'coverage.db'}")
    fill(database)
    database.close()
    days = str((datetime.now(UTC) - NOW).days + 2)
    told = json.loads(treatywatch("feeds", "health", "--days", days, "--json", home=tmp_path).stdout)
    plain = treatywatch("feeds", "health", home=tmp_path)
    strange = treatywatch("feeds", "health", "--feed", "https://x.example/", home=tmp_path)
    assert [(row["state"], row["reason"], [one["announced"] for one in row["days"]]) for row in told] == [
        ("ok", "", [1, 7]),
        ("failing", "timeout", [1]),
    ]
    assert "secret" not in json.dumps(told)
    assert (plain.returncode, "timeout" in plain.stdout, "secret" in plain.stdout) == (0, True, False)
    assert (strange.returncode, "is not watched" in strange.stderr) == (2, True)


def scraped(database: Database, **options: object) -> dict[tuple[str, ...], float]:
    """Values by name and values of labels, in the order of their names."""
    page = metrics_page(database, load(environ={}), clock=lambda: NOW + 3 * HOUR, **options)  # type: ignore[arg-type]
    assert page.content_type.startswith("text/plain")
    assert b"secret" not in page.body
    return {
        (sample.name.removeprefix("treatywatch_"), *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in parsed(page.body.decode())
        for sample in family.samples
    }


def test_any_process_can_serve_the_metrics_from_the_database(watched: Database) -> None:
    found = scraped(watched)
    wanted = {
        ("fetches_total", "ok", "page"): 5, ("drops_total", "no_subject", "gate"): 1,
        ("drops_total", "summary_only", "extract"): 1, ("queue_depth", "page"): 1, ("queue_depth", "retry"): 1,
        ("queue_depth", "judgement"): 0, ("publish_to_scored_seconds_count",): 3,
        ("publish_to_scored_seconds_bucket", "7200"): 0, ("publish_to_scored_seconds_bucket", "14400"): 3,
        ("publish_to_scored_seconds_sum",): 3 * 3 * 3600, ("seen_to_scored_seconds_bucket", "3600"): 3,
        ("model_seconds_count",): 3, ("model_seconds_sum",): 1.5, ("model_seconds_bucket", "0.25"): 1,
        ("model_seconds_bucket", "1"): 3, ("feeds", "ok"): 1, ("feeds", "failing"): 1, ("feeds", "gone"): 0,
        ("feed_failures", "https://b.example/feed", "TASS"): 1,
        ("feed_last_success_timestamp_seconds", "https://a.example/feed", "Asahi"): NOW.timestamp(),
        ("last_successful_pass_timestamp_seconds",): (NOW + HOUR).timestamp(),
        ("passes_total", "ok"): 1, ("passes_total", "failed"): 0, ("alarms", "feed_broken"): 0,
        ("alarms", "outlet_quiet"): 0, ("alarms", "pipeline_starved"): 0,
    }  # fmt: skip
    assert {key: found.get(key) for key in wanted} == wanted


def test_an_empty_database_has_metrics_too(database: Database) -> None:
    found = scraped(database, ticks={"done": 2})
    assert (found["feeds", "ok"], found["publish_to_scored_seconds_count",], found["ticks_total", "done"]) == (0, 0, 2)
    assert ("last_successful_pass_timestamp_seconds",) not in found


def test_a_value_is_counted_in_the_first_bucket_that_holds_it() -> None:
    assert buckets([0.5, 1.0, 1.1, 99.0], (1.0, 2.0)) == [2, 1, 1]
