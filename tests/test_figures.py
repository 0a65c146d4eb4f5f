"""Figures for groups of judged articles, on articles small enough to count by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from config.codebook import load_codebook
from config.corpus import LabelledPassage
from pipeline.records import FAMILIES, VOICES
from pipeline.train.corpus import UNKNOWN
from pipeline.train.figures import figures, parity_gap
from pipeline.train.judged import Judged, Marks, joined
from pipeline.train.report import ALL, evaluation
from tests.samples import labelled, untrained_heads

OPTIMISTIC, VIGILANT, NEUTRAL = range(len(FAMILIES))
OWN, DISTANCED, BARE = range(len(VOICES))
RESIDUALS = np.arange(1, 20, dtype=np.float32) / 10  # 19: at 80 % the 16th, 1.6, at 95 % the 19th, 1.9
HEADS = replace(untrained_heads(load_codebook()), residuals=RESIDUALS)
RELEVANCE = {"relevance precision", "relevance recall", "relevance F1", "relevance ECE"}
SENTENCES = {"family macro-F1", "family ECE", "code micro-F1", "code ECE", "voice macro-F1", "omission F1"}
TONE = {
    "tone Spearman",
    "tone ordinal alpha",
    "tone QWK",
    "tone mean absolute error",
    "intervals at 80% that hold it",
    "intervals at 95% that hold it",
}


def marks(*rows: tuple[int, int, tuple[float, float], tuple[int, int]]) -> Marks:
    """Family, voice, strengths of two codes, and two facts of each passage."""
    families, voices, codes, facts = zip(*rows, strict=True)
    return Marks(
        families=np.array(families), voices=np.array(voices), codes=np.array(codes, np.float32), facts=np.array(facts)
    )


TRUTH = marks(
    (VIGILANT, OWN, (0, 1), (0, 0)),
    (OPTIMISTIC, OWN, (1, 0), (1, 0)),
    (VIGILANT, BARE, (0, 1), (0, 0)),
    (NEUTRAL, UNKNOWN, (0, 0), (0, 0)),
)
SAID = marks(
    (OPTIMISTIC, BARE, (0.9, 0), (0, 0)),
    (OPTIMISTIC, OWN, (0.6, 0), (1, 0)),
    (VIGILANT, DISTANCED, (0, 0), (0, 1)),
    (VIGILANT, OWN, (0.3, 0), (0, 0)),
)
SHARES = np.array([[0.8, 0.1, 0.1], [0.8, 0.2, 0], [0.1, 0.5, 0.4], [0, 0.6, 0.4]], np.float32)


def item(tone: float | None = 1.0, ours: float | None = 0.85, **changes: Any) -> Judged:
    """A title and three sentences."""
    source = labelled(*[LabelledPassage(text=text) for text in ("One.", "Two.", "Three.")], tone=tone)
    given = {"source": source, "single": False, "truth": TRUTH, "said": SAID, "shares": SHARES}
    judged = {"relevance": 0.9, "kept": True, "tone": ours, "expected": None if ours is None else 0.1}
    return Judged(**{**given, **judged, **changes})


def sourced(of: Judged, **changes: Any) -> Judged:
    return replace(of, source=replace(of.source, **changes))


IRRELEVANT = sourced(item(None, None, relevance=0.2, kept=False), relevant=False)


def test_sentences_are_counted_without_the_title() -> None:
    found = figures([item()], RESIDUALS)
    assert (found["articles"], found["sentences"]) == (1, 3)


def test_the_figures_of_sentences_are_those_worked_out_by_hand() -> None:
    found = figures([item()], RESIDUALS)
    # nine shares, one a bin: against the family that is right
    gaps = [0.2, 0.2, 0, 0.1, 0.5, 0.4, 0, 0.6, 0.6]
    assert {name: found[name] for name in sorted(SENTENCES)} == {
        "code ECE": pytest.approx((abs(0.6 - 1) + abs(0.3 - 0)) / 2),
        "code micro-F1": pytest.approx(2 * 1 / (2 + 2)),
        "family ECE": pytest.approx(sum(gaps) / 9),
        "family macro-F1": pytest.approx((1 + 2 / 3 + 0) / 3),
        "omission F1": pytest.approx(0.0),  # the coder misses the second fact only, we miss none
        "voice macro-F1": pytest.approx((1 + 0 + 0) / 3),
    }


def test_what_is_said_of_titles_changes_no_figure_of_sentences() -> None:
    other = replace(item(), said=replace(SAID, families=TRUTH.families * [1, 0, 0, 0] + SAID.families * [0, 1, 1, 1]))
    assert figures([other], RESIDUALS) == figures([item()], RESIDUALS)


def test_a_text_without_a_title_has_only_sentences() -> None:
    assert list(sourced(item(), title=None).sentences) == [0, 1, 2, 3]


def test_relevance_is_measured_on_all_articles_and_sentences_on_relevant_ones() -> None:
    extra = replace(IRRELEVANT, kept=True, relevance=0.6)
    lost = item(1.0, None, relevance=0.1, kept=False)
    found = figures([item(), IRRELEVANT, extra, lost], RESIDUALS)
    assert (found["articles"], found["sentences"]) == (4, 6)
    assert {name: found[name] for name in sorted(RELEVANCE)} == {
        "relevance ECE": pytest.approx((0.1 + 0.2 + 0.6 + 0.9) / 4),
        "relevance F1": pytest.approx(1 / 2),
        "relevance precision": pytest.approx(1 / 2),
        "relevance recall": pytest.approx(1 / 2),
    }


def test_omission_is_measured_by_article_and_fact() -> None:
    truth, said = (replace(side, facts=np.array([[0, 0]] * 4)) for side in (TRUTH, SAID))
    found = figures([item(), item(truth=truth, said=said)], RESIDUALS)
    assert found["omission F1"] == pytest.approx(2 * 2 / (3 + 2))  # left out: of four, coder three, we two, both two


def test_tones_are_compared_as_numbers_ranks_steps_and_intervals() -> None:
    items = [item(1.0, 0.85), item(0.0, 0.18), item(-1.0, -0.5)]
    found = figures(items, RESIDUALS)
    assert (found["tone Spearman"], found["tone mean absolute error"]) == (
        pytest.approx(1),
        pytest.approx((0.15 + 0.18 + 0.5) / 3),
    )
    # half widths 0.1 x 1.6 and 0.1 x 1.9
    held = [found[f"intervals at {share}% that hold it"] for share in (80, 95)]
    assert held == [pytest.approx(1 / 3), pytest.approx(2 / 3)]
    # steps 1, 0, -1 against 1, 0, -0.5: squared distances 1 seen over 3 articles, 39 by chance over 9 pairs
    assert found["tone QWK"] == pytest.approx(1 - (1 / 3) / (39 / 9))


def test_an_interval_never_ends_short_where_errors_are_too_few() -> None:
    found = figures([item(tone, -tone) for tone in (1.0, 0.0, -1.0)], RESIDUALS[:1])
    assert [found[f"intervals at {share}% that hold it"] for share in (80, 95)] == [1, 1]


def test_tones_count_only_where_coder_and_screen_let_them() -> None:
    items = [item(1.0, 0.8), item(0.0, 0.1), item(-1.0, -0.9), item(1.0, None), IRRELEVANT]
    assert figures(items, RESIDUALS)["tone mean absolute error"] == pytest.approx((0.2 + 0.1 + 0.1) / 3)


@pytest.mark.parametrize(
    ("judged", "measured"),
    [
        ([], set()),
        ([replace(item(), single=True)], set()),
        ([IRRELEVANT], RELEVANCE),
        ([item(), item(0.0)], RELEVANCE | SENTENCES),
        ([item(None, None)], RELEVANCE | SENTENCES),
        ([sourced(item(), codes_only=True)], (RELEVANCE | SENTENCES) - {"omission F1"}),
        (
            [item(truth=replace(TRUTH, voices=np.full(4, UNKNOWN)))],
            (RELEVANCE | SENTENCES) - {"voice macro-F1"},
        ),
        ([item(), item(0.0, 0.1), item(-1.0, -0.3)], RELEVANCE | SENTENCES | TONE),
    ],
)
def test_what_cannot_be_measured_is_missing(judged: list[Judged], measured: set[str]) -> None:
    assert figures(judged, RESIDUALS).keys() - {"articles", "sentences"} == measured


def test_marks_of_articles_are_joined_in_order() -> None:
    both = joined([TRUTH, SAID.rows([1, 2])])
    assert (both.families.tolist(), both.voices.tolist(), both.codes.shape, both.facts.shape) == (
        [VIGILANT, OPTIMISTIC, VIGILANT, NEUTRAL, OPTIMISTIC, VIGILANT],
        [OWN, OWN, BARE, UNKNOWN, OWN, DISTANCED],
        (6, 2),
        (6, 2),
    )


def told(story: str, language: str, tone: float | None) -> Judged:
    return sourced(item(ours=tone), id=story.format(language), language=language)


def test_the_parity_gap_is_the_mean_over_all_pairs_of_languages_of_each_story() -> None:
    first = [told("p1-{}-01", language, tone) for language, tone in (("en", 0.5), ("ja", 0.1), ("ru", 0.3))]
    second = [told("p1-{}-02", language, tone) for language, tone in (("en", -0.2), ("ja", 0.6))]
    assert parity_gap([*first, *second]) == pytest.approx((0.4 + 0.2 + 0.2 + 0.8) / 4)


def test_a_story_told_once_or_without_a_tone_has_no_gap() -> None:
    once = [told("p1-{}-01", "en", 0.5), told("p1-{}-02", "ja", 0.1), told("p2-{}-01", "ru", 0.2)]
    assert math.isnan(parity_gap([*once, told("p1-{}-02", "ru", None)]))


def test_an_evaluation_has_the_figures_of_each_group_and_of_all() -> None:
    japanese = sourced(item(), language="ja")
    single = replace(sourced(item(), language="ru"), single=True)
    found = evaluation("Test", [item(), item(0.5), japanese, single], HEADS)
    assert {group: values["articles"] for group, values in found.groups.items()} == {"en": 2, "ja": 1, ALL: 3}


def test_articles_can_be_grouped_by_length_register_and_tone() -> None:
    long = sourced(item(0.5), paragraphs=(tuple(LabelledPassage(text=f"{n}.") for n in range(16)),), kind="")
    items = [item(), replace(long, shares=np.tile(SHARES, (5, 1))[:17])]
    many = replace(items[1], truth=joined([TRUTH] * 5).rows(range(17)), said=joined([SAID] * 5).rows(range(17)))
    groups = [
        sorted(evaluation("Test", [items[0], many, IRRELEVANT], HEADS, by).groups)
        for by in ("length", "register", "tone")
    ]
    assert groups == [
        [ALL, "more than 15 sentences", "up to 6 sentences"],
        [ALL, "report", "unknown"],
        ["+0.5", "+1.0", ALL, "irrelevant"],
    ]
