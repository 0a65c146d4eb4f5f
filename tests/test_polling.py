"""When feeds are asked again, and when their silence is unusual."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sections import PollSettings
from config.settings import load
from pipeline.collect.hints import max_age_s, skip_days, skip_hours
from pipeline.collect.polling import JITTER, Hints, after_failure, after_success, horizon, patience

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL = "https://a.example/feed"
SETTINGS: PollSettings = load(environ={}).poll  # 15 minutes to 24 hours
LOW, HIGH = SETTINGS.min_interval_s, SETTINGS.max_interval_s


def every(gap: timedelta, n: int = 40, until: datetime = NOW) -> list[datetime]:
    return [until - i * gap for i in range(n)]


def pause_s(**given: object) -> float:
    return (after_success(URL, NOW, SETTINGS, **given) - NOW).total_seconds()  # type: ignore[arg-type]


def failed_s(failures: int, url: str = URL, **given: object) -> float:
    return (after_failure(url, failures, NOW, SETTINGS, **given) - NOW).total_seconds()  # type: ignore[arg-type]


def test_a_feed_is_asked_twice_as_often_as_it_brings_news() -> None:
    assert 7200 * 0.9 < pause_s(arrivals=every(4 * HOUR)) < 7200 * 1.1


def test_a_busy_feed_is_asked_as_often_and_a_rare_one_as_seldom_as_the_bounds_allow() -> None:
    busy, rare = pause_s(arrivals=every(timedelta(minutes=2))), pause_s(arrivals=every(30 * DAY))
    assert LOW <= busy <= LOW * (1 + JITTER)
    assert HIGH / (1 + JITTER) <= rare <= HIGH


def test_a_feed_that_falls_silent_is_asked_more_and_more_seldom() -> None:
    pauses = [pause_s(arrivals=every(HOUR, until=NOW - days * DAY)) for days in (0, 2, 10, 60)]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]


def test_a_feed_without_history_is_asked_as_often_as_it_allows() -> None:
    assert pause_s() <= LOW * (1 + JITTER)
    assert 3 * 3600 <= pause_s(hints=Hints(ttl_s=3 * 3600)) <= 3 * 3600 * (1 + JITTER)


def test_the_longest_hint_counts_within_the_upper_bound() -> None:
    assert 7200 <= pause_s(hints=Hints(ttl_s=3600, max_age_s=7200)) <= 7200 * (1 + JITTER)
    assert pause_s(hints=Hints(max_age_s=10**9)) <= HIGH


def test_a_hint_can_not_make_us_lose_what_scrolls_off_a_busy_feed() -> None:
    busy = every(timedelta(minutes=10))
    assert pause_s(arrivals=busy, hints=Hints(ttl_s=86400)) <= 4 * LOW * (1 + JITTER)


def test_the_hours_and_days_that_a_feed_skips_are_skipped() -> None:
    at = after_success(URL, NOW, SETTINGS, hints=Hints(skip_hours=(12, 13, 14)))
    assert (at.day, at.hour) == (24, 15)
    at = after_success(URL, NOW, SETTINGS, hints=Hints(skip_days=(1,)))
    assert (at.day, at.hour) == (25, 0)


@pytest.mark.parametrize("hints", [Hints(skip_hours=tuple(range(24))), Hints(skip_days=tuple(range(7)))])
def test_a_feed_that_never_wants_to_be_asked_is_asked_within_the_bounds(hints: Hints) -> None:
    at = after_success(URL, NOW, SETTINGS, hints=hints)
    assert timedelta(seconds=LOW) <= at - NOW <= timedelta(seconds=HIGH)


@given(
    st.lists(st.integers(-10_000, 10_000), max_size=30),
    st.builds(
        Hints,
        ttl_s=st.none() | st.integers(-5, 10**12),
        max_age_s=st.none() | st.integers(0, 10**12),
        skip_hours=st.lists(st.integers(0, 23)),
        skip_days=st.lists(st.integers(0, 6)),
    ),
)
def test_no_history_and_no_hint_leads_out_of_the_bounds(hours: list[int], hints: Hints) -> None:
    pause = pause_s(arrivals=[NOW + n * HOUR for n in hours], hints=hints)
    assert LOW <= pause <= HIGH


def test_F20_the_pause_doubles_from_failure_to_failure_up_to_the_longest() -> None:
    pauses = [failed_s(failures) for failures in range(1, 40)]
    assert all(1.5 < later / earlier < 2.5 for earlier, later in pairwise(pauses[:6]))
    assert min(pauses) >= LOW
    assert max(pauses) <= HIGH
    assert pauses[-1] >= HIGH / (1 + JITTER)


def test_F20_feeds_that_failed_together_do_not_come_back_together() -> None:
    for failures in (1, 5, 1000):
        assert len({round(failed_s(failures, f"https://{n}.example/")) for n in range(50)}) > 30


def test_F20_what_is_gone_is_asked_seldom_but_asked() -> None:
    assert HIGH / (1 + JITTER) <= failed_s(1, gone=True) <= HIGH


@pytest.mark.parametrize(
    ("asked_s", "low", "high"),
    [
        (None, LOW, LOW * (1 + JITTER)),
        (-5, LOW, LOW * (1 + JITTER)),
        (0, LOW, LOW * (1 + JITTER)),
        (7200, 7200, 7200 * (1 + JITTER)),
        (10 * 365 * 86400, HIGH, HIGH),
    ],
)
def test_F18_retry_after_counts_between_the_bounds(asked_s: float | None, low: float, high: float) -> None:
    assert low <= failed_s(1, retry_after_s=asked_s) <= high


@given(st.integers(0, 10**6), st.none() | st.floats(-(10**12), 10**12), st.booleans())
def test_F20_no_failure_leads_out_of_the_bounds(failures: int, asked_s: float | None, gone: bool) -> None:
    assert LOW <= failed_s(failures, retry_after_s=asked_s, gone=gone) <= HIGH


def test_no_plan_lies_beyond_the_horizon() -> None:
    assert timedelta(seconds=failed_s(99, gone=True)) < horizon(SETTINGS)


@pytest.mark.parametrize(
    ("gap", "days"), [(timedelta(minutes=20), 3), (8 * HOUR, 3), (2 * DAY, 4), (7 * DAY, 14), (30 * DAY, 60)]
)
def test_patience_is_twice_the_longest_usual_pause_and_at_least_three_days(gap: timedelta, days: int) -> None:
    assert patience(every(gap), 3 * DAY) == timedelta(days=days)


def test_one_long_fault_in_its_history_does_not_make_a_feed_usually_silent() -> None:
    broken = [*every(8 * HOUR, 20), *every(8 * HOUR, 20, until=NOW - 40 * DAY)]
    assert patience(broken, DAY) == DAY


def test_weekends_do_not_make_a_weekday_feed_unusually_silent() -> None:
    weekdays = [NOW - n * DAY for n in range(60) if (NOW - n * DAY).weekday() < 5]
    assert patience(weekdays, DAY) == 6 * DAY


def test_pages_of_years_ago_do_not_make_a_feed_usually_silent() -> None:
    assert patience([*every(8 * HOUR, 20), *every(400 * DAY, 5, until=NOW - 900 * DAY)], DAY) == DAY


def test_a_feed_with_little_history_has_no_habit() -> None:
    assert [patience(every(HOUR, n), DAY) for n in (0, 1, 8)] == [None] * 3


RSS = (
    "<rss><channel><skipHours><hour>0</hour><hour> 24 </hour><hour>7</hour><hour>x</hour></skipHours>{}</channel></rss>"
)


def test_skip_hours_and_days_are_read() -> None:
    feed = RSS.format("<skipDays><day>Sunday</day><day>monday</day><day>Someday</day></skipDays>")
    assert (skip_hours(feed), skip_days(feed)) == ((0, 7), (0, 6))


@pytest.mark.parametrize(
    "feed",
    ["", "<skipHours>", "<skipHours></skipHours>", "<skipHours><hour>99</hour></skipHours>", "<skipHours>" * 20000,
     "<skipHours>" + "".join(f"<hour>{n}</hour>" for n in range(24)) + "</skipHours>"],
)  # fmt: skip
def test_skip_hours_that_make_no_sense_count_for_nothing(feed: str) -> None:
    assert (skip_hours(feed), skip_days(feed)) == ((), ())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=600", 600), ("public, MAX-AGE=600", 600), ('max-age="600"', 600), ("max-age=0", None), ("", None),
        ("no-cache, max-age=600", None), ("no-store", None), ("max-age=-1", None), ("max-age=soon", None),
        ("x-max-age=600", None), ("max-age=" + "9" * 400, None), ("s-maxage=60", 60),
    ],
)  # fmt: skip
def test_max_age_is_read_from_cache_control(header: str, seconds: int | None) -> None:
    assert max_age_s(header) == seconds
