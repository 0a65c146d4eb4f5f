"""Tone over time on a terminal: tables with a small curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from rich.markup import escape
from rich.table import Table

from pipeline.cli.tables import SCALE, table_of, tone_scale
from storage.queries import OutletTone, Period, TrendPoint

BARS = "▁▂▃▄▅▆▇█"  # from vigilant to credulous
GAP = "·"  # a week with too few articles
WEEKS = 12
WEEK = timedelta(days=7)


def sparkline(tones: Iterable[float | None]) -> str:
    """Tones as a small curve; None as a gap."""
    return "".join(GAP if tone is None else BARS[min(int((tone + 1) / 2 * len(BARS)), len(BARS) - 1)] for tone in tones)


def outlet_table(outlets: Sequence[OutletTone], weeks: Sequence[TrendPoint] = ()) -> Table:
    """Outlets compared, with the last weeks' tone; those with too few articles have only their number."""
    curves = _curves(weeks)
    heads = ("outlet", "country", "articles", SCALE, "tone", "interval", *(["last weeks"] if curves else []))
    table = table_of("Outlets", *heads, right=("articles", "tone"))
    for row in outlets:
        names, curve = (escape(row.outlet), row.country, str(row.articles)), curves.get(row.outlet, "")
        if row.tone is None or row.interval is None:
            table.add_row(*names, "[dim]too few to compare", "", "", curve)
        else:
            low, high = row.interval
            interval = f"{low:+.2f} … {high:+.2f}"
            table.add_row(*names, tone_scale(row.tone, low, high), f"{row.tone:+.2f}", interval, curve)
    return table


def _curves(weeks: Sequence[TrendPoint]) -> dict[str, str]:
    """Of each group, its tone in the WEEKS up to the last in which anything was published."""
    if not weeks:
        return {}
    last = date.fromisoformat(max(point.period for point in weeks))
    days = [(last - n * WEEK).isoformat() for n in reversed(range(WEEKS))]
    tones = {(point.group, point.period): point.tone for point in weeks}
    return {group: sparkline(tones.get((group, day)) for day in days) for group in {point.group for point in weeks}}


def trend_table(points: Sequence[TrendPoint], period: Period, group: str | None) -> Table:
    """Mean tone by period, the oldest first."""
    heads = (period, *([group] if group else []), "articles", SCALE, "tone", "interval", "outlook", "scrutiny")
    table = table_of(f"Tone by {period}", *heads, right=("articles", "tone", "outlook", "scrutiny"))
    for point in points:
        names = (point.period, *([escape(point.group)] if group else []), str(point.n))
        if point.tone is None or point.interval is None:
            table.add_row(*names, "[dim]too few", "", "", "", "")
            continue
        low, high = point.interval
        shares = (f"{share:.2f}" for share in (point.outlook or 0.0, point.scrutiny or 0.0))
        scale = tone_scale(point.tone, low, high)
        table.add_row(*names, scale, f"{point.tone:+.2f}", f"{low:+.2f} … {high:+.2f}", *shares)
    return table
