"""What the charts show, in sentences: for alternative texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pipeline.report.charts.labels import Grouping, Span, group_name
from pipeline.report.charts.rows import CodeShare, GroupTone, Omission, TrendPoint, VoiceShare
from pipeline.report.words import FAMILIES, N_, VOICES, Words

MOST = 5  # things that are named one by one

NO_TONES = N_("Too few articles for a mean tone in any period.")
TONES = N_("Mean tone in time, from -1 (vigilant) to +1 (credulous).")
ONE_TONE = N_("%(group)s: %(tone)s, %(said)s, in %(period)s (%(n)s articles).")
FROM_TO = N_(
    "%(group)s: from %(tone)s in %(period)s (%(n)s articles) to %(last)s, %(said)s, in %(until)s (%(m)s articles)."
)
NO_VOLUME = N_("No scored articles.")
VOLUME = N_("Scored articles from %(period)s to %(until)s: %(n)s in all; the most, %(most)s, in %(peak)s.")
VOLUME_OF = N_("%(group)s: %(n)s.")
NO_OUTLETS = N_("No group has enough articles for a mean tone.")
OUTLETS = N_("Mean tone of %(n)s groups, the most credulous first.")
OUTLET = N_("%(group)s: %(tone)s %(interval)s, %(said)s (%(n)s articles).")
TOO_FEW = N_("Too few articles: %(groups)s.")
NO_SHARES = N_("No group has enough articles for shares.")
SHARES = N_("Shares of articles by group; the largest:")
SHARE = N_("%(group)s, %(what)s: %(share)s of %(n)s articles.")
NO_VOICES = N_("No passages to show voices of.")
VOICE = N_("%(group)s, %(family)s passages: %(parts)s.")


def alt_tone(
    points: Sequence[TrendPoint], words: Words, *, group: Grouping = "language", period: Span = "month"
) -> str:
    """What `tone_chart` and `small_multiples` show."""
    having = sorted((one for one in points if one.tone is not None), key=lambda one: (one.group, one.period))
    if not having:
        return words.gettext(NO_TONES)
    runs = [list(run) for _, run in groupby(having, key=lambda one: one.group)]
    return _joined(words, [words.gettext(TONES), *(_run(run, words, group, period) for run in runs)])


def _run(run: Sequence[TrendPoint], words: Words, group: Grouping, period: Span) -> str:
    first, last = run[0], run[-1]
    values = {
        "group": group_name(group, first.group, words),
        "tone": words.tone_number(first.tone or 0.0),
        "said": words.tone(last.tone or 0.0),
        "period": when(first.period, period),
        "n": first.n,
        "last": words.tone_number(last.tone or 0.0),
        "until": when(last.period, period),
        "m": last.n,
    }
    return words.gettext(FROM_TO if len(run) > 1 else ONE_TONE) % values


def alt_volume(
    points: Sequence[TrendPoint], words: Words, *, group: Grouping = "language", period: Span = "month"
) -> str:
    """What `volume_chart` shows."""
    sums: dict[str, int] = {}
    groups: dict[str, int] = {}
    for one in points:
        sums[one.period] = sums.get(one.period, 0) + one.n
        groups[one.group] = groups.get(one.group, 0) + one.n
    if not any(sums.values()):
        return words.gettext(NO_VOLUME)
    peak = min(sums, key=lambda one: (-sums[one], one))
    spanning = {"period": when(min(sums), period), "until": when(max(sums), period)}
    told = words.gettext(VOLUME) % {**spanning, "n": sum(sums.values()), "most": sums[peak], "peak": when(peak, period)}
    each = [
        words.gettext(VOLUME_OF) % {"group": group_name(group, one, words), "n": groups[one]} for one in sorted(groups)
    ]
    return _joined(words, [told, *(each if len(each) > 1 else [])])


def alt_outlets(rows: Sequence[GroupTone], words: Words, *, group: Grouping = "outlet") -> str:
    """What `outlet_chart` shows, and which groups it can't."""
    ranked = sorted((row for row in rows if row.tone is not None), key=lambda row: (-(row.tone or 0.0), row.group))
    few = [f"{group_name(group, row.group, words)} ({row.articles})" for row in rows if row.tone is None]
    told = [words.gettext(OUTLETS) % {"n": len(ranked)} if ranked else words.gettext(NO_OUTLETS)]
    told += [_outlet(row, words, group) for row in ranked]
    told += [words.gettext(TOO_FEW) % {"groups": words.gettext(", ").join(few)}] if few else []
    return _joined(words, told)


def _outlet(row: GroupTone, words: Words, group: Grouping) -> str:
    tone, (low, high) = row.tone or 0.0, row.interval or (0.0, 0.0)
    return words.gettext(OUTLET) % {
        "group": group_name(group, row.group, words),
        "tone": words.tone_number(tone),
        "interval": words.interval(low, high),
        "said": words.tone(tone),
        "n": row.articles,
    }


def alt_heat(
    shares: Sequence[CodeShare], words: Words, titles: Mapping[str, str], *, group: Grouping = "outlet"
) -> str:
    """What `code_heat` shows: the largest shares."""
    return _largest([(titles.get(one.code, one.code), one) for one in shares], words, group)


def alt_omissions(
    omissions: Sequence[Omission], words: Words, titles: Mapping[str, str], *, group: Grouping = "outlet"
) -> str:
    """What `omission_chart` shows: the largest shares."""
    return _largest([(titles.get(one.fact, one.fact), one) for one in omissions], words, group)


def _largest(shares: Sequence[tuple[str, CodeShare | Omission]], words: Words, group: Grouping) -> str:
    having = sorted(
        ((one.share, one.group, what, one.articles) for what, one in shares if one.share is not None),
        key=lambda cell: (-cell[0], *cell[1:3]),
    )
    if not having:
        return words.gettext(NO_SHARES)
    told = [
        words.gettext(SHARE)
        % {"group": group_name(group, of, words), "what": what, "share": words.percent(share), "n": articles}
        for share, of, what, articles in having[:MOST]
    ]
    return _joined(words, [words.gettext(SHARES), *told])


def alt_voices(shares: Sequence[VoiceShare], words: Words, *, group: Grouping = "outlet") -> str:
    """What `voice_chart` shows."""
    having = sorted((one for one in shares if one.share is not None), key=lambda one: (one.group, one.family))
    if not having:
        return words.gettext(NO_VOICES)
    parts = groupby(having, key=lambda one: (one.group, one.family))
    return _joined(words, [_parts(of, family, list(these), words, group) for (of, family), these in parts])


def _parts(of: str, family: str, shares: Iterable[VoiceShare], words: Words, group: Grouping) -> str:
    ordered = sorted(shares, key=lambda one: list(VOICES).index(one.voice))
    parts = [f"{words.gettext(VOICES[one.voice])} {words.percent(one.share or 0.0)}" for one in ordered]
    values = {"group": group_name(group, of, words), "family": words.gettext(FAMILIES[family])}
    return words.gettext(VOICE) % {**values, "parts": words.gettext(", ").join(parts)}


def when(period: str, span: Span) -> str:
    """A period by its first day: a month as 2024-05, a day or week as 2024-05-06."""
    return period[:7] if span == "month" else period


def _joined(words: Words, sentences: Iterable[str]) -> str:
    return ("" if words.tongue == "ja" else " ").join(sentences)
