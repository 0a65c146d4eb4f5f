"""What is wrong enough to call somebody, in three kinds that need different hands.

feed_broken       a feed can't be read, is gone, or only part of it can be read: look at the feed
outlet_quiet      an outlet's feeds answer but bring nothing new while others go on: look at the outlet
pipeline_starved  feeds and outlets may be well, but our own work does not get done: look at treatywatch
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import Connection, Row, case, func, or_, select

from config.sections import AlarmSettings
from storage import passes
from storage.queries.backlog import ready_since, unjudged_since
from storage.schema import feeds, fetches, scores

Kind = Literal["feed_broken", "outlet_quiet", "pipeline_starved"]
CUT_FOR = timedelta(days=1)  # that a feed may be cut now and then: servers restart
ENOUGH_PAGES = 100  # among which at least one is about the talks

ADVICE = {
    "gone": "the outlet took the feed down (410): find its new address with `treatywatch feeds discover`, "
    "and replace it in the list of feeds",
    "not_a_feed": "open the address in a browser: a login, a consent page or a new site may stand there; "
    "`treatywatch feeds discover` finds a feed's new address",
    "robots": "robots.txt does not let us in: ask the outlet for leave, or take the feed off the list",
    "tls": "the outlet's certificate is not in order, or the certificates on this machine are too old",
    "dns": "the name is not found: check the address, and whether this machine can look up names at all",
    "blocked_address": "the name leads to a private network: name it in fetch.allow_networks if that is meant",
    "empty": "the feed answers without an entry: check with the outlet, or find its new address",
}
CHECK = "run `treatywatch feeds check --feed URL` and mend what it says; the feed is asked on until it answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something to be looked at: what, since when, why, and what to do. `subject` is a feed, an outlet or a stage."""

    kind: Kind
    subject: str
    since: datetime
    why: str
    what_to_do: str


def alarms(connection: Connection, settings: AlarmSettings, *, interval_s: float, now: datetime) -> tuple[Alarm, ...]:
    """All alarms that hold now, by kind, the oldest first. `interval_s`: how often feeds are polled at most."""
    found = [
        *_broken(connection, settings, now),
        *_quiet(connection),
        *_starved(connection, settings, interval_s, now),
    ]
    return tuple(sorted(found, key=lambda alarm: (alarm.kind, alarm.since, alarm.subject)))


def stalled(connection: Connection, settings: AlarmSettings, *, interval_s: float, now: datetime) -> Alarm | None:
    """The alarm that no pass comes to its end, if it holds: the one that says whether anything is done at all."""
    if not connection.scalar(select(feeds.c.id).where(feeds.c.active).limit(1)):
        return None
    return next(_no_pass(connection, timedelta(seconds=settings.pass_intervals * interval_s), now), None)


def _broken(connection: Connection, settings: AlarmSettings, now: datetime) -> Iterator[Alarm]:
    failing = feeds.c.state.in_(("failing", "gone")) & (feeds.c.failures >= settings.failures)
    cut = (feeds.c.state == "degraded") & (feeds.c.state_since <= now - CUT_FOR)
    wrong = or_(feeds.c.state == "gone", failing, cut)
    for feed in connection.execute(select(feeds).where(feeds.c.active, wrong)):
        read = f"; last read {_day(feed.last_success_at)}" if feed.last_success_at else "; never read yet"
        many = f", {feed.failures} failures in a row" if feed.failures > 1 else ""
        part = "only part of it can be read: " if feed.state == "degraded" else ""
        yield Alarm(
            kind="feed_broken",
            subject=f"{feed.outlet}: {_shown(feed.url)}",
            since=feed.state_since,
            why=f"{part}{feed.reason}{many}{read}" + (f" ({feed.detail})" if feed.detail else ""),
            what_to_do=ADVICE.get(feed.reason, CHECK),
        )


def _quiet(connection: Connection) -> Iterator[Alarm]:
    silent = case((feeds.c.state == "quiet", 1), else_=0)
    heard = case((feeds.c.state.in_(("ok", "degraded")), 1), else_=0)
    by_outlet = select(feeds.c.outlet, func.sum(silent), func.sum(heard)).where(feeds.c.active)
    for outlet, quiet, going_on in connection.execute(by_outlet.group_by(feeds.c.outlet).having(func.sum(silent) > 0)):
        of_outlet = feeds.c.active & (feeds.c.state == "quiet") & (feeds.c.outlet == outlet)
        rows = connection.execute(select(feeds).where(of_outlet).order_by(feeds.c.state_since, feeds.c.id)).all()
        if going_on:  # then it is a section that has come to rest
            yield from (_silence(f"{outlet}: {_shown(row.url)}", row, "") for row in rows)
        else:
            yield _silence(outlet, rows[0], f" in all {quiet} of its feeds that answer" if quiet > 1 else "")


def _silence(subject: str, row: Row[Any], where: str) -> Alarm:
    return Alarm(
        kind="outlet_quiet",
        subject=subject,
        since=row.last_new_at or row.state_since,
        why=f"{row.detail or 'nothing new'}{where}",
        what_to_do="look at the outlet's site: if there is news, the feed was abandoned; find its new address with "
        "`treatywatch feeds discover`. If there is none, its silence is a finding of its own",
    )


def _starved(connection: Connection, settings: AlarmSettings, interval_s: float, now: datetime) -> Iterator[Alarm]:
    if alarm := stalled(connection, settings, interval_s=interval_s, now=now):
        yield alarm
    yield from _waiting(connection, timedelta(hours=settings.waiting_h), now)
    yield from _nothing_scored(connection, timedelta(hours=settings.scored_h), now)


def _no_pass(connection: Connection, limit: timedelta, now: datetime) -> Iterator[Alarm]:
    """The watchdog. A last pass that lies far ahead was made under a wrong clock, and shows nothing."""
    good, last = passes.last(connection, "ok"), passes.last(connection)
    watched = connection.scalar(select(func.min(feeds.c.state_since)).where(feeds.c.active))
    since = good.ended_at if good else passes.first_start(connection) or watched
    if since is None or abs(now - since) <= limit:
        return
    yield Alarm(
        kind="pipeline_starved",
        subject="passes",
        since=min(since, now),
        why=_how_passes_go(good is not None, last, since),
        what_to_do="is the service running (`treatywatch serve`)? look for the last error in its log, restart it, "
        "and run `treatywatch doctor`; raise alarms.pass_intervals where passes are meant to be rarer",
    )


def _how_passes_go(ever: bool, last: passes.StoredPass | None, since: datetime) -> str:
    why = f"no pass has come to its end since {_day(since)}" if ever else "no pass has ever come to its end"
    if last and last.outcome == "failed":
        return f"{why}; the last one, begun {_day(last.started_at)}, failed: {last.detail}"
    if last and last.outcome == "running":
        return f"{why}; one that began {_day(last.started_at)} is still under way, or was killed"
    return why


def _waiting(connection: Connection, limit: timedelta, now: datetime) -> Iterator[Alarm]:
    queues: tuple[tuple[str, Callable[[Connection, datetime], Any], str, str], ...] = (
        ("fetching", ready_since, "entries wait for their page although nothing stands in their way",
         "is the service running, and does it come to the end of its passes? more of fetch.concurrency and a shorter "
         "fetch.host_delay_s bring more pages in the same time"),
        ("scoring", unjudged_since, "texts were fetched and are not judged",
         "run `treatywatch doctor --only model` and look for `unscored` in the log; `treatywatch rescore` judges them"),
    )  # fmt: skip
    for stage, asked, what, advice in queues:
        n, since = asked(connection, now - limit)
        if n:
            yield Alarm(
                kind="pipeline_starved",
                subject=stage,
                since=since,
                why=f"{n} {what}, for more than {limit / timedelta(hours=1):g} hours",
                what_to_do=advice,
            )


def _nothing_scored(connection: Connection, limit: timedelta, now: datetime) -> Iterator[Alarm]:
    """Everything is fetched but nothing scored: a gate, screen or extraction that lets nothing through looks so."""
    last = connection.scalar(select(func.max(scores.c.scored_at)).where(scores.c.scored_at <= now))
    if last is not None and last > now - limit:
        return
    came = (fetches.c.what == "page", fetches.c.outcome == "ok", fetches.c.at <= now)
    first = connection.scalar(select(func.min(fetches.c.at)).where(*came))
    since = last or first
    pages = connection.scalar(select(func.count()).where(*came, fetches.c.at > now - limit)) or 0
    if since is None or since > now - limit or pages < ENOUGH_PAGES:
        return
    yield Alarm(
        kind="pipeline_starved",
        subject="relevance",
        since=since,
        why=f"{pages} pages were fetched in the last {limit / timedelta(hours=1):g} hours and none was scored",
        what_to_do="`treatywatch feeds health` shows at which step they are dropped; take an article that is about the "
        "talks and ask `treatywatch explain URL` why it is out",
    )


def _shown(url: str) -> str:
    """The address without user name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
