"""Makes a digest: figures, chart and words into the row that is kept, and everything that is made of that row."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from config.settings import Settings
from pipeline.report.charts import alt_outlets, alt_tone, outlet_chart, png, tone_chart
from pipeline.report.digest.figures import Figures, Window, figures
from pipeline.report.digest.letter import Writer
from pipeline.report.digest.setting import CHART, html, text
from pipeline.report.words import Tongue, Words
from storage import queries
from storage.digests import Digest, Item
from storage.scores import latest_run

PREVIEW = "Preview"  # no list can be called so
CHART_WIDTH = 400  # pixels: between a telephone's and the sheet's, so that its letters can be read on both
FEWEST = 2  # points or groups that make a chart
GROUPS: tuple[Literal["outlet", "language"], ...] = ("outlet", "language")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A digest that is not kept yet: its row, and the articles that it tells of."""

    row: Mapping[str, Any]
    items: list[Item]
    quiet: bool

    def unkept(self) -> Digest:
        """The digest as it would be read once it is kept."""
        return Digest(id=0, **self.row)


def make(connection: Connection, settings: Settings, window: Window, tongue: Tongue, now: datetime) -> Made:
    """The digest of a window, in one language."""
    found, items = figures(connection, settings, window)
    words = Words(tongue)
    picture, shows = _chart(connection, settings, found, words)
    letter = Writer(words, settings.mail.public_url).letter(found, shows)
    run = latest_run(connection)
    row = {
        "edition": window.edition, "day": window.day.isoformat(), "language": tongue,
        "covers_from": window.covers_from, "covers_to": window.covers_to, "quiet": found.quiet,
        "run_id": run.id if run else None, "subject": letter.subject, "html": html(letter, words),
        "plain": text(letter), "figures": as_json(found), "chart": picture, "created_at": now,
    }  # fmt: skip
    return Made(row=row, items=items, quiet=found.quiet)


def of_day(connection: Connection, settings: Settings, day: date | None, tongue: Tongue, now: datetime) -> Digest:
    """The digest of a whole local day, or of today so far, as no list gets it: a preview, which is not kept."""
    zone = ZoneInfo(settings.digest.zone)
    day = day or now.astimezone(zone).date()
    first, last = (datetime.combine(day + timedelta(n), time(), zone).astimezone(UTC) for n in (0, 1))
    window = Window(
        edition=PREVIEW, day=day, covers_from=min(first, now), covers_to=min(last, now), zone=settings.digest.zone
    )
    return make(connection, settings, window, tongue, now).unkept()


def _chart(connection: Connection, settings: Settings, found: Figures, words: Words) -> tuple[bytes | None, str]:
    """The tone by weeks, or where there are too few weeks, by outlets or languages, or nothing; with what it shows."""
    if sum(point.tone is not None for point in found.trend) >= FEWEST:
        chart = tone_chart(found.trend, words, period="week", width=CHART_WIDTH)
        return png(chart), alt_tone(found.trend, words, period="week")
    report = settings.report
    for group in GROUPS:
        rows = queries.by_group(connection, group=group, min_n=report.min_n, level=report.level)
        having = [row for row in rows if row.tone is not None]
        if len(having) >= FEWEST:
            chart = outlet_chart(having, words, group=group, width=CHART_WIDTH)
            return png(chart), alt_outlets(having, words, group=group)
    return None, ""


def as_json(found: Figures) -> dict[str, Any]:
    """Figures as JSON holds them."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(found), default=_plain, allow_nan=False))
    return plain


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")


def standing_alone(digest: Digest) -> str:
    """The page as a file of its own: the chart lies in it."""
    if digest.chart is None:
        return digest.html
    return digest.html.replace(f'"{CHART}"', f'"data:image/png;base64,{b64encode(digest.chart).decode()}"', 1)
