"""What a digest says, as figures: read from storage, in no language yet, and kept with the digest as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import fmean, stdev

from sqlalchemy import Connection

from config.settings import Settings
from pipeline.report.stories import stories
from storage import articles, digests, queries
from storage.digests import Item
from storage.queries import Coverage, Filter, Mover, Quotation, TrendPoint, backlog
from storage.queries.intervals import student_t

MOST_ITEMS = 5000  # new articles read for one digest; more stay for the next one
QUOTED, CHARS = 2, 400  # quotations of a story, and characters of each
HEADLINE_CHARS, NAME_CHARS = 200, 60
MOST_OUTLETS, MOST_ALARMS, MOST_MOVERS, MOST_REASONS, MOST_FACTS = 12, 5, 3, 6, 3
WEEKS = timedelta(weeks=12)
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A sentence with what it conveys. `codes`: the strongest first."""

    text: str
    family: str
    voice: str
    codes: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An article of a story."""

    article_id: int
    outlet: str
    country: str
    url: str
    tone: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Articles in the same words: the headline, tone, quotations and omissions are those of the first of them.

    `more`: how many of its articles are not among `told_by`.
    """

    headline: str
    language: str
    partial: bool
    tone: float
    interval: Interval
    told_by: tuple[Telling, ...]
    more: int
    quotes: tuple[Quote, ...]
    omitted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something to be looked at."""

    kind: str
    subject: str
    since: datetime
    why: str
    what_to_do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that one digest says.

    `tone`: the mean over the new articles with its interval at `level`, None where they are fewer than `min_n`.
    `tones`: those of all articles. `usual`: the last earlier week with enough articles. `omitted`: fact to the number
    of articles that leave it out. `dropped`: (stage, reason, number).
    `unscored`: texts that wait for their judgement. `stories_left`: stories beyond those listed.
    """

    edition: str
    day: date
    covers_from: datetime
    covers_to: datetime
    zone: str
    days_missed: int
    articles: int
    outlets: int
    countries: Mapping[str, int]
    stories: tuple[Story, ...]
    stories_left: int
    cut: bool
    tones: tuple[float, ...]
    tone: float | None
    interval: Interval | None
    min_n: int
    level: float
    score_level: float
    usual: TrendPoint | None
    trend: tuple[TrendPoint, ...]
    omitted: Mapping[str, int]
    movers: tuple[Mover, ...]
    outlets_new: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    alarms_left: int
    alarms_new: bool
    dropped: tuple[tuple[str, str, int], ...]
    unscored: int
    run: str

    @property
    def quiet(self) -> bool:
        """Whether nothing is new: neither articles nor alarms."""
        return not self.articles and not self.alarms_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a digest is to cover. `edition` may be no list's: then nothing was told before."""

    edition: str
    day: date
    covers_from: datetime
    covers_to: datetime
    zone: str
    days_missed: int = 0


def figures(connection: Connection, settings: Settings, window: Window) -> tuple[Figures, list[Item]]:
    """The figures of a digest, and the articles that it tells of."""
    rows = digests.new_coverage(connection, window.edition, window.covers_from, window.covers_to, limit=MOST_ITEMS + 1)
    cut, rows = len(rows) > MOST_ITEMS, rows[:MOST_ITEMS]
    groups = _groups(connection, rows)
    report, listed = settings.report, groups[: settings.digest.max_stories]
    trend = queries.trend(
        connection, Filter(since=window.covers_to - WEEKS, until=window.covers_to), period="week", group=None,
        min_n=report.min_n, level=report.level,
    )  # fmt: skip
    changes = queries.changes(connection, day=window.day, min_n=report.min_n, level=report.level)
    alarms = queries.alarms(connection, settings.alarms, interval_s=settings.poll.min_interval_s, now=window.covers_to)
    tones = tuple(sorted(row.tone for row in rows))
    middle, interval = mean(tones, report.min_n, report.level)
    found = Figures(
        edition=window.edition,
        day=window.day,
        covers_from=window.covers_from,
        covers_to=window.covers_to,
        zone=window.zone,
        days_missed=window.days_missed,
        articles=len(rows),
        outlets=len({row.outlet for row in rows}),
        countries=dict(Counter(row.country for row in rows).most_common()),
        stories=tuple(_story(connection, group) for group in listed),
        stories_left=len(groups) - len(listed),
        cut=cut,
        tones=tones,
        tone=middle,
        interval=interval,
        min_n=report.min_n,
        level=report.level,
        score_level=settings.score.coverage,
        usual=next((point for point in reversed(trend[:-1]) if point.tone is not None), None),
        trend=trend,
        omitted=dict(Counter(fact for row in rows for fact in row.omitted).most_common(MOST_FACTS)),
        movers=tuple(mover for mover in changes.movers if _moved(mover))[:MOST_MOVERS],
        outlets_new=_newcomers(changes.outlets_new, rows),
        alarms=tuple(_alarm(alarm) for alarm in alarms[:MOST_ALARMS]),
        alarms_left=max(0, len(alarms) - MOST_ALARMS),
        alarms_new=any(alarm.since >= window.covers_from for alarm in alarms),
        dropped=_dropped(connection, window),
        unscored=backlog.queues(connection, window.covers_to)["judgement"],
        run=rows[-1].run if rows else "",
    )
    return found, _items(groups)


def mean(tones: Sequence[float], min_n: int, level: float) -> tuple[float, Interval] | tuple[None, None]:
    """The mean tone with its t interval; None below `min_n`."""
    if len(tones) < min_n:
        return None, None
    middle = fmean(tones)
    half_width = student_t((1 + level) / 2, len(tones) - 1) * stdev(tones) / sqrt(len(tones))
    return middle, (max(-1.0, middle - half_width), min(1.0, middle + half_width))


def cut_to(text: str, chars: int) -> str:
    """A text in one line, cut where it is longer."""
    text = " ".join(text[: 4 * chars].split())
    return text if len(text) <= chars else f"{text[: chars - 1].rstrip()}…"


def _newcomers(names: Sequence[str], rows: Sequence[Coverage]) -> tuple[str, ...]:
    """Outlets that are here for the first time, unless all are, as at the beginning."""
    here = {row.outlet for row in rows}
    found = [name for name in names if name in here]
    return tuple(cut_to(name, NAME_CHARS) for name in found[:MOST_OUTLETS]) if len(found) < len(here) else ()


def _moved(mover: Mover) -> bool:
    low, high = mover.interval
    return low > 0 or high < 0


def _groups(connection: Connection, rows: Sequence[Coverage]) -> list[list[Coverage]]:
    """Stories: those of most outlets first, among them the most pronounced."""
    texts = [_text(connection, row) for row in rows]
    groups = [[rows[number] for number in group] for group in stories(texts)]
    for group in groups:
        group.sort(key=lambda row: (row.partial, row.at, row.score_id))
    return sorted(
        groups, key=lambda group: (-len({row.outlet for row in group}), -abs(group[0].tone), group[0].score_id)
    )


def _text(connection: Connection, row: Coverage) -> str:
    return articles.load(connection, row.revision_id).text


def _items(groups: Sequence[Sequence[Coverage]]) -> list[Item]:
    return [
        Item(story=number, article_id=row.article_id, score_id=row.score_id)
        for number, group in enumerate(groups, 1)
        for row in group
    ]


def _story(connection: Connection, group: Sequence[Coverage]) -> Story:
    first = group[0]
    return Story(
        headline=cut_to(first.title, HEADLINE_CHARS),
        language=first.language,
        partial=first.partial,
        tone=first.tone,
        interval=(first.tone_low, first.tone_high),
        told_by=tuple(_telling(row) for row in group[:MOST_OUTLETS]),
        more=max(0, len(group) - MOST_OUTLETS),
        quotes=tuple(_quote(quotation) for quotation in telling(queries.evidence(connection, first.score_id))),
        omitted=first.omitted,
    )


def _telling(row: Coverage) -> Telling:
    return Telling(
        article_id=row.article_id,
        outlet=cut_to(row.outlet, NAME_CHARS),
        country=row.country,
        url=row.url,
        tone=row.tone,
        interval=(row.tone_low, row.tone_high),
    )


def telling(evidence: Sequence[Quotation]) -> list[Quotation]:
    """The quotations that say most, in their order: the strongest, and one of another family if there is one."""
    ranked = sorted(evidence, key=lambda one: (one.family == "neutral", -max(one.codes.values(), default=0.0)))
    if not ranked:
        return []
    others = sorted(ranked[1:], key=lambda one: (one.family in ("neutral", ranked[0].family), one.family == "neutral"))
    return sorted([ranked[0], *others[: QUOTED - 1]], key=lambda one: one.position)


def _quote(quotation: Quotation) -> Quote:
    return Quote(
        text=cut_to(quotation.text, CHARS),
        family=quotation.family,
        voice=quotation.voice,
        codes=tuple(quotation.codes),
        facts=quotation.facts,
    )


def _alarm(alarm: queries.Alarm) -> Alarm:
    return Alarm(
        kind=alarm.kind,
        subject=cut_to(alarm.subject, HEADLINE_CHARS),
        since=alarm.since,
        why=cut_to(alarm.why, HEADLINE_CHARS),
        what_to_do=alarm.what_to_do,
    )


def _dropped(connection: Connection, window: Window) -> tuple[tuple[str, str, int], ...]:
    found = queries.funnel(connection, since=window.covers_from, until=window.covers_to).dropped
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    kept = [(stage, reason, n) for (stage, reason), n in ranked[:MOST_REASONS]]
    rest = sum(n for _, n in ranked[MOST_REASONS:])
    return (*kept, *([("", "other", rest)] if rest else []))
