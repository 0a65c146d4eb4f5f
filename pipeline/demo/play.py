"""Run the pipeline on the sample outlets: a morning pass, and an evening pass that meets the edited articles."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.sections import sqlite_url
from config.settings import Settings
from config.sources import FeedSource
from pipeline.collect.guard import Resolve
from pipeline.demo.outlets import SampleOutlet, sample_outlets
from pipeline.demo.site import SampleSite
from pipeline.errors import TreatywatchError
from pipeline.passes import PassReport, Watcher
from pipeline.report.digest.making import of_day, standing_alone
from pipeline.run import run_once
from pipeline.tools import tools_of
from storage import queries
from storage.database import Database, open_database
from storage.queries import Coverage, Funnel, OutletTone, Quotation

LOOPBACK = "127.0.0.0/8"
SHOWN = 3  # extreme articles of each kind
MIN_N = 5  # articles of an outlet from which its mean is shown
Evidenced = tuple[Coverage, tuple[Quotation, ...]]


@dataclass(frozen=True, kw_only=True)
class Played:
    """What the demo did and found.

    `requests`: answers of the sample outlets by HTTP status; `coverage`: the scored articles, by outlet; `credulous`,
    `vigilant`: the extreme articles with their evidence; `database`: where coverage is kept; `digest`: a file
    with the digest of the day.
    """

    reports: tuple[PassReport, ...]
    requests: dict[int, int]
    outlets: tuple[OutletTone, ...]
    coverage: tuple[Coverage, ...]
    credulous: tuple[Evidenced, ...]
    vigilant: tuple[Evidenced, ...]
    funnel: Funnel
    database: str
    digest: Path

    @property
    def failed(self) -> bool:
        """Whether a pass had errors."""
        return any(report.failed for report in self.reports)


def play(settings: Settings, directory: Path | None, port: int, watcher: Watcher) -> Played:
    """Serve the sample outlets and make the passes. A second time nothing is new, and nothing is fetched but the feeds.

    Raises TreatywatchError when the port is taken.
    """
    settings = _local(settings)
    home = (directory or settings.storage.directory() / "demo").resolve()
    database = open_database(sqlite_url(home / "coverage.db"))
    played_before = _has_coverage(database)
    try:
        site = SampleSite(sample_outlets(), port=port, edition="evening" if played_before else "morning")
    except OSError as error:
        raise TreatywatchError(
            f"port {port} can't be used ({error.strerror}); choose another with --port", reason="port"
        ) from None
    try:
        with site:
            reports = asyncio.run(_passes(settings, database, site, watcher, evening_too=not played_before))
        digest = _digest(settings, database, home / "digest.html")
        return _found(database, tuple(reports), dict(site.requests), digest)
    finally:
        database.close()


def _digest(settings: Settings, database: Database, file: Path) -> Path:
    """The digest of the day as it would be mailed, with means of fewer articles than usual."""
    report = settings.report.model_copy(update={"min_n": MIN_N})
    with database.read() as connection:
        digest = of_day(
            connection, settings.model_copy(update={"report": report}), None, report.language, datetime.now(UTC)
        )
    file.write_text(standing_alone(digest), encoding="utf-8")
    return file


def _found(database: Database, reports: tuple[PassReport, ...], requests: dict[int, int], digest: Path) -> Played:
    with database.read() as connection:
        credulous, vigilant = queries.extremes(connection, SHOWN)
        return Played(
            reports=reports,
            requests=requests,
            coverage=tuple(sorted(queries.coverage(connection, limit=1000).rows, key=lambda row: (row.outlet, row.at))),
            outlets=queries.by_outlet(connection, min_n=MIN_N),
            credulous=tuple((row, queries.evidence(connection, row.score_id)) for row in credulous),
            vigilant=tuple((row, queries.evidence(connection, row.score_id)) for row in vigilant),
            funnel=queries.funnel(connection),
            database=database.url,
            digest=digest,
        )


def _local(settings: Settings) -> Settings:
    """The same settings, allowed to fetch from this machine, without pauses out of courtesy to it, every feed always
    due.
    """
    fetch = settings.fetch.model_copy(
        update={"allow_networks": (*settings.fetch.allow_networks, LOOPBACK), "host_delay_s": 0.0}
    )
    poll = settings.poll.model_copy(update={"min_interval_s": 0.001, "max_interval_s": 0.001})
    return settings.model_copy(update={"fetch": fetch, "poll": poll})


def _has_coverage(database: Database) -> bool:
    with database.read() as connection:
        return bool(queries.coverage(connection, limit=1).rows)


async def _passes(
    settings: Settings, database: Database, site: SampleSite, watcher: Watcher, *, evening_too: bool
) -> list[PassReport]:
    reports = []
    async with tools_of(settings, resolve=_resolver(site)) as tools:
        for edition in ("morning", "evening") if evening_too else ("evening",):
            site.edition = edition
            reports.append(await run_once(tools, database, feed_list(site), settings.poll, watcher=watcher))
    return reports


def feed_list(site: SampleSite) -> list[FeedSource]:
    """The sample outlets as a list of feeds."""
    return [_source(site, outlet) for outlet in site.outlets.values()]


def _source(site: SampleSite, outlet: SampleOutlet) -> FeedSource:
    return FeedSource(
        url=site.feed_url(outlet),
        outlet=outlet.name,
        country=outlet.country,
        language=outlet.language,  # type: ignore[arg-type] # checked by the model
        kind=outlet.kind,  # type: ignore[arg-type]
        format=outlet.format,  # type: ignore[arg-type]
    )


def _resolver(site: SampleSite) -> Resolve:
    """The sample outlets' names lead to this machine, whatever its own resolver knows of .localhost."""

    async def resolve(host: str, _: int) -> Sequence[str]:
        return ["127.0.0.1"] if host in site.outlets else []

    return resolve
