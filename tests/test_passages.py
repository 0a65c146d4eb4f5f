from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.codebook import home
from config.corpus import load_corpus
from pipeline.analyse.passages import split
from pipeline.records import Passage

DATA = Path(__file__).parent / "data"
SAMPLE = Path(__file__).parents[1].parent / "shared" / "sample" / "articles.jsonl"
LANGUAGES = ("en", "ja", "ru", "und")

SIGNS = "\"'«»“”„「」『』（）()[]【】.。．｡!?！？…,、;:—–-\n\r\t \u3000\u00a0\u200b\u2028\ufe0f\u0301"
WORDS = st.sampled_from(
    [
        "Mr",
        "U.S",
        "г",
        "т. е",
        "в 1956",
        "A",
        "А",
        "The",
        "Он",
        "3.5",
        "Yahoo!",
        "[1]",
        "です",
        "島",
        "と",
        "―",
        "a",
        "я",
        "🙂",
    ]
)
TEXTS = st.one_of(
    st.text(),
    st.text(alphabet=SIGNS + "aBяЯあ島1", max_size=120),
    st.lists(st.one_of(WORDS, st.sampled_from(SIGNS)), max_size=60).map("".join),
)


def cases() -> Iterator[tuple[str, str]]:
    """Language and text, ‖ where it is cut."""
    for language in ("en", "ja", "ru"):
        for line in (DATA / f"sentences.{language}.txt").read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("# "):
                yield language, line


def sentences(text: str, language: str) -> list[str]:
    return [passage.text for passage in split("", text, language)]


def octets(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def is_sound(passages: tuple[Passage, ...], parts: dict[str, str]) -> bool:
    """Offsets are exact, ordered and apart, and only white space lies between them."""
    for part, source in parts.items():
        outside, at = "", 0
        for passage in (passage for passage in passages if passage.part == part):
            outside += source[at : passage.start]
            if passage.start < at or source[passage.start : passage.end] != passage.text:
                return False
            if not passage.text or passage.text != passage.text.strip():
                return False
            at = passage.end
        if (outside + source[at:]).strip():
            return False
    return [passage.position for passage in passages] == list(range(len(passages)))


@pytest.mark.parametrize(("language", "line"), list(cases()))
def test_text_is_cut_where_a_reader_would_cut_it(language: str, line: str) -> None:
    assert sentences(line.replace("‖", ""), language) == [piece.strip() for piece in line.split("‖")]


def test_the_title_comes_first_and_whole() -> None:
    assert split("  Talks go on. Or not? ", "One. Two.", "en") == (
        Passage(position=0, part="title", start=2, end=22, text="Talks go on. Or not?"),
        Passage(position=1, part="text", start=0, end=4, text="One."),
        Passage(position=2, part="text", start=5, end=9, text="Two."),
    )


def test_a_blank_title_is_no_passage() -> None:
    assert split(" \n", "One.", "en") == (Passage(position=0, part="text", start=0, end=4, text="One."),)


def test_an_empty_article_has_no_passages() -> None:
    assert split("", "\u3000\n ", "ja") == ()


def test_lines_are_cut_even_without_a_mark() -> None:
    assert sentences("主張\n日本の立場は\r\n\r\n変わらない。\u2028次", "ja") == [
        "主張",
        "日本の立場は",
        "変わらない。",
        "次",
    ]


def test_an_unclosed_bracket_is_forgotten_at_the_end_of_the_paragraph() -> None:
    assert sentences("首相は「交渉は続く。\n条約はない。島もない。", "ja") == [
        "首相は「交渉は続く。",
        "条約はない。",
        "島もない。",
    ]


def test_hard_wrapped_lines_are_one_paragraph() -> None:
    text = (
        "President Putin told the heads of the world's news agencies on Friday\n"
        "that talks on a peace treaty with Japan must go on. He was\n"
        "asked whether the constitution, changed in 2020, forbids them. Tokyo\nkept silent."
    )
    assert [" ".join(sentence.split()) for sentence in sentences(text, "en")] == [
        "President Putin told the heads of the world's news agencies on Friday that talks on a peace treaty "
        "with Japan must go on.",
        "He was asked whether the constitution, changed in 2020, forbids them.",
        "Tokyo kept silent.",
    ]


def test_hard_wrapped_japanese_lines_are_one_paragraph() -> None:
    text = (
        "平和条約交渉を継続する方針に変わりはないと述べた。首相は\n"
        "会談後、四島の帰属の問題を解決して平和条約を締結するとい\nう方針を説明した。"
    )
    assert len(sentences(text, "ja")) == 2


def test_lines_of_a_list_are_kept_apart() -> None:
    lines = ["- Milk and honey from Hokkaido", "- Fish and crabs from Nemuro", "- Salmon"]
    assert sentences("\n".join(lines), "en") == lines


def test_a_long_sentence_is_cut_at_its_clauses() -> None:
    clause = "Россия и Япония ведут переговоры, "
    pieces = split("", clause * 40, "ru", max_tokens=100)
    assert {piece.text[-1] for piece in pieces} == {","}


def test_a_long_japanese_quotation_is_cut_at_the_sentences_inside() -> None:
    text = "「" + "島の帰属を決めずに条約はない。" * 6 + "」と述べた。"
    first, *_ = split("", text, "ja", max_tokens=50)
    assert first.text == "「" + "島の帰属を決めずに条約はない。" * 3


def test_a_word_without_spaces_is_cut_between_whole_characters() -> None:
    pieces = split("", "e\u0301" * 100, "en", max_tokens=5)
    assert not any(piece.text.startswith("\u0301") for piece in pieces)


@given(TEXTS, TEXTS, st.sampled_from(LANGUAGES))
@settings(max_examples=400, deadline=None)
def test_any_text_is_covered_exactly(title: str, text: str, language: str) -> None:
    assert is_sound(split(title, text, language), {"title": title, "text": text})


@given(TEXTS, st.sampled_from(LANGUAGES), st.integers(min_value=1, max_value=40))
@settings(max_examples=300, deadline=None)
def test_no_passage_is_longer_than_the_model_reads(text: str, language: str, most: int) -> None:
    passages = split(text, text, language, count_tokens=octets, max_tokens=most)
    assert is_sound(passages, {"title": text, "text": text})
    assert all(octets(passage.text) <= most or len(passage.text) == 1 for passage in passages)


HOSTILE = [
    *(
        '"',
        "「",
        "」",
        "「」",
        "(",
        ")",
        ".",
        "。",
        " ",
        "\n",
        "a\n",
        "．",
        "\u200d",
        "e\u0301",
        "。\u200b",
        "― ",
    ),
    *(
        "A. ",
        "а. А",
        "в 1956 г. Я",
        "U.S. A",
        '"A" ',
        "!? ",
        "。」",
        "1. ",
        "— ",
        "». ",
        "a.Bc ",
        "[1].",
        "… A",
    ),
    *(
        "「。",
        "「あ。」",
        "「a」",
        '("a. B.")',
        '?" A b c d ',
        "x (A. B) ",
        "(Kyodo",
        "あ「い。う」――",
        "T, 5 июня. ",
    ),
    "a" * 70 + "\n",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    began = time.process_time()
    for language in ("en", "ja"):
        split(text[:1000], text, language)
    assert time.process_time() - began < 2


def test_the_coders_sentences_of_the_sample_are_found() -> None:
    if not SAMPLE.exists():
        pytest.skip("the shared sample articles are not here")
    articles = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    cut = {article["id"]: sentences(article["text"], article["lang"]) for article in articles}
    assert cut == {article["id"]: [sentence["text"] for sentence in article["sentences"]] for article in articles}


@pytest.mark.parametrize("language", ["en", "ja", "ru"])
def test_the_corpus_is_cut_as_its_writers_did(language: str) -> None:
    corpus = load_corpus() if home().joinpath("corpus").is_dir() else ()
    articles = [article for article in corpus if article.language == language and article.title is not None]
    if not articles:
        pytest.skip(f"the labelled corpus in {language!r} is not here")
    agreed = cut = written = 0
    for article in articles:
        ends, at = set(), 0
        for sentence in (sentence for paragraph in article.paragraphs for sentence in paragraph):
            at = article.text.index(sentence.text, at) + len(sentence.text)
            ends.add(at)
        found = {passage.end for passage in split("", article.text, language)}
        agreed, cut, written = agreed + len(ends & found), cut + len(found), written + len(ends)
    # Broadcast transcripts of the corpus run 「…」 after 「…」 within a paragraph; pages give each speaker a line.
    assert min(agreed / cut, agreed / written) >= 0.975
