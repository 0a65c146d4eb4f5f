"""How far two coders agree, on pairs small enough to count by hand, and the labels that ship."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.codebook import load_codebook
from config.corpus import LabelledArticle, LabelledPassage, load_corpus
from pipeline.train.agreement import agreement, paired
from tests.samples import labelled

CODEBOOK = load_codebook()


def one(*codes: str, voice: str = "own", facts: tuple[str, ...] = ()) -> LabelledPassage:
    return LabelledPassage(text="x", codes=codes, voice=voice if codes else None, facts=facts)


def article(number: int, *sentences: LabelledPassage, tone: float | None = 1.0) -> LabelledArticle:
    return labelled(*sentences, id=f"en1-{number}", tone=tone, relevant=tone is not None)


FIRST = [
    article(1, one("face_value"), one("deadlock_stated", voice="quoted_bare"), one(facts=("islands",)), tone=1.0),
    article(2, one("china_card"), tone=-1.0),
    article(3, one(), tone=None),
    article(4, one(), tone=None),
]
SECOND = [
    article(1, one("face_value"), one("deadlock_stated", "china_card"), one("face_value"), tone=0.5),
    article(2, one("china_card", facts=("islands", "alliance")), tone=-1.0),
    article(3, one(), tone=None),
    article(4, one("face_value"), tone=0.5),
]
PAIRS = paired(FIRST, SECOND)


def test_articles_are_paired_by_id_whatever_their_order_and_those_of_one_coder_are_left_out() -> None:
    pairs = paired(FIRST, [*SECOND[::-1], article(9, one())])
    assert [(a.id, b.id) for a, b in pairs] == [(f"en1-{n}", f"en1-{n}") for n in (4, 3, 2, 1)]


def test_the_agreement_is_the_one_worked_out_by_hand() -> None:
    found = agreement(PAIRS, CODEBOOK)
    facts = len(CODEBOOK.facts)
    assert found == {
        "articles": 4,
        "sentences": 4,  # of the two articles that both call relevant
        "relevance agreement": pytest.approx(3 / 4),
        # optimistic, vigilant, neutral, vigilant against optimistic, vigilant, optimistic, vigilant
        "family macro-F1": pytest.approx((2 / 3 + 1 + 0) / 3),
        # three optimistic, four vigilant, one neutral: (3 x 4 + 3 x 1 + 4 x 1) x 2 of 56 pairs differ by chance
        "family alpha": pytest.approx(1 - (1 / 4) / (38 / 56)),
        "code micro-F1": pytest.approx(2 * 3 / (3 + 5)),
        # own, bare, own against own, own, own
        "voice macro-F1": pytest.approx((4 / 5 + 0) / 2),
        # the first article: one fact given against none; the second: none against two
        "omission F1": pytest.approx(2 * (2 * facts - 3) / (4 * facts - 3)),
        # -1, -1 and 1, 0.5: values -1, 0.5 and 1 occur 2, 1 and 1 times; squared ordinal distances 2.25, 6.25 and 1
        "tone ordinal alpha": pytest.approx(1 - (2 * 1 / 4) / (2 * (2 * 2.25 + 2 * 6.25 + 1) / 12)),
        "tone mean absolute error": pytest.approx(0.25),
    }


def test_a_coder_agrees_with_herself() -> None:
    found = agreement(paired(FIRST, FIRST), CODEBOOK)
    assert {name: value for name, value in found.items() if value != 1} == {
        "articles": 4,
        "sentences": 4,
        "tone mean absolute error": 0,
    }


def test_titles_do_not_count() -> None:
    titled = [replace(a, title=one("deadlock_stated", facts=("motives",))) for a in SECOND]
    assert agreement(paired(FIRST, titled), CODEBOOK) == agreement(PAIRS, CODEBOOK)


RECODED = load_corpus("recoded")


def test_every_recoded_article_is_one_of_the_corpus_sentence_by_sentence() -> None:
    corpus = {article.id: article for article in load_corpus()}
    wrong = [
        article.id
        for article in RECODED
        if [[p.text for p in paragraph] for paragraph in article.paragraphs]
        != [[p.text for p in paragraph] for paragraph in corpus[article.id].paragraphs]
        or (article.title and article.title.text) != (corpus[article.id].title or one()).text
        or (article.language, article.date, article.outlet)
        != (corpus[article.id].language, corpus[article.id].date, corpus[article.id].outlet)
    ]
    assert wrong == []


def test_recoded_articles_have_another_coder_and_the_codebook_s_labels() -> None:
    found = [passage for article in RECODED for passage in article.sentences()]
    assert {article.author for article in RECODED} == {"second"}
    assert {code for passage in found for code in passage.codes} <= CODEBOOK.codes.keys()
    assert {fact for passage in found for fact in passage.facts} <= CODEBOOK.facts.keys()
    assert {bool(passage.voice) == bool(passage.codes) for passage in found} == {True}
    assert {(article.tone is None) == (not article.relevant) for article in RECODED} == {True}


def test_a_fifth_of_the_corpus_is_coded_twice() -> None:
    articles = [article for article in load_corpus() if article.title is not None]
    assert len(RECODED) >= len(articles) / 5


@pytest.mark.parametrize("language", CODEBOOK.languages)
def test_two_coders_agree_far_beyond_chance(language: str) -> None:
    found = agreement([pair for pair in paired(load_corpus(), RECODED) if pair[0].language == language], CODEBOOK)
    assert found["tone ordinal alpha"] > 0.8
    assert found["family alpha"] > 0.5
