from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.codebook import home
from config.corpus import load_corpus
from pipeline.analyse.gate import Gate, normalised

SAMPLE = Path(__file__).parents[1].parent / "shared" / "sample" / "articles.jsonl"
GATE = Gate.from_terms()


def reason(text: str, language: str = "en", title: str = "") -> str:
    return GATE.matches(title, text, language).reason


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Tokyo and Moscow will resume talks on a long-elusive post-World War II peace treaty."),
        ("en", "Abe told Lavrov that the Habomai islets and Etorofu are Japan's."),
        ("en", "Tokyo protested to Medvedev over his trip to the SOUTHERN KURILES."),
        ("en", "Takaichi and the Kremlin differ on the 1956 Soviet-Japanese joint declaration."),
        ("en", "Japan lodged a protest over no-visa exchanges with Russian-held Kunashiri."),
        ("en", "Putin spoke of a treaty with Japan."),
        ("en", "The Northern Territories Day rally in Tokyo drew 500 people."),
        ("ja", "日ロ首脳会談で平和条約交渉を加速させることで一致した。"),
        ("ja", "北方領土の返還を求める全国大会が開かれ、首相が出席した。"),
        ("ja", "プーチン氏は島の引き渡しに応じない考えを示した。"),
        ("ja", "南クリール諸島をめぐり、大統領府は首相の発言に反発した。"),
        ("ja", "ｿ連は歯舞、色丹の引き渡しに同意した。"),
        ("ja", "ロシアとの平和\n条約をめざす首相は帰国した。"),
        ("ru", "Япония не откажется от мирного договора с Россией."),
        ("ru", "Токио настаивает: сначала Южные Кури\u0301лы, потом договор."),
        ("ru", "Японцам напомнили о Хабомаи и Шикотане, об Итурупе и Кунашире."),
        ("ru", "Речь о «мирном» послевоенном договоре с японцами."),
        ("ru", "О договоре о мире с Японией говорили в МИД."),
        ("ru", "Кисида и Путин вспомнили о Совместной декларации 1956 года."),
        ("ja", "プーチン氏は条約に触れなかった。"),
        ("ru", "Самураям островов не видать, да и договор им ни к чему."),
        ("en", "Лавров said that 平和条約 with Japan is far."),
    ],
)  # fmt: skip
def test_articles_on_the_talks_pass(language: str, text: str) -> None:
    assert reason(text, language) == "passed"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Moscow offered Kyiv a peace treaty.", "no_japan"),
        ("en", "Armenia and Azerbaijan initialled a peace treaty in Washington.", "no_japan"),
        ("en", "Japan and China marked the anniversary of their peace treaty.", "no_russia"),
        ("en", "Japan and Russia agreed on salmon quotas.", "no_subject"),
        ("en", "The Abelian group of Morisson is a treatise.", "no_japan"),
        ("ja", "日本と中国は平和友好条約の記念式典を開いた。", "no_russia"),
        ("ja", "日ロのサケ・マス交渉が妥結した。", "no_subject"),
        ("ja", "プーチン氏はウクライナの大統領と電話で話した。", "no_subject"),
        ("ru", "Угроза цунами на Итурупе снята.", "no_japan"),
        ("ru", "Россия и Украина обсудили мирный договор.", "no_japan"),
        ("ru", "Япония и Россия поспорили о квотах на сайру.", "no_subject"),
        ("en", "", "no_japan"),
    ],
)
def test_other_articles_are_told_what_they_lack(language: str, text: str, expected: str) -> None:
    assert reason(text, language) == expected


def test_words_count_wherever_they_stand() -> None:
    assert GATE.matches("Putin keeps door open to Japan", "He is for a treaty.", "en").passed


def test_a_weak_word_counts_only_near_both_sides() -> None:
    assert (
        reason("Japan and Russia met. " + "The weather was fine. " * 30 + "Another treaty was signed.") == "no_subject"
    )


def test_terms_are_named_once_whatever_their_form() -> None:
    result = GATE.matches("Курилы", "Kurile Islands, 千島列島, курильский. Japan. Japanese. Россия.", "en")
    assert result.terms == ("Japan", "Russia", "Kuril Islands", "islands")
    assert result.subjects == ("Kuril Islands", "islands")


def test_width_case_accents_and_breaks_make_no_difference() -> None:
    assert normalised("ＰＵＴＩＮ Кури\u0301лы Hokkaidō 平和\n条約 Ёж Пуши\u00adстый") == normalised(
        "putin курилы hokkaido 平和条約 еж пушистый"
    )


def test_a_list_can_be_given_as_data() -> None:
    terms = [
        {"name": "A", "shows": ["japan", "russia"], "en": ["alpha*"]},
        {"name": "B", "shows": ["subject"], "en": ["be ~ ta"]},
    ]
    gate = Gate.from_terms({"near": 10, "term": terms})
    assert gate.matches("", "Alphabet, be one two three four ta", "en").terms == ("A", "B")
    assert gate.matches("", "Alphabet, be one two three four five ta", "en").reason == "no_subject"


def test_a_list_can_be_given_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(
        'near = 5\n[[term]]\nname = "A"\nshows = ["japan", "russia", "subject"]\nen = ["alpha"]\n',
        encoding="utf-8",
    )
    assert Gate.from_terms(file).matches("alpha", "", "en").passed


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ({"name": "A", "shows": ["china"], "en": ["x"]}, "term 'A' shows the unknown china"),
        ({"name": "A", "shows": ["japan"]}, "term 'A' has no pattern"),
        ({"name": "A", "shows": ["japan"], "en": ["~ *"]}, "pattern '~ *': has no word"),
    ],
)
def test_a_faulty_list_is_refused_by_name(term: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        Gate.from_terms({"near": 5, "term": [term]})


@given(st.text(), st.text(), st.sampled_from(["en", "ja", "ru", "und"]))
def test_any_text_gets_an_answer(title: str, text: str, language: str) -> None:
    result = GATE.matches(title, text, language)
    assert result.passed == (result.reason == "passed")


@pytest.mark.parametrize(
    "piece", ["treaty ", "peace ", "Japan Russia treaty ", "мирн", "мирный ", "島", "island ", "u.s.s.r."]
)
def test_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    began = time.process_time()
    GATE.matches("", (piece * 100_000)[:100_000], "en")
    assert time.process_time() - began < 2


def test_no_relevant_article_of_the_sample_is_lost() -> None:
    if not SAMPLE.exists():
        pytest.skip("the shared sample articles are not here")
    articles = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    relevant = [article for article in articles if article["relevant"]]
    assert [a["id"] for a in relevant if not GATE.matches(a["title"], a["text"], a["lang"]).passed] == []


def test_hardly_a_relevant_article_of_the_corpus_is_lost() -> None:
    if not home().joinpath("corpus").is_dir():
        pytest.skip("the labelled corpus is not here")
    relevant = [(a, a.title) for a in load_corpus() if a.relevant and a.title is not None]
    lost = [a.id for a, title in relevant if not GATE.matches(title.text, a.text, a.language).passed]
    assert len(lost) <= 0.005 * len(relevant), lost  # those that name neither the treaty nor the islands
