"""How the watching goes, in the text format that Prometheus reads.

All of it comes from the database, so that any process can answer, also one that makes no passes. The only user of
prometheus_client, of whose global registry no use is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy import Connection

from config.settings import Settings
from pipeline.collect.addresses import redacted
from pipeline.logbook import JUDGE_BOUNDS_S, buckets
from storage import outbox, passes, queries
from storage.database import Database
from storage.queries import backlog, signals
from storage.schema import FEED_STATES

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
LAG_BOUNDS_S = (
    5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR,
    DAY, 2 * DAY, 7 * DAY, 30 * DAY,
)  # fmt: skip
KINDS = ("feed_broken", "outlet_quiet", "pipeline_starved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What to answer to a scrape."""

    body: bytes
    content_type: str


def metrics_page(
    database: Database,
    settings: Settings,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ticks: Mapping[str, int] | None = None,
) -> Page:
    """All metrics as they are now. `ticks`: what the scheduler of this process counted, if it has one.

    Raises StorageError.
    """
    registry = CollectorRegistry()
    registry.register(_Stored(database, settings, clock, ticks))
    return Page(body=generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Stored(Collector):
    """Reads everything from one snapshot of the database, each time it is asked."""

    def __init__(
        self, database: Database, settings: Settings, clock: Callable[[], datetime], ticks: Mapping[str, int] | None
    ) -> None:
        self._database, self._settings, self._clock, self._ticks = database, settings, clock, ticks

    def describe(self) -> Iterable[Metric]:
        """Nothing: else the registry would read the database once more to learn the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        now = self._clock()
        with self._database.read() as connection:
            yield from _work(connection, now)
            yield from _lags(connection)
            yield from _feeds(connection)
            yield from _passes(connection)
            yield _alarms(connection, self._settings, now)
            yield _gauge("mails", "Mails of digests, by state.", ("state",), _mails(connection))
        if self._ticks is not None:
            found = {(outcome,): n for outcome, n in self._ticks.items()}
            yield _counter("ticks", "Ticks of this process's scheduler, by outcome.", ("outcome",), found)


def _work(connection: Connection, now: datetime) -> Iterator[Metric]:
    fetched, dropped = signals.fetch_counts(connection), signals.drop_counts(connection)
    yield _counter("fetches", "Fetches of feeds and pages, by outcome.", ("what", "outcome"), fetched)
    yield _counter("drops", "What was set aside, by stage and reason.", ("stage", "reason"), dropped)
    waiting = {(queue,): n for queue, n in backlog.queues(connection, now).items()}
    text = "Entries waiting for their page or for another try, texts waiting for their judgement."
    yield _gauge("queue_depth", text, ("queue",), waiting)


def _lags(connection: Connection) -> Iterator[Metric]:
    found = signals.lags(connection)
    published = [lag.published_s for lag in found if lag.published_s is not None]
    text = "Seconds from publication, by the date that the article gives, to its first score."
    yield _histogram("publish_to_scored_seconds", text, buckets(published, LAG_BOUNDS_S), LAG_BOUNDS_S, sum(published))
    seen = [lag.seen_s for lag in found]
    text = "Seconds from when an article was first kept to its first score."
    yield _histogram("seen_to_scored_seconds", text, buckets(seen, LAG_BOUNDS_S), LAG_BOUNDS_S, sum(seen))
    model = signals.latency(connection)
    filled = list(model.buckets) or [0] * (len(JUDGE_BOUNDS_S) + 1)
    text = "Seconds that one article took to be embedded and judged."
    yield _histogram("model_seconds", text, filled, JUDGE_BOUNDS_S, model.sum_s)


def _feeds(connection: Connection) -> Iterator[Metric]:
    states = dict.fromkeys(FEED_STATES, 0) | dict(signals.state_counts(connection))
    yield _gauge("feeds", "Watched feeds, by state.", ("state",), {(state,): n for state, n in states.items()})
    watched = [feed for feed in queries.feed_health(connection) if feed.active]
    for name, text, column in (
        ("feed_last_success", "When the feed last answered, in Unix time.", "last_success_at"),
        ("feed_last_new", "When the feed last brought something new, in Unix time.", "last_new_at"),
    ):
        found = {(feed.outlet, redacted(feed.url)): at.timestamp() for feed in watched if (at := getattr(feed, column))}
        yield _gauge(f"{name}_timestamp_seconds", text, ("outlet", "feed"), found)
    failures = {(feed.outlet, redacted(feed.url)): feed.failures for feed in watched}
    yield _gauge("feed_failures", "Failures of the feed in a row.", ("outlet", "feed"), failures)


def _passes(connection: Connection) -> Iterator[Metric]:
    counts = passes.counts(connection)
    found = {outcome: counts.get(outcome, 0) for outcome in ("ok", "failed")}
    text = "Passes by outcome; several in a row that found nothing to do are one."
    yield _counter("passes", text, ("outcome",), {(outcome,): n for outcome, n in found.items()})
    good = passes.last(connection, "ok")
    if good and good.ended_at:
        text = "When a pass last came to its end, in Unix time."
        yield _gauge("last_successful_pass_timestamp_seconds", text, (), {(): good.ended_at.timestamp()})


def _mails(connection: Connection) -> Mapping[Any, float]:
    return {(state,): n for state, n in outbox.counts(connection).items()}


def _alarms(connection: Connection, settings: Settings, now: datetime) -> Metric:
    found = queries.alarms(connection, settings.alarms, interval_s=settings.poll.min_interval_s, now=now)
    counts = {(kind,): sum(alarm.kind == kind for alarm in found) for kind in KINDS}
    return _gauge("alarms", "Alarms that hold now, by kind; `treatywatch alarms` tells them.", ("kind",), counts)


Values = Mapping[Any, float]  # by the values of the labels


def _counter(name: str, text: str, labels: Sequence[str], values: Values) -> Metric:
    return _filled(CounterMetricFamily(f"treatywatch_{name}", text, labels=labels), values)


def _gauge(name: str, text: str, labels: Sequence[str], values: Values) -> Metric:
    return _filled(GaugeMetricFamily(f"treatywatch_{name}", text, labels=labels), values)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, values: Values) -> Metric:
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


def _histogram(name: str, text: str, counts: Sequence[int], bounds: Sequence[float], total: float) -> Metric:
    """`counts`: how many lie within each bound, above the one before it; the last: above them all."""
    family = HistogramMetricFamily(f"treatywatch_{name}", text)
    upper = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    family.add_metric((), [(bound, sum(counts[: i + 1])) for i, bound in enumerate(upper)], total)
    return family
