"""From coded passages to a tone with an interval."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.analyse.judge import Judge
from pipeline.analyse.score import half_width
from pipeline.records import Article

HOPEFUL = (
    "Russian President Vladimir Putin said on Friday that Moscow sincerely wants a peace treaty with Japan. "
    "The door is open and the talks will go on, he told reporters with a smile. "
    "Officials in Tokyo welcomed the words as a breakthrough and expect a summit in the autumn."
)
WARY = (
    "Once more the Kremlin dangles a peace treaty before Japan, and once more the bait contains no islands. "
    "A treaty that leaves out the four islands is no peace treaty at all. "
    "Moscow wants Japanese money and technology, and it wants to drive a wedge between Tokyo and Washington. "
    "The talks have led nowhere for decades."
)


def article(title: str, text: str, language: str = "en") -> Article:
    return Article(url="test:1", outlet="Test", title=title, text=text, language=language, content_hash="0")


@pytest.mark.model
def test_a_credulous_report_scores_above_a_vigilant_one(judge: Judge) -> None:
    hopeful = judge.judge(article("Putin holds out hand to Japan", HOPEFUL)).score
    wary = judge.judge(article("Beware the bait", WARY)).score
    assert hopeful is not None
    assert wary is not None
    assert hopeful.tone > 0 > wary.tone
    assert hopeful.outlook > wary.outlook
    assert hopeful.scrutiny < wary.scrutiny


@pytest.mark.model
def test_every_piece_of_evidence_is_found_where_it_says(judge: Judge) -> None:
    given = article("Beware the bait", WARY)
    score = judge.judge(given).score
    assert score is not None
    fields = {"title": given.title, "text": given.text}
    wrong = [c for c in score.coded if fields[c.passage.part][c.passage.start : c.passage.end] != c.passage.text]
    assert wrong == []


@pytest.mark.model
def test_a_passage_has_codes_exactly_if_it_leans(judge: Judge) -> None:
    score = judge.judge(article("Beware the bait", WARY)).score
    assert score is not None
    assert [c for c in score.coded if bool(c.codes) != (c.family != "neutral")] == []


@pytest.mark.model
def test_the_same_text_gets_the_same_judgement_whatever_came_before(judge: Judge) -> None:
    first = judge.judge(article("Beware the bait", WARY))
    judge.judge(article("Putin holds out hand to Japan", HOPEFUL))
    second = judge.judge(article("Beware the bait", WARY))
    assert (first.score, first.relevance) == (second.score, second.relevance)


@pytest.mark.model
def test_the_interval_holds_the_tone_within_the_scale(judge: Judge) -> None:
    score = judge.judge(article("Beware the bait", WARY)).score
    assert score is not None
    assert -1 <= score.interval[0] <= score.tone <= score.interval[1] <= 1


@pytest.mark.model
@pytest.mark.parametrize(
    ("title", "text", "language"),
    [
        ("Quake off Iturup", "A magnitude 6 earthquake struck off Iturup. Nobody in Japan or Russia was hurt.", "en"),
        ("Sourdough for beginners", "Mix flour and water. Wait a day. Bake it hot.", "en"),
    ],
)
def test_other_news_is_not_relevant_and_has_no_score(judge: Judge, title: str, text: str, language: str) -> None:
    judgement = judge.judge(article(title, text, language))
    assert (judgement.relevance.relevant, judgement.score) == (False, None)


@pytest.mark.model
def test_an_article_without_a_title_is_judged(judge: Judge) -> None:
    assert judge.judge(article("", WARY)).score is not None


def test_the_half_width_is_the_conformal_quantile_of_the_errors() -> None:
    errors = np.arange(1, 20, dtype=np.float32) / 100  # 19 errors: 0.01 .. 0.19
    assert half_width(errors, 0.9) == pytest.approx(0.18)  # the ceil(20 * 0.9) = 18th
    assert half_width(errors, 0.99) == 2.0  # too few errors to promise that much
