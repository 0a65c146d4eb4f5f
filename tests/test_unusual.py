"""Articles unlike those that the heads have learnt from."""

from __future__ import annotations

import pytest

from config.corpus import load_corpus
from pipeline.analyse.unusual import unusual
from pipeline.records import Article
from pipeline.train.corpus import bare

ORDINARY = {
    "en": (
        "The Kremlin said on Friday that it was ready to go on with the talks on a peace treaty with Japan, and that "
        "the door was open.\n\nOfficials in Tokyo were cautious: the islands, they said, had not been mentioned at "
        "all, and the constitution of 2020 forbids any Russian government to give up land."
    ),
    "ja": (
        "ロシア大統領府は金曜日、日本との平和条約交渉を続ける用意があると述べ、対話の扉は開かれていると強調した。\n\n"
        "東京の政府関係者は慎重な見方を崩していない。島の問題には一言も触れられておらず、二〇二〇年の憲法改正で領土の"
        "割譲は禁じられたと関係者は指摘する。交渉の先行きは見通せないままだ。"
    ),
    "ru": (
        "В Кремле в пятницу заявили, что готовы продолжать переговоры с Японией о мирном договоре и что дверь для "
        "диалога остаётся открытой.\n\nВ Токио к этим словам отнеслись осторожно: об островах, отметили там, не было "
        "сказано ни слова, а поправка к конституции 2020 года запрещает отчуждать российскую территорию."
    ),
}
TURNS = {
    "en": ("Reporter: Will there be a treaty?", "Lavrov: We are for a treaty, and have always been for it."),
    "ja": ("記者：条約の見通しはいかがでしょうか。", "長官：交渉の中身についてはお答えを差し控えます。"),
    "ru": ("— Будет ли подписан договор?", "— Мы выступаем за договор и всегда за него выступали."),
}
LANGUAGES = tuple(ORDINARY)


def article(text: str, language: str) -> Article:
    return Article(url="test:1", outlet="", title="", text=text, language=language, content_hash="0")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_ordinary_article_is_not_unusual(language: str) -> None:
    assert unusual(article(ORDINARY[language], language)) == ()


def test_no_article_of_the_corpus_is_unusual() -> None:
    assert [source.id for source in load_corpus() if source.title is not None and unusual(bare(source))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_piece_of_a_sentence_or_two_is_short(language: str) -> None:
    first, _, _ = ORDINARY[language].partition("\n")
    assert unusual(article(first, language)) == ("short",)


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("word " * 39, "en", ("short",)),
        ("word " * 40, "en", ()),
        ("слово " * 39, "ru", ("short",)),
        ("слово " * 40, "ru", ()),
        ("島" * 99 + "。" * 50, "ja", ("short",)),  # signs are no characters to read
        ("島" * 100, "ja", ()),
    ],
)
def test_short_begins_below_forty_words_or_a_hundred_japanese_characters(
    text: str, language: str, found: tuple[str, ...]
) -> None:
    assert unusual(article(text, language)) == found


@pytest.mark.parametrize("language", LANGUAGES)
def test_question_and_answer_is_a_transcript(language: str) -> None:
    assert unusual(article("\n".join([*TURNS[language]] * 8), language)) == ("transcript",)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_quoted_exchange_in_a_report_is_no_transcript(language: str) -> None:
    paragraphs = ORDINARY[language].split("\n\n") * 4
    assert unusual(article("\n\n".join([*paragraphs, *TURNS[language]]), language)) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_five_turns_are_too_few_for_a_transcript(language: str) -> None:
    long = [turn * 6 for turn in (*TURNS[language], *TURNS[language], TURNS[language][0])]
    assert unusual(article("\n".join(long), language)) == ()


@pytest.mark.parametrize(("written", "said"), [(w, s) for w in LANGUAGES for s in LANGUAGES if w != s])
def test_a_text_in_another_script_than_its_language_s_is_of_another_language(written: str, said: str) -> None:
    assert unusual(article(ORDINARY[written] * 3, said))[0] == "other_language"


@pytest.mark.parametrize("language", LANGUAGES)
def test_foreign_names_do_not_make_another_language(language: str) -> None:
    names = {"en": "平和条約 (мирный договор)", "ja": "TASS, RIA Novosti", "ru": "Nikkei Asia, Kyodo News"}
    assert unusual(article(f"{ORDINARY[language]} {names[language]}", language)) == ()


def test_an_article_can_be_unusual_in_several_ways() -> None:
    lines = ["— Да?", "— Нет."] * 4
    assert unusual(article("\n".join(lines), "en")) == ("other_language", "short", "transcript")


@pytest.mark.parametrize("text", ["", " \n ", "1956 2020 1978", "🙂" * 300])
def test_a_text_without_letters_is_short_and_of_no_other_language(text: str) -> None:
    assert unusual(article(text, "en")) == ("short",)
