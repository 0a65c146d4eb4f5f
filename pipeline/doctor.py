"""Examine the installation and say what to do about what is wrong."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from config.codebook import load_codebook
from config.corpus import load_corpus
from config.invalid import InvalidSettings, nearest
from config.settings import Settings
from config.sources import load_feeds
from pipeline.errors import TreatywatchError
from storage import passes, queries
from storage.database import open_database
from storage.queries.alarms import stalled

FREE_BYTES = 2 * 1024**3
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # a clock before this program was written is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found; `advice` is empty where all is well."""

    check: str
    ok: bool
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain values."""
        return asdict(self)


def examine(settings: Settings, only: tuple[str, ...] = ()) -> list[Finding]:
    """Run the checks named in `only`, or all. A check that fails is a finding, never an exception."""
    for name in only:
        if name not in CHECKS:
            raise InvalidSettings(f"--only {name!r} is unknown{nearest(name, CHECKS)}; checks: {', '.join(CHECKS)}")
    return [_check(name, settings) for name in (only or CHECKS)]


def _check(name: str, settings: Settings) -> Finding:
    try:
        return CHECKS[name](settings)
    except (TreatywatchError, InvalidSettings, OSError) as error:
        return Finding(
            check=name, ok=False, found=str(error), advice="mend what the message says, then run doctor again"
        )


def _settings(settings: Settings) -> Finding:
    contact = settings.fetch.contact
    if "example.org" in contact or not contact:
        return Finding(
            check="settings", ok=False, found=f"fetch.contact is {contact!r}",
            advice="set fetch.contact to an address that an outlet's web master can write to",
        )  # fmt: skip
    return Finding(check="settings", ok=True, found="valid")


def _feeds(settings: Settings) -> Finding:
    sources = load_feeds(settings.feeds.path())
    checked = sum(source.verified for source in sources)
    found = f"{len(sources)} feeds of {len({source.outlet for source in sources})} outlets, {checked} verified"
    advice = "" if checked == len(sources) else "run `treatywatch feeds check` where the network can be reached"
    return Finding(check="feeds", ok=bool(sources), found=found, advice=advice)


def _codebook(_: Settings) -> Finding:
    codebook, corpus = load_codebook(), load_corpus()
    passages = sum(1 for article in corpus for _ in article.passages())
    return Finding(check="codebook", ok=True, found=f"{len(codebook.codes)} codes, {passages} labelled passages")


@contextmanager
def _stored(settings: Settings) -> Iterator[tuple[Connection, str]]:
    """A snapshot of the database, and its URL without secrets."""
    storage = settings.storage
    database = open_database(storage.database_url(), backups=storage.directory() / "backups")
    try:
        with database.read() as connection:
            yield connection, database.url
    finally:
        database.close()


def _database(settings: Settings) -> Finding:
    with _stored(settings) as (connection, url):
        funnel = queries.funnel(connection)
    return Finding(check="database", ok=True, found=f"{url}: {funnel.articles} articles, {funnel.scored} scored")


def _passes(settings: Settings) -> Finding:
    interval_s, now = settings.poll.min_interval_s, datetime.now(UTC)
    with _stored(settings) as (connection, _):
        last, alarm = (
            passes.last(connection, "ok"),
            stalled(connection, settings.alarms, interval_s=interval_s, now=now),
        )
    if alarm:
        return Finding(check="passes", ok=False, found=alarm.why, advice=alarm.what_to_do)
    if last is None:
        return Finding(check="passes", ok=True, found="no pass yet", advice="run `treatywatch run`")
    return Finding(check="passes", ok=True, found=f"the last whole pass ended {last.ended_at:%Y-%m-%d %H:%M} UTC")


def _polling(settings: Settings) -> Finding:
    with _stored(settings) as (connection, _):
        watched = [feed for feed in queries.feed_health(connection) if feed.active]
    states = Counter(feed.state if feed.checked_at else "not asked yet" for feed in watched)
    down = states["failing"] + states["gone"]
    asked = len(watched) - states["not asked yet"]
    found = ", ".join(f"{n} {state}" for state, n in sorted(states.items())) or "no feed has been asked yet"
    advice = "`treatywatch feeds health` tells which, since when and why" if down else ""
    if down and down == asked:
        advice = "no feed at all can be read: check this machine's network, name look-up and proxy, then the clock"
    return Finding(check="polling", ok=2 * down <= asked, found=found, advice=advice)


def _alarms(settings: Settings) -> Finding:
    now = datetime.now(UTC)
    with _stored(settings) as (connection, _):
        found = queries.alarms(connection, settings.alarms, interval_s=settings.poll.min_interval_s, now=now)
    if not found:
        return Finding(check="alarms", ok=True, found="none")
    kinds = Counter(alarm.kind for alarm in found)
    worst = found[-1]  # the pipeline's own comes last, and explains others
    return Finding(
        check="alarms", ok=False, found=f"{', '.join(f'{n} {kind}' for kind, n in kinds.items())}; {worst.subject}: "
        f"{worst.why}", advice=f"{worst.what_to_do}; `treatywatch alarms` tells them all",
    )  # fmt: skip


def _mail(settings: Settings) -> Finding:
    from pipeline.mail.courier import Courier
    from pipeline.report.digest.mail import sender_of

    if not settings.mail.host:
        return Finding(check="mail", ok=True, found="no mail.host: no mails are sent")
    sender_of(settings.mail)
    with Courier(settings.mail) as courier:
        found = courier.said
    advice = "" if settings.mail.public_url else "set mail.public_url, so that readers can leave a list with one click"
    return Finding(check="mail", ok=True, found=f"{found}; nothing was sent", advice=advice)


def _model(settings: Settings) -> Finding:
    from pipeline.analyse.judge import load_judge

    run = load_judge(settings).run
    return Finding(
        check="model", ok=True, found=f"{run.model} {run.model_hash} on {run.engine}, heads {run.heads_hash}"
    )


def _disk(settings: Settings) -> Finding:
    directory = settings.storage.directory()
    directory.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(directory).free
    advice = "" if free > FREE_BYTES else "free some space, or set storage.data_dir to another disk"
    return Finding(check="disk", ok=not advice, found=f"{free / 1024**3:.1f} GiB free in {directory}", advice=advice)


def _clock(_: Settings) -> Finding:
    now = datetime.now(UTC)
    advice = "" if now > EARLIEST else "set the clock: dates of articles are checked against it"
    return Finding(check="clock", ok=not advice, found=f"{now:%Y-%m-%d %H:%M} UTC", advice=advice)


CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "settings": _settings,
    "feeds": _feeds,
    "codebook": _codebook,
    "database": _database,
    "passes": _passes,
    "polling": _polling,
    "alarms": _alarms,
    "mail": _mail,
    "model": _model,
    "disk": _disk,
    "clock": _clock,
}
