"""From coded passages to a tone with an interval."""

from __future__ import annotations

import numpy as np
import pytest

from config.codebook import load_codebook
from config.settings import load
from pipeline.analyse.embed import HashingEmbedder
from pipeline.analyse.judge import Judge
from pipeline.analyse.score import credulity, interval, quantile
from pipeline.records import Article, CodedPassage, Family, Passage, Score, Voice
from tests.samples import untrained_heads

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
    assert hopeful.credulity > wary.credulity == 0


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


@pytest.fixture(scope="module")
def untrained() -> Judge:
    """A judge whose heads have learnt nothing: what it finds is arbitrary, how it puts it together is not."""
    codebook = load_codebook()
    return Judge(HashingEmbedder(), untrained_heads(codebook), codebook, load(environ={}))


ARTICLES = [
    article("Putin holds out hand to Japan", HOPEFUL),
    article("Beware the bait", WARY),
    article("", WARY),
    article("平和条約", "プーチン大統領は日本との平和条約に意欲を示した。島には触れなかった。", "ja"),
    article("Мирный договор", "Путин заявил о мирном договоре с Японией. Об островах он молчал.", "ru"),
]


def scored(judge: Judge, given: Article) -> Score:
    score = judge.judge(given).score
    assert score is not None
    return score


@pytest.mark.parametrize("given", ARTICLES)
def test_a_score_keeps_to_its_scales(untrained: Judge, given: Article) -> None:
    score = scored(untrained, given)
    assert -1 <= score.interval[0] <= score.tone <= score.interval[1] <= 1
    assert score.expected_error >= 0.1
    assert [0 <= share <= 1 for share in (score.outlook, score.scrutiny, score.credulity)] == [True] * 3


@pytest.mark.parametrize("given", ARTICLES)
def test_the_interval_is_the_expected_error_times_the_quantile_of_the_residuals(
    untrained: Judge, given: Article
) -> None:
    score = scored(untrained, given)
    half_width = score.expected_error * quantile(untrained.heads.residuals, 0.8)
    wanted = max(-1, score.tone - half_width), min(1, score.tone + half_width)
    assert score.interval == (pytest.approx(wanted[0], abs=0.0005), pytest.approx(wanted[1], abs=0.0005))


@pytest.mark.parametrize("given", ARTICLES)
def test_every_fact_is_either_omitted_or_given_first_where_the_score_says(untrained: Judge, given: Article) -> None:
    score = scored(untrained, given)
    first = {
        fact: min(c.passage.position for c in score.coded if fact in c.facts) for c in score.coded for fact in c.facts
    }
    assert (score.given, {*score.omitted, *score.given}) == (first, {*load_codebook().facts})
    assert not {*score.omitted} & {*score.given}


@pytest.mark.parametrize("given", ARTICLES)
def test_a_passage_leans_exactly_if_it_says_why(untrained: Judge, given: Article) -> None:
    codes = load_codebook().codes
    wrong = [
        passage
        for passage in scored(untrained, given).coded
        if bool(passage.codes) != (passage.family != "neutral")
        or (passage.codes and passage.family not in {codes[code].family for code in passage.codes})
        or list(passage.codes.values()) != sorted(passage.codes.values(), reverse=True)
        or not all(0 < strength <= 1 for strength in passage.codes.values())
    ]
    assert wrong == []


@pytest.mark.parametrize("given", ARTICLES)
def test_the_score_names_each_code_with_its_greatest_strength(untrained: Judge, given: Article) -> None:
    score = scored(untrained, given)
    strengths = [(code, strength) for passage in score.coded for code, strength in passage.codes.items()]
    assert score.codes == {code: max(s for c, s in strengths if c == code) for code, _ in strengths}
    assert list(score.codes.values()) == sorted(score.codes.values(), reverse=True)


@pytest.mark.parametrize("given", ARTICLES)
def test_the_credulity_follows_from_tone_voices_and_facts_omitted(untrained: Judge, given: Article) -> None:
    score = scored(untrained, given)
    wanted = credulity(score.tone, score.coded, len(score.omitted) / len(load_codebook().facts))
    assert score.credulity == pytest.approx(wanted, abs=0.0002)


def test_an_unusual_article_is_scored_and_says_so(untrained: Judge) -> None:
    assert [scored(untrained, given).unusual for given in ARTICLES] == [(), (), (), ("short",), ("short",)]


def test_a_judgement_does_not_depend_on_the_one_before(untrained: Judge) -> None:
    first = [untrained.judge(given).score for given in ARTICLES]
    assert [untrained.judge(given).score for given in ARTICLES[::-1]] == first[::-1]


def test_news_of_other_things_is_not_scored(untrained: Judge) -> None:
    judgement = untrained.judge(article("Sourdough for beginners", "Mix flour and water. Wait a day. Bake it hot."))
    assert (judgement.relevance.relevant, judgement.embedded, judgement.score) == (False, None, None)


def test_an_article_that_the_screen_refuses_keeps_its_vectors_and_has_no_score() -> None:
    codebook, settings = load_codebook(), load(flags=["screen.threshold=0.99"], environ={})
    judgement = Judge(HashingEmbedder(), untrained_heads(codebook), codebook, settings).judge(ARTICLES[1])
    assert (judgement.relevance.reason, judgement.score) == ("not_about_the_talks", None)
    assert judgement.embedded is not None


def passages(*voiced: tuple[Family, Voice]) -> tuple[CodedPassage, ...]:
    return tuple(
        CodedPassage(
            passage=Passage(position=number, part="text", start=0, end=1, text="x"),
            family=family,
            codes={},
            voice=voice,
            leanings=(0.0, 0.0, 1.0),
        )
        for number, (family, voice) in enumerate(voiced)
    )


OWN, BARE, DISTANCED, WARY_OWN, NEUTRAL = (
    ("optimistic", "own"),
    ("optimistic", "quoted_bare"),
    ("optimistic", "quoted_distanced"),
    ("vigilant", "own"),
    ("neutral", "own"),
)


@pytest.mark.parametrize(
    ("tone", "voiced", "omitted", "wanted"),
    [
        (1.0, [OWN], 1.0, 1.0),
        (0.8, [OWN, BARE], 0.5, 0.4),
        (0.8, [OWN, BARE, DISTANCED, DISTANCED], 0.5, 0.2),
        (0.8, [BARE, DISTANCED, DISTANCED], 0.75, 0.2),
        (0.8, [OWN, WARY_OWN, NEUTRAL, ("vigilant", "quoted_distanced")], 0.5, 0.4),  # only optimistic passages count
        (0.8, [DISTANCED], 1.0, 0.0),
        (0.8, [WARY_OWN, NEUTRAL], 1.0, 0.0),
        (0.8, [OWN], 0.0, 0.0),
        (0.0, [OWN], 1.0, 0.0),
        (-0.8, [OWN], 1.0, 0.0),
    ],
)
def test_credulity_is_hope_on_words_left_standing_with_facts_left_out(
    tone: float, voiced: list[tuple[Family, Voice]], omitted: float, wanted: float
) -> None:
    assert credulity(tone, passages(*voiced), omitted) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("tone", "half_width", "wanted"),
    [
        (0.1, 0.3, (-0.2, 0.4)),
        (0.9, 0.3, (0.6, 1.0)),
        (-0.9, 0.3, (-1.0, -0.6)),
        (0.0, np.inf, (-1.0, 1.0)),
        (0.5, 0.0, (0.5, 0.5)),
        (0.123456, 0.1, (0.0235, 0.2235)),
    ],
)
def test_an_interval_stays_on_the_scale(tone: float, half_width: float, wanted: tuple[float, float]) -> None:
    assert interval(tone, half_width) == wanted


@pytest.mark.parametrize(
    ("count", "coverage", "rank"),
    [
        (19, 0.9, 18),  # the ceil(20 x 0.9)-th
        (19, 0.95, 19),
        (19, 0.8, 16),
        (99, 0.55, 55),  # although 100 x 0.55 comes out just above 55
        (1, 0.5, 1),
        (3, 0.01, 1),
    ],
)
def test_the_quantile_is_the_conformal_one(count: int, coverage: float, rank: int) -> None:
    errors = np.random.default_rng(1).permutation(np.arange(1, count + 1)).astype(np.float32)
    assert quantile(errors, coverage) == rank


@pytest.mark.parametrize(("count", "coverage"), [(19, 0.99), (3, 0.8), (0, 0.5)])
def test_too_few_errors_promise_nothing(count: int, coverage: float) -> None:
    assert quantile(np.ones(count, np.float32), coverage) == np.inf
