"""JSON lines in, scored JSON lines out."""

from __future__ import annotations

import json

import pytest

from pipeline.analyse.judge import Judge, Judgement
from pipeline.collect.languages import identify
from pipeline.scoring import as_line, score_lines
from tests.samples import IRRELEVANT, RELEVANT, RUN, article, embedded, score

GOOD = {
    "id": "a",
    "title": "Putin wants treaty",
    "text": "Russian President Putin said that a peace treaty with Japan is near. The islands were not mentioned.",
}
KEYS = {
    "id", "language", "relevant", "relevance", "reason", "tone", "interval", "outlook", "scrutiny", "credulity",
    "codes", "evidence", "passages", "omitted", "given", "unusual", "run",
}  # fmt: skip


def scored(judge: Judge, *lines: str) -> list[dict[str, object]]:
    return list(score_lines(lines, judge, identify))


@pytest.mark.model
def test_a_line_comes_back_with_the_contract_s_keys(judge: Judge) -> None:
    (line,) = scored(judge, json.dumps(GOOD))
    assert line.keys() == KEYS
    assert (line["id"], line["language"], line["relevant"]) == ("a", "en", True)


@pytest.mark.model
def test_offsets_index_the_text_or_the_title(judge: Judge) -> None:
    (line,) = scored(judge, json.dumps(GOOD))
    for item in line["evidence"]:  # type: ignore[attr-defined]
        assert GOOD["title" if item.get("in") == "title" else "text"][item["start"] : item["end"]] == item["text"]


@pytest.mark.model
@pytest.mark.parametrize(
    ("raw", "error"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1]", "expected an object"),
        ("1" * 5000, "not valid JSON"),
        ('{"id": NaN, "title": "x", "text": "y"}', "NaN is no JSON"),
        ('{"id": "\\ud800", "title": "x", "text": "y"}', "surrogate"),
        ('{"id": "b", "title": "x"}', "the key 'text' is missing"),
        ('{"id": "b", "title": "x", "text": " "}', "the text is empty"),
        ('{"id": "b", "title": 3, "text": "y"}', "'title' must be a string, not int"),
        ('{"id": "b", "title": "x", "text": "y", "language": "fr"}', "not one of en, ja, ru"),
        ('{"id": "b", "title": "x", "text": "y", "published_at": "soon"}', "no ISO 8601 date"),
        ('{"id": "b", "title": "\\ud800", "text": "y"}', "surrogate"),
    ],
)
def test_a_bad_line_says_what_is_wrong_and_the_good_ones_are_scored(judge: Judge, raw: str, error: str) -> None:
    bad, good = scored(judge, raw, json.dumps(GOOD))
    assert error in str(bad["error"])
    assert bad.keys() in ({"id", "error"}, {"line", "error"})
    assert good["id"] == "a"


@pytest.mark.model
def test_blank_lines_are_passed_over_and_lines_are_counted_from_one(judge: Judge) -> None:
    (bad,) = scored(judge, "\n", "  ", "nonsense")
    assert bad["line"] == 3


@pytest.mark.model
def test_a_language_may_be_given_or_is_found(judge: Judge) -> None:
    texts = {
        "ja": "プーチン大統領は日本との平和条約に意欲を示した。",
        "ru": "Путин заявил о мирном договоре с Японией.",
    }
    lines = [json.dumps({"id": code, "title": "", "text": text}) for code, text in texts.items()]
    assert [line["language"] for line in scored(judge, *lines)] == ["ja", "ru"]


@pytest.mark.model
def test_the_order_and_the_result_do_not_depend_on_the_neighbours(judge: Judge) -> None:
    other = {**GOOD, "id": "b", "text": GOOD["text"] + " Talks are deadlocked."}
    both = scored(judge, json.dumps(GOOD), json.dumps(other))
    assert both == [*scored(judge, json.dumps(GOOD)), *scored(judge, json.dumps(other))]


def test_a_line_says_what_the_score_says() -> None:
    judged = article()
    line = as_line(judged, Judgement(relevance=RELEVANT, embedded=embedded(judged), score=score(judged)), RUN)
    assert line.keys() == KEYS - {"id"}
    assert (line["tone"], line["interval"], line["outlook"], line["scrutiny"]) == (0.5, [0.2, 0.8], 0.7, 0.2)
    assert (line["credulity"], line["omitted"], line["given"], line["unusual"]) == (
        0.25,
        ["clause_2020", "motives"],
        {"islands": 1},
        ["short"],
    )
    assert json.loads(json.dumps(line)) == line


def test_a_line_quotes_the_coded_passages_and_lists_all() -> None:
    judged = article()
    line = as_line(judged, Judgement(relevance=RELEVANT, embedded=embedded(judged), score=score(judged)), RUN)
    assert line["evidence"][0] == {
        "text": "Talks go on",
        "start": 0,
        "end": 11,
        "codes": {"face_value": 0.8},
        "voice": "quoted_bare",
    }
    assert [(p["start"], p.get("in"), p["family"]) for p in line["passages"]] == [
        (0, "title", "neutral"),
        (0, None, "optimistic"),
        (13, None, "optimistic"),
    ]


@pytest.mark.parametrize("is_embedded", [True, False])
def test_a_line_for_an_irrelevant_article_has_the_same_keys_and_no_score(is_embedded: bool) -> None:
    judged = article()
    judgement = Judgement(relevance=IRRELEVANT, embedded=embedded(judged) if is_embedded else None)
    line = as_line(judged, judgement, RUN)
    assert line.keys() == KEYS - {"id"}
    unscored = ("tone", "interval", "outlook", "scrutiny", "credulity")
    empty = {"codes": {}, "evidence": [], "omitted": [], "given": {}, "unusual": []}
    assert {key: line[key] for key in (*unscored, *empty)} == dict.fromkeys(unscored) | empty
    assert {passage["family"] for passage in line["passages"]} == ({"neutral"} if is_embedded else set())
