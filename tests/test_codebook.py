"""The codebook and its labelled corpus."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from config.codebook import home, load_codebook
from config.corpus import load_corpus
from config.invalid import InvalidSettings
from pipeline.records import Voice


def test_it_has_the_sixteen_codes_in_two_families_and_eight_facts() -> None:
    book = load_codebook()
    assert (len(book.of_family("optimistic")), len(book.of_family("vigilant")), len(book.facts)) == (7, 9, 8)


def test_every_code_has_exemplars_and_counter_exemplars_in_every_language() -> None:
    book = load_codebook()
    lacking = [
        (code.id, language)
        for code in book.codes.values()
        for language in book.languages
        if not code.exemplars[language] or not code.counter[language]
    ]
    assert lacking == []


def test_the_corpus_has_at_least_25_passages_for_each_code_and_language() -> None:
    book = load_codebook()
    counts = Counter((a.language, code) for a in load_corpus() for passage in a.passages() for code in passage.codes)
    assert [(k, n) for k in book.languages for code in book.codes if (n := counts[k, code]) < 25] == []


def test_labels_are_those_of_the_codebook_and_sentences_lie_in_their_article() -> None:
    book, voices = load_codebook(), set(Voice.__args__)
    faults = [
        (article.id, passage.text)
        for article in load_corpus()
        for passage in article.passages()
        if {*passage.codes} - book.codes.keys()
        or {*passage.facts} - book.facts.keys()
        or (passage.voice is None) != (not passage.codes)
        or (passage.voice and passage.voice not in voices)
        or (passage is not article.title and passage.text not in article.text)
    ]
    assert faults == []


def test_irrelevant_articles_have_neither_tone_nor_codes() -> None:
    wrong = [
        article.id
        for article in load_corpus()
        if not article.relevant and (article.tone is not None or any(p.codes for p in article.passages()))
    ]
    assert wrong == []


def test_no_sentence_of_the_corpus_occurs_twice() -> None:
    sentences = (p for article in load_corpus() for paragraph in article.paragraphs for p in paragraph)
    counts = Counter(p.text for p in sentences if len(p.text) > 40)
    assert [text for text, n in counts.items() if n > 1] == []


def test_a_codebook_that_lacks_something_is_a_clear_error(tmp_path: Path) -> None:
    text = home().joinpath("codebook.toml").read_text(encoding="utf-8")
    (tmp_path / "codebook.toml").write_text(text.replace('family = "vigilant"', 'family = "wary"'), encoding="utf-8")
    with pytest.raises(InvalidSettings, match="'territory_central' names the unknown family 'wary'"):
        load_codebook(tmp_path)


def test_a_broken_corpus_line_names_its_place(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "en.jsonl").write_text('{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(InvalidSettings, match=r"en\.jsonl:1"):
        load_corpus(folder=tmp_path)
