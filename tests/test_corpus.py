"""Labelled texts: how they are read, and the arrays that training makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.codebook import load_codebook
from config.corpus import LabelledArticle, LabelledPassage, load_corpus, read_labelled
from config.invalid import InvalidSettings
from pipeline.records import FAMILIES, VOICES
from pipeline.train.corpus import UNKNOWN, Example, bare, examples, family_of, folds, voice_of
from pipeline.train.targets import known, targets
from tests.samples import labelled

SAMPLE = Path(__file__).parents[1].parent / "shared" / "sample" / "articles.jsonl"
LANGUAGES = load_codebook().languages
CODES, FACTS = tuple(load_codebook().codes), tuple(load_codebook().facts)
OURS = {
    "id": "ja1-001", "language": "ja", "author": "ja1", "outlet": "国民日報", "date": "2021-06-05", "kind": "report",
    "relevant": True, "tone": 0.5,
    "title": {"text": "対話の窓", "codes": ["rupture_averted"], "voice": "own"},
    "paragraphs": [
        [
            {"text": "対話は続く。", "codes": ["face_value"], "voice": "quoted_bare", "facts": ["islands"]},
            {"text": "雨だ。"},
        ],
        [{"text": "島は戻らない。"}],
    ],
}  # fmt: skip
SHEET = {
    "id": 7, "lang": "en", "outlet": "Herald", "date": "2021-06-05", "title": "An open door", "kind": "report",
    "text": "The door is open.  So he said.\n\nRain fell. Rain fell.", "relevant": 1, "tone": -1,
    "sentences": [
        {"text": "The door is open.", "codes": ["face_value", "rupture_averted"]}, {"text": "So he said.", "codes": []},
        {"text": "Rain fell.", "codes": []}, {"text": "Rain fell.", "codes": []},
    ],
}  # fmt: skip


def read(folder: Path, *rows: Any) -> list[LabelledArticle]:
    file = folder / "labels.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text("\n".join(lines), encoding="utf-8")
    return list(read_labelled(file))


def passage(text: str, *codes: str, voice: str | None = None, facts: tuple[str, ...] = ()) -> LabelledPassage:
    return LabelledPassage(text=text, codes=codes, voice=voice or ("own" if codes else None), facts=facts)


def test_our_form_is_read_whole(tmp_path: Path) -> None:
    assert read(tmp_path, OURS) == [
        LabelledArticle(
            id="ja1-001",
            language="ja",
            author="ja1",
            outlet="国民日報",
            date="2021-06-05",
            kind="report",
            relevant=True,
            tone=0.5,
            title=passage("対話の窓", "rupture_averted"),
            paragraphs=(
                (passage("対話は続く。", "face_value", voice="quoted_bare", facts=("islands",)), passage("雨だ。")),
                (passage("島は戻らない。"),),
            ),
        )
    ]


def test_the_coders_sheet_is_read_with_its_text_as_printed_and_its_tone_on_our_scale(tmp_path: Path) -> None:
    (article,) = read(tmp_path, SHEET)
    assert (article.id, article.language, article.author, article.relevant, article.tone, article.codes_only) == (
        "7",
        "en",
        "Herald",
        True,
        -0.5,
        True,
    )
    assert (article.text, article.title) == (SHEET["text"], LabelledPassage(text="An open door"))
    assert [(one.text, one.codes) for one in article.sentences()] == [
        ("The door is open.", ("face_value", "rupture_averted")),
        ("So he said.", ()),
        ("Rain fell.", ()),
        ("Rain fell.", ()),
    ]


def test_both_forms_may_stand_in_one_file_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    assert [article.id for article in read(tmp_path, "", OURS, "  ", SHEET, "")] == ["ja1-001", "7"]


@pytest.mark.parametrize("tone", [-2, -1, 0, 1, 2, None])
def test_steps_of_the_sheet_become_halves(tmp_path: Path, tone: int | None) -> None:
    assert read(tmp_path, {**SHEET, "tone": tone})[0].tone == (None if tone is None else tone / 2)


def test_japanese_sentences_are_joined_without_and_others_with_a_space(tmp_path: Path) -> None:
    texts = [read(tmp_path, {**OURS, "language": language})[0].text for language in LANGUAGES]
    spaced = "対話は続く。 雨だ。\n\n島は戻らない。"
    assert texts == [spaced, spaced.replace(" ", ""), spaced]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "3",
        "[1]",
        '"text"',
        "null",
        "{}",
        json.dumps({key: value for key, value in OURS.items() if key != "author"}),
        json.dumps({**OURS, "paragraphs": [["a sentence"]]}),
        json.dumps({**OURS, "paragraphs": 3}),
        json.dumps({**OURS, "title": "A title"}),
        json.dumps({key: value for key, value in SHEET.items() if key != "lang"}),
        json.dumps({**SHEET, "tone": "high"}),
        json.dumps({**SHEET, "text": "Another text."}),
        json.dumps({**SHEET, "sentences": SHEET["sentences"][::-1]}),  # type: ignore[index]
    ],
)
def test_a_line_that_is_no_labelled_article_is_named_by_file_and_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^labels\.jsonl:3: not a labelled article"):
        read(tmp_path, OURS, "", line, OURS)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "bytes.jsonl").write_bytes(b'{"id": "\xff"}')
    for name in ("bytes.jsonl", "none.jsonl"):
        with pytest.raises(InvalidSettings, match=name):
            list(read_labelled(tmp_path / name))


def test_a_folder_is_read_in_the_order_of_its_files(tmp_path: Path) -> None:
    for number, name in enumerate(("ru", "en", "ja")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({**OURS, "id": str(number)}), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no labels", encoding="utf-8")
    assert [article.id for article in load_corpus(tmp_path.name, tmp_path.parent)] == ["1", "2", "0"]


def test_the_sheet_s_sample_is_read() -> None:
    if not SAMPLE.is_file():
        pytest.skip("shared/sample is not here")
    articles = list(read_labelled(SAMPLE))
    sentences = [one for article in articles for one in article.sentences()]
    assert {(a.tone is not None) == a.relevant for a in articles} == {True}
    assert {code for one in sentences for code in one.codes} <= {*CODES}


def test_shipped_articles_have_ids_of_their_own_and_no_author_writes_in_two_languages() -> None:
    corpus = load_corpus()
    assert len({article.id for article in corpus}) == len(corpus)
    assert len({article.author for article in corpus}) == len({(a.author, a.language) for a in corpus})


def test_every_parity_story_is_told_once_in_every_language_with_one_tone() -> None:
    told: dict[str, list[LabelledArticle]] = {}
    for article in load_corpus("parity"):
        told.setdefault(article.id.replace(f"-{article.language}-", "-"), []).append(article)
    found = {(tuple(sorted(a.language for a in story)), len({a.tone for a in story})) for story in told.values()}
    assert found == {(LANGUAGES, 1)}


def test_no_parity_story_is_trained_on() -> None:
    trained = {p.text for article in load_corpus() for p in article.passages() if len(p.text) > 40}
    assert [p.text for article in load_corpus("parity") for p in article.passages() if p.text in trained] == []


@pytest.mark.parametrize(
    ("codes", "family"),
    [
        ((), "neutral"),
        (("face_value",), "optimistic"),
        (("deadlock_stated",), "vigilant"),
        (("face_value", "deadlock_stated"), "optimistic"),
        (("deadlock_stated", "face_value"), "vigilant"),
        (("face_value", "deadlock_stated", "china_card"), "vigilant"),
    ],
)
def test_the_family_is_that_of_most_codes_and_the_first_code_decides_a_tie(codes: tuple[str, ...], family: str) -> None:
    assert FAMILIES[family_of(passage("x", *codes), load_codebook())] == family


def test_a_voice_is_known_only_where_something_is_coded() -> None:
    coded = [passage("x", "face_value", voice=voice) for voice in VOICES]
    bare_ones = [passage("x"), LabelledPassage(text="x", voice="own"), LabelledPassage(text="x", codes=("face_value",))]
    assert [voice_of(one) for one in (*coded, *bare_ones)] == [0, 1, 2, UNKNOWN, UNKNOWN, UNKNOWN]


TOLD = labelled(
    passage("Putin wants a peace treaty with Japan.", "face_value", "shared_interest", voice="quoted_bare"),
    passage("Rain fell."),
    passage("The islands are not mentioned.", facts=("islands", "sceptic")),
    title=passage("Deadlock", "deadlock_stated"),
)


def test_an_example_holds_one_row_a_passage() -> None:
    (example,) = examples([TOLD], load_codebook())
    assert ([FAMILIES[i] for i in example.families], example.voices.tolist(), example.topics.tolist()) == (
        ["vigilant", "optimistic", "neutral", "neutral"],
        [VOICES.index("own"), VOICES.index("quoted_bare"), UNKNOWN, UNKNOWN],
        [1, 1, UNKNOWN, 1],
    )
    rows = [({c for c, n in zip(CODES, row, strict=True) if n}) for row in example.codes.tolist()]
    facts = [({f for f, n in zip(FACTS, row, strict=True) if n}) for row in example.facts.tolist()]
    assert rows == [{"deadlock_stated"}, {"face_value", "shared_interest"}, set(), set()]
    assert facts == [set(), set(), set(), {"islands", "sceptic"}]
    assert (example.single, example.group, bool(example.subjects)) == (False, "en/en1", True)


def test_passages_of_an_example_lie_where_they_say_even_where_a_sentence_comes_twice(tmp_path: Path) -> None:
    (twice,) = read(tmp_path, SHEET)
    for example in examples([TOLD, twice], load_codebook()):
        fields = {"title": example.article.title, "text": example.article.text}
        assert [fields[p.part][p.start : p.end] for p in example.passages] == [p.text for p in example.passages]
        assert [p.position for p in example.passages] == list(range(len(example.passages)))
        starts = [p.start for p in example.passages if p.part == "text"]
        assert starts == sorted(set(starts))


def test_a_list_of_sentences_becomes_one_example_a_sentence() -> None:
    found = examples([replace(TOLD, title=None, tone=None)], load_codebook())
    assert [(e.single, e.article.text, [p.position for p in e.passages]) for e in found] == [
        (True, "Putin wants a peace treaty with Japan.", [1]),
        (True, "Rain fell.", [1]),
        (True, "The islands are not mentioned.", [1]),
    ]


def test_in_an_irrelevant_article_what_does_not_touch_on_the_talks_is_off_topic() -> None:
    other = labelled(
        passage("Mix flour and water."),
        passage("Russia and Japan have no peace treaty."),
        relevant=False,
        tone=None,
        title=passage("Bread"),
    )
    (example,) = examples([other], load_codebook())
    assert example.topics.tolist() == [0, 0, UNKNOWN]


def test_an_article_that_the_gate_refuses_has_no_subjects() -> None:
    bread = labelled(passage("Mix flour and water."), relevant=False, tone=None, title=passage("Bread"))
    assert examples([bread], load_codebook())[0].subjects is None


def test_an_article_without_its_labels_keeps_title_text_and_language() -> None:
    article = bare(TOLD)
    assert (article.url, article.title, article.text, article.language) == (
        "corpus:en1-001",
        "Deadlock",
        "Putin wants a peace treaty with Japan. Rain fell. The islands are not mentioned.",
        "en",
    )


def test_targets_run_on_through_all_examples() -> None:
    found = examples([TOLD, replace(TOLD, id="en1-002")], load_codebook())
    goal = targets(found)
    assert [goal.of(name).shape for name in ("family", "codes", "voice", "facts", "topic")] == [
        (8,),
        (8, len(CODES)),
        (8,),
        (8, len(FACTS)),
        (8, 1),
    ]
    assert (known(goal.voice).tolist(), known(goal.topic).tolist()) == ([0, 1, 4, 5], [0, 1, 3, 4, 5, 7])
    assert goal.rows([0, 1]).family.tolist() == found[0].families[:2].tolist()


def written(language: str, author: str) -> Example:
    return examples([labelled(passage("Rain fell."), language=language, author=author)], load_codebook())[0]


def test_folds_never_split_an_author_and_deal_the_authors_of_each_language_out_evenly() -> None:
    authors = [(language, f"{language}{n}") for language in LANGUAGES for n in range(6)] * 2
    fold = folds([written(*author) for author in authors])
    dealt: dict[tuple[str, str], set[int]] = {}
    for author, number in zip(authors, fold.tolist(), strict=True):
        dealt.setdefault(author, set()).add(number)
    assert {len(numbers) for numbers in dealt.values()} == {1}
    shares = [sorted(number for (of, _), (number,) in dealt.items() if of == language) for language in LANGUAGES]
    assert shares == [[0, 0, 1, 1, 2, 2]] * 3


def test_folds_do_not_depend_on_the_order_of_the_articles() -> None:
    found = [written(language, f"{n}") for language in ("en", "ru") for n in range(5)]
    assert folds(found[::-1]).tolist()[::-1] == folds(found).tolist()


def test_there_may_be_more_folds() -> None:
    assert folds([written("en", str(n)) for n in range(5)], count=5).tolist() == [0, 1, 2, 3, 4]
