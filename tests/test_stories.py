"""Which texts are one story."""

from __future__ import annotations

import random
import time

from pipeline.report.stories import CHARS, stories

WIRE = (
    "Russian President Vladimir Putin said on Friday that talks with Japan on a peace treaty should not be broken off "
    "because of amendments to the constitution. He told the heads of news agencies that both countries had a strategic "
    "interest in a settlement, and that the amendment had to be taken into account. Officials in Tokyo welcomed it."
)
JAPANESE = (
    "ロシアのプーチン大統領は4日、主要通信社の代表とのオンライン会見で、憲法改正を理由に日本との平和条約交渉をやめるべきではないと"
    "述べた。両国の戦略的な関心は重なっており、対話を続ける用意があると強調した。日本政府は発言を歓迎している。"
)
OTHER = (
    "The islands are what kept the two capitals from a treaty in 1956, and nothing said this week changes that. A "
    "draft without them would be the Good-Neighbour paper of 1978 under another name, and would cost the alliance dear."
)


def test_an_edited_copy_belongs_to_its_source() -> None:
    edited = "TOKYO (Agency) - " + WIRE.replace("on Friday ", "").replace("Officials in Tokyo", "Officials")
    assert stories([WIRE, OTHER, edited]) == [[0, 2], [1]]


def test_a_copy_that_was_cut_at_its_end_belongs_to_its_source() -> None:
    assert stories([WIRE, WIRE[: int(len(WIRE) * 0.7)]]) == [[0, 1]]


def test_japanese_copies_are_found_although_nothing_parts_their_words() -> None:
    assert stories([JAPANESE, OTHER, JAPANESE.replace("強調した", "語った") + "（通信）"]) == [[0, 2], [1]]


def test_the_same_news_in_other_words_is_another_story() -> None:
    retold = (
        "Moscow wants to keep the conversation with Tokyo alive. To agency chiefs, the Kremlin leader dismissed "
        "the idea that changes to the basic law had closed the matter, a remark that diplomats noted with relief."
    )
    assert stories([WIRE, retold]) == [[0], [1]]


def test_copies_of_copies_are_one_story() -> None:
    words = WIRE.split()
    drifted = [" ".join(words[at:] + OTHER.split()[:at]) for at in (0, 8, 16)]
    assert stories([drifted[0], drifted[2], drifted[1]]) == [[0, 1, 2]]


def test_short_texts_are_one_story_only_if_they_are_the_same() -> None:
    assert stories(["Talks go on.", "Talks  go on!", "Talks go off.", ""]) == [[0, 1], [2], [3]]


def test_letters_of_another_width_or_case_make_no_difference() -> None:
    assert stories([WIRE, WIRE.upper(), "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in WIRE)]) == [
        [0, 1, 2]
    ]


def test_F62_five_thousand_texts_and_a_word_of_a_megabyte_are_grouped_in_bounded_time() -> None:
    draw = random.Random(3)
    words = [f"w{n}" for n in range(4000)]
    texts = [" ".join(draw.choices(words, k=300)) for _ in range(2500)]
    begun = time.process_time()
    found = stories([*texts, *(text + " more" for text in texts), "x" * 2**20, "\ud800\u202e"])
    assert time.process_time() - begun < 60
    assert sorted(map(len, found)) == [1, 1] + [2] * 2500


def test_what_stands_after_the_beginning_does_not_count() -> None:
    opening = " ".join(f"word{n}" for n in range(CHARS))
    assert stories([opening + WIRE, opening + OTHER]) == [[0, 1]]
