"""Where a sentence ends in Japanese writing.

A quotation belongs to the sentence around it, so marks inside brackets don't cut. A mark right before the
last bracket does, unless the sentence goes on behind it: 「…。」と述べた。
"""

from __future__ import annotations

import re

from pipeline.analyse.marks import ENDERS, IS_CJK, QUOTES_TOO, Brackets, Mark

FULL = frozenset("。｡．！？")
LONGEST_QUOTATION = 240  # characters; what is longer is a speech, and its sentences are coded one by one
MORE = re.compile(f"[{ENDERS}]")
# ――転機はいつでしたか。「…」: an interviewer's question between two answers.
QUESTION = re.compile(r"\s*[―—─-]{1,3}[^「」。？―—]{1,120}[。？](?=\s*「)")
LIST_NUMBER = re.compile(r"\s*\d{1,2}")

LONGEST_NAME = 30  # characters of a title or term in quotation marks: 「北方領土の日」

# Particles and signs that carry a sentence on behind a bracket; not the words that begin like them.
GOES_ON = re.compile(
    r"[、，,・：:；;…‥―—～〜\-–（(]"
    r"|と(?!ころ|はいえ|もあれ|もかく|にかく|もに|りわけ|くに|き|うとう|ても)|って|など|なんて|の(?!ち|ど)"
    r"|は(?!い|たし|じめ|やく)|が(?!っかり|んば)|を|に(?!も|ほん|わか)|で(?!は|も|す|き)|も(?!っと|ちろん|し|う|はや|とも)"
    r"|や(?!が|は|っと)|か(?:[らどとのは]|も)|へ|だ(?:と|った|ろう)|まで|ばかり|だけ"
)


class Quotations:
    """The quotations and asides of a line: those short enough to be held together, and all."""

    def __init__(self, line: str) -> None:
        self.held = Brackets(line, QUOTES_TOO, longest=LONGEST_QUOTATION)
        self.all = Brackets(line, QUOTES_TOO, longest=len(line))


def is_japanese(mark: Mark) -> bool:
    """Whether these rules judge the mark: a Japanese one, or a shared one behind Japanese writing."""
    return not mark.run or mark.run[0] in FULL or bool(IS_CJK.match(mark.before))


def ends(mark: Mark, quotations: Quotations) -> bool:
    """Whether a sentence ends here."""
    if MORE.match(mark.line, mark.end):
        return False
    if not mark.run:
        return _speech_ends(mark, quotations)
    span = quotations.held.around(mark.start)
    if (span is not None and mark.end < span[1]) or _joins(mark):
        return False
    stop = not mark.closers and mark.run[-1] in "。｡．."
    return bool(mark.space) or stop or not GOES_ON.match(mark.line, mark.end)


def _speech_ends(mark: Mark, quotations: Quotations) -> bool:
    """Whether a quotation with no stop behind it is a sentence: it fills one, and is no mere name."""
    span = quotations.all.around(mark.start)
    if span is None or mark.end < span[1] or not mark.opens_at(span[0]):
        return False
    names = mark.start - span[0] < LONGEST_NAME and not MORE.search(mark.line, span[0], mark.start)
    if names and span[0] >= mark.begin:
        return False
    return bool(QUESTION.match(mark.line, mark.end)) or not GOES_ON.match(mark.line, mark.end)


def _joins(mark: Mark) -> bool:
    """Whether points are a pause (…) or belong to a number or an abbreviation: ３．５, Ｕ．Ｓ．, １．"""
    if mark.run == "." or not mark.run.strip(".…"):
        return not (mark.space or (mark.run == "." and IS_CJK.match(mark.after)))
    if mark.run != "．":
        return False
    if mark.before.isdigit():
        return mark.after.isdigit() or LIST_NUMBER.fullmatch(mark.line, mark.begin, mark.start) is not None
    return not (mark.space or IS_CJK.match(mark.before))
