"""A digest in words: every sentence that mail, text and archive show. What outlets wrote stays in its language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import dates

from config.codebook import load_codebook
from pipeline.report.digest.figures import Alarm, Figures, Quote, Story, Telling, cut_to
from pipeline.report.digest.lines import Letter, Link, QuoteLine, Said, Section, StoryLines
from pipeline.report.words import N_, VOICES, Words, step
from storage.queries import Mover

SUBJECT_HEADLINE = 60
# Marks that turn the direction of what follows, and would turn our words, too; apart from these bidi needs none.
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")

KINDS = {
    "feed_broken": N_("a feed is broken"),
    "outlet_quiet": N_("an outlet went quiet"),
    "pipeline_starved": N_("our own work does not get done"),
}
STAGES = {
    "page": N_("page not to be had"),
    "extract": N_("no text in the page"),
    "gate": N_("off the subject"),
    "screen": N_("not about the talks"),
    "": N_("other reasons"),
}


class Writer:
    """Puts figures into the words of one language. `public_url`: where readers reach the dashboard, or ''."""

    def __init__(self, words: Words, public_url: str) -> None:
        self._words, self._url = words, public_url.rstrip("/")
        self._codebook = load_codebook()

    def letter(self, found: Figures, chart: str) -> Letter:
        """The whole digest. `chart` says what its picture shows."""
        _ = self._words.gettext
        finding = self._finding(found)
        day = dates.format_skeleton("MMMd", found.day, locale=self._words.locale)
        return Letter(
            tongue=self._words.tongue,
            subject=_("%(finding)s – %(day)s") % {"finding": finding, "day": day},
            title=finding,
            when=self._when(found),
            summary=tuple(line for line in self._summary(found) if line),
            chart=chart,
            stories_title=_("Stories"),
            stories=tuple(self._story(story) for story in found.stories),
            left=self._left(found),
            sections=tuple(section for section in self._sections(found) if section.lines),
            notes=tuple(line for line in self._notes(found) if line),
            archive=Link(name=_("Dashboard"), url=self._url and f"{self._url}/"),
        )

    def _finding(self, found: Figures) -> str:
        _ = self._words.gettext
        if not found.articles:
            return self._alarmed(found) if found.alarms else _("Nothing new on the talks")
        if found.tone is not None:
            values = {"tone": self._words.tone(found.tone), "number": self._words.tone_number(found.tone)}
            said = _("Coverage is %(tone)s (%(number)s)") % values
            return f"{said}{_(': ')}{self._articles(found.articles)}{_(', ')}{self._outlets(found.outlets)}"
        story = found.stories[0]
        values = {
            "outlet": plain(story.told_by[0].outlet), "headline": cut_to(plain(story.headline), SUBJECT_HEADLINE),
            "tone": self._words.tone(story.tone), "number": self._words.tone_number(story.tone),
        }  # fmt: skip
        said = _("%(outlet)s, %(tone)s (%(number)s): “%(headline)s”") % values
        more = len(found.stories) + found.stories_left - 1
        return said + (_("; %(n)s more") % {"n": more} if more else "")

    def _alarmed(self, found: Figures) -> str:
        n = len(found.alarms) + found.alarms_left
        return self._words.ngettext("Nothing new, but %(n)s alarm", "Nothing new, but %(n)s alarms", n) % {"n": n}

    def _when(self, found: Figures) -> str:
        _ = self._words.gettext
        said = _("%(day)s · covers %(since)s to %(until)s") % {
            "day": self._words.day(found.day),
            "since": self._moment(found.covers_from, found.zone),
            "until": self._moment(found.covers_to, found.zone),
        }
        if not found.days_missed:
            return said
        late = self._words.ngettext(
            "%(n)s day was missed and is made up for here", "%(n)s days were missed and are made up for here",
            found.days_missed,
        )  # fmt: skip
        return f"{said} · {late % {'n': found.days_missed}}"

    def _moment(self, at: datetime, zone: str) -> str:
        local = {"en": "MMM d, HH:mm", "ja": "M月d日 HH:mm"}[self._words.tongue]
        return str(dates.format_datetime(at, format=local, tzinfo=ZoneInfo(zone), locale=self._words.locale))

    def _articles(self, n: int) -> str:
        return self._words.ngettext("%(n)s article", "%(n)s articles", n) % {"n": n}

    def _outlets(self, n: int) -> str:
        return self._words.ngettext("%(n)s outlet", "%(n)s outlets", n) % {"n": n}

    def _stories(self, n: int) -> str:
        return self._words.ngettext("%(n)s story", "%(n)s stories", n) % {"n": n}

    def _summary(self, found: Figures) -> Iterable[str]:
        if found.articles:
            yield self._how_many(found)
            yield self._how_toned(found)
            yield self._how_complete(found)

    def _how_many(self, found: Figures) -> str:
        _ = self._words.gettext
        stories = self._stories(len(found.stories) + found.stories_left)
        parts = [self._articles(found.articles), stories, self._outlets(found.outlets)]
        where = [f"{self._words.country(code)} {n}" for code, n in list(found.countries.items())[:4] if code]
        values = {"what": _(", ").join(parts), "where": _(", ").join(where)}
        said = _("New: %(what)s (%(where)s).") % values if where else _("New: %(what)s.") % values
        return self._joined([said, self._first_time(found)])

    def _first_time(self, found: Figures) -> str:
        _ = self._words.gettext
        names = _(", ").join(plain(name) for name in found.outlets_new)
        return _("For the first time: %(outlets)s.") % {"outlets": names} if names else ""

    def _how_toned(self, found: Figures) -> str:
        _ = self._words.gettext
        if found.tone is None or found.interval is None:
            counted = [(n, name) for name, n in self._steps(found.tones)]
            said = _(", ").join(f"{n} {name}" if self._words.tongue == "en" else f"{name}{n}本" for n, name in counted)
            few = _("A mean needs %(n)s articles.") % {"n": found.min_n}
            return self._joined([_("Tone, article by article: %(steps)s.") % {"steps": said}, few])
        values = {
            "tone": self._words.tone(found.tone), "number": self._words.tone_number(found.tone),
            "interval": self._words.interval(*found.interval),
        }  # fmt: skip
        return self._joined([_("Mean tone: %(tone)s, %(number)s %(interval)s.") % values, self._usual(found)])

    def _steps(self, tones: Sequence[float]) -> list[tuple[str, int]]:
        names = [self._words.tone(tone) for tone in tones]
        return [(name, names.count(name)) for name in dict.fromkeys(names)]

    def _usual(self, found: Figures) -> str:
        if found.usual is None or found.usual.tone is None:
            return ""
        values = {
            "week": found.usual.period, "number": self._words.tone_number(found.usual.tone), "n": found.usual.n,
        }  # fmt: skip
        return self._words.gettext("Week of %(week)s: %(number)s (%(n)s articles).") % values

    def _how_complete(self, found: Figures) -> str:
        _ = self._words.gettext
        parts = [
            _("%(fact)s (%(n)s of %(of)s)") % {"fact": self.fact(fact), "n": n, "of": found.articles}
            for fact, n in found.omitted.items()
        ]
        return _("Most often left out: %(facts)s.") % {"facts": _("; ").join(parts)} if parts else ""

    def fact(self, fact: str) -> str:
        """A context fact in words."""
        return self._words.gettext(self._codebook.facts.get(fact, fact))

    def code(self, code: str) -> str:
        """A code in words."""
        known = self._codebook.codes.get(code)
        return self._words.gettext(known.title) if known else code

    def _story(self, story: Story) -> StoryLines:
        _ = self._words.gettext
        more = self._words.ngettext("and %(n)s more article", "and %(n)s more articles", story.more)
        return StoryLines(
            headline=Said(text=plain(story.headline) or _("(no headline)"), language=story.language),
            step=step(story.tone),
            tone=self._words.tone(story.tone),
            numbers=f"{self._words.tone_number(story.tone)} {self._words.interval(*story.interval)}",
            outlets=tuple(self._telling(one, alone=len(story.told_by) == 1) for one in story.told_by),
            more=more % {"n": story.more} if story.more else "",
            quotes=tuple(self._quote(quote, story.language) for quote in story.quotes),
            omitted=self._omitted(story.omitted),
            note=_("Only the feed's summary could be read.") if story.partial else "",
        )

    def _omitted(self, facts: Sequence[str]) -> str:
        _ = self._words.gettext
        if not facts:
            return _("Left out: nothing.")
        values = {"n": len(facts), "of": len(self._codebook.facts), "facts": _("; ").join(map(self.fact, facts))}
        return _("Left out, %(n)s of %(of)s: %(facts)s.") % values

    def _telling(self, one: Telling, *, alone: bool) -> tuple[Link, str, Link]:
        page = f"{self._url}/articles/{one.article_id}" if self._url else ""
        where = f"{plain(one.outlet)} ({self._words.country(one.country)})" if one.country else plain(one.outlet)
        tone = "" if alone else self._words.tone_number(one.tone)
        return Link(name=where, url=one.url), tone, Link(name=self._words.gettext("in the dashboard"), url=page)

    def _quote(self, quote: Quote, language: str) -> QuoteLine:
        about = [self._words.gettext(VOICES[quote.voice]), *(self.code(code) for code in quote.codes[:1])]
        return QuoteLine(said=Said(text=plain(quote.text), language=language), about=" · ".join(about))

    def _left(self, found: Figures) -> str:
        if not found.stories_left:
            return ""
        said = self._words.ngettext("And %(n)s more story", "And %(n)s more stories", found.stories_left)
        where = self._words.gettext("; the dashboard has them all.") if self._url else "."
        return said % {"n": found.stories_left} + where

    def _sections(self, found: Figures) -> Iterable[Section]:
        _ = self._words.gettext
        yield Section(title=_("What moved"), lines=tuple(self._mover(mover) for mover in found.movers))
        alarms = [self._alarm(alarm, found.zone) for alarm in found.alarms]
        if found.alarms_left:
            alarms.append(_("and %(n)s more: `treatywatch alarms`") % {"n": found.alarms_left})
        yield Section(title=_("Alarms"), lines=tuple(alarms))

    def _mover(self, mover: Mover) -> str:
        return self._words.gettext(
            "%(outlet)s: from %(before)s (%(m)s articles) to %(after)s (%(n)s) in a week, %(change)s %(interval)s"
        ) % {
            "outlet": plain(mover.outlet), "before": self._words.tone_number(mover.before), "m": mover.n_before,
            "after": self._words.tone_number(mover.after), "n": mover.n_after,
            "change": self._words.tone_number(mover.difference), "interval": self._words.interval(*mover.interval),
        }  # fmt: skip

    def _alarm(self, alarm: Alarm, zone: str) -> str:
        return self._words.gettext("%(kind)s, since %(since)s: %(subject)s: %(why)s") % {
            "kind": self._words.gettext(KINDS[alarm.kind]), "since": self._moment(alarm.since, zone),
            "subject": plain(alarm.subject), "why": plain(alarm.why),
        }  # fmt: skip

    def _notes(self, found: Figures) -> Iterable[str]:
        _ = self._words.gettext
        yield self._set_aside(found)
        if found.unscored:
            yield self._words.ngettext(
                "%(n)s text still waits to be judged and is not counted here.",
                "%(n)s texts still wait to be judged and are not counted here.", found.unscored,
            ) % {"n": found.unscored}  # fmt: skip
        if found.cut:
            yield _("There was more than one digest holds; the rest comes with the next one.")
        yield _(
            "How to read this: tone runs from −1, vigilant, to +1, credulous; a model judges it from each article's "
            "sentences. An article's interval is to hold the tone that a person would give it in %(share)s of cases, "
            "that of a mean its true value in %(level)s. Texts in the same words are one story, shown by its first "
            "article. Quotations stand as the outlet wrote them; what is left out is what the model did not find."
        ) % {"share": self._words.percent(found.score_level), "level": self._words.percent(found.level)}
        if found.run:
            yield _("Run %(run)s.") % {"run": found.run}

    def _set_aside(self, found: Figures) -> str:
        _ = self._words.gettext
        sums: dict[str, int] = {}
        for stage, _reason, n in found.dropped:
            name = _(STAGES.get(stage, STAGES[""]))
            sums[name] = sums.get(name, 0) + n
        parts = _(", ").join(f"{name} {n}" for name, n in sums.items())
        return _("Set aside: %(n)s (%(parts)s).") % {"n": sum(sums.values()), "parts": parts} if sums else ""

    def _joined(self, sentences: Iterable[str]) -> str:
        return ("" if self._words.tongue == "ja" else " ").join(sentence for sentence in sentences if sentence)


def plain(text: str) -> str:
    """What an outlet wrote, in one line and without marks that turn the direction of ours."""
    return " ".join(TURNING.sub("", text).split())
