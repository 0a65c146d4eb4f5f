"""Calibration: shares that can be believed, and where to cut them."""

from __future__ import annotations

import numpy as np
import pytest

from config.codebook import load_codebook
from pipeline.analyse.coding import borne, members
from pipeline.analyse.heads import Floats, Linear
from pipeline.analyse.reading import Reading, reading, units
from pipeline.train.calibrate import CUTS, Calibration, Said, calibrate
from pipeline.train.corpus import UNKNOWN
from pipeline.train.measure import calibration_error, f1, macro_f1
from pipeline.train.targets import CLASSES, Targets, known

CODEBOOK = load_codebook()
UNITS = units(CODEBOOK)
SIZE = UNITS["topic"].stop
COUNT = 4000
HALF = np.arange(COUNT) < COUNT // 2


def drawn() -> tuple[Said, Targets]:
    """What boastful heads say of passages whose labels are drawn from known probabilities.

    Meaning exaggerates threefold and is off by one, wording tells nothing, and four in ten voices are not known.
    """
    draw = np.random.default_rng(11)
    log_odds = draw.normal(size=(COUNT, SIZE)) - 0.5
    uniform = draw.gumbel(size=(COUNT, SIZE))
    classes = {name: (log_odds + uniform)[:, UNITS[name]].argmax(axis=1) for name in CLASSES}
    yes = draw.random((COUNT, SIZE)) < 1 / (1 + np.exp(-log_odds))
    classes["voice"][draw.random(COUNT) < 0.4] = UNKNOWN
    others = {name: yes[:, UNITS[name]].astype(np.int64) for name in ("codes", "facts", "topic")}
    noise = draw.normal(size=(COUNT, SIZE)).astype(np.float32)
    return Said(meaning=(3 * log_odds + 1).astype(np.float32), wording=noise), Targets(**classes, **others)


SAID, TRUTH = drawn()


@pytest.fixture(scope="module")
def learnt() -> Calibration:
    """Learnt from the first half."""
    return calibrate(SAID.rows(np.flatnonzero(HALF)), TRUTH.rows(HALF), CODEBOOK)


def shares(calibration: Calibration) -> Reading:
    """What it makes of the second half."""
    return reading(calibration.applied(SAID.rows(np.flatnonzero(~HALF))), UNITS)


def error(found: Reading, name: str) -> float:
    goal = TRUTH.rows(~HALF).of(name)
    rows = known(goal)
    truth = np.eye(3)[goal[rows]] if name in CLASSES else goal[rows]
    return calibration_error(np.asarray(getattr(found, name))[rows], truth)


@pytest.mark.parametrize("name", list(UNITS))
def test_calibrated_shares_are_near_the_frequencies(learnt: Calibration, name: str) -> None:
    raw = reading(SAID.meaning[~HALF], UNITS)
    assert error(shares(learnt), name) < 0.03 < error(raw, name)


def test_wording_that_tells_nothing_weighs_nothing_and_wording_that_tells_all_weighs_all(learnt: Calibration) -> None:
    swapped = calibrate(Said(meaning=SAID.wording, wording=SAID.meaning), TRUTH, CODEBOOK)
    codes = UNITS["codes"]
    weights = [np.diag(of)[codes] for of in (learnt.by_meaning, learnt.by_wording, swapped.by_meaning)]
    assert np.allclose(weights[0], 1 / 3, atol=0.06)
    assert np.abs(np.concatenate(weights[1:])).max() < 0.2


def test_no_unit_looks_at_another_beside_those_of_its_own_task(learnt: Calibration) -> None:
    allowed = np.eye(SIZE, dtype=bool)
    for name in CLASSES:
        allowed[UNITS[name], UNITS[name]] = True
    assert [bool(of[~allowed].any()) for of in (learnt.by_meaning, learnt.by_wording)] == [False, False]


def test_passages_whose_label_is_not_known_teach_nothing(learnt: Calibration) -> None:
    unknown = HALF & (TRUTH.voice == UNKNOWN)
    said = Said(meaning=SAID.meaning.copy(), wording=SAID.wording.copy())
    said.meaning[unknown, UNITS["voice"]] = 1e3
    again = calibrate(said.rows(np.flatnonzero(HALF)), TRUTH.rows(HALF), CODEBOOK)
    assert again.by_meaning.tolist() == learnt.by_meaning.tolist()
    assert again.thresholds["voice"].tolist() == learnt.thresholds["voice"].tolist()


def test_merged_heads_say_what_the_calibration_says(learnt: Calibration) -> None:
    draw = np.random.default_rng(2)

    def numbers(*shape: int) -> Floats:
        return draw.normal(size=shape).astype(np.float32)

    meaning = Linear(weights=numbers(SIZE, 6), bias=numbers(SIZE), mean=numbers(6), scale=1 + np.abs(numbers(6)))
    words, bias = numbers(SIZE, 20), numbers(SIZE)
    inputs, counts = numbers(40, 6), numbers(40, 20)
    wanted = learnt.applied(Said(meaning=meaning(inputs), wording=counts @ words.T + bias))
    merged, merged_words = learnt.merged(meaning, words, bias)
    assert merged_words.shape == (20, SIZE)
    assert np.allclose(merged(inputs) + counts @ merged_words, wanted, atol=1e-4)


@pytest.mark.parametrize("name", ["facts"])
def test_no_other_cut_gives_a_better_f1(learnt: Calibration, name: str) -> None:
    found = np.asarray(getattr(reading(learnt.applied(SAID.rows(np.flatnonzero(HALF))), UNITS), name))
    truth = TRUTH.rows(HALF).of(name)
    grid = np.linspace(0.02, 0.98, 97)
    for column, cut in enumerate(learnt.thresholds[name].tolist()):
        share, goal = found[:, column], truth[:, column]
        assert f1(goal, share >= np.float32(cut)) >= max(f1(goal, share >= other) for other in grid)


def test_no_other_threshold_of_the_codes_gives_a_better_micro_f1(learnt: Calibration) -> None:
    found = reading(learnt.applied(SAID.rows(np.flatnonzero(HALF))), UNITS)
    families = (found.family * learnt.thresholds["family"]).argmax(axis=1)

    def score(cut: float) -> float:
        return f1(TRUTH.rows(HALF).codes, borne(found.codes, families, members(CODEBOOK), cut))

    assert score(float(learnt.thresholds["codes"][0])) >= max(score(cut) for cut in CUTS) - 1e-6


@pytest.mark.parametrize("name", CLASSES)
def test_favouring_a_class_costs_no_macro_f1_to_speak_of(learnt: Calibration, name: str) -> None:
    goal = TRUTH.rows(HALF).of(name)
    rows = known(goal)
    found = np.asarray(getattr(reading(learnt.applied(SAID.rows(np.flatnonzero(HALF))), UNITS), name))[rows]
    favours = learnt.thresholds[name]
    plain, favoured = found.argmax(axis=1), (found * favours).argmax(axis=1)
    assert macro_f1(goal[rows], favoured, 3) >= macro_f1(goal[rows], plain, 3) - 0.005  # the step of the grid
    assert (favours.shape, favours[-1], bool((favours > 0).all())) == ((3,), 1, True)


def test_there_is_a_threshold_for_the_codes_and_one_for_every_fact(learnt: Calibration) -> None:
    assert {name: cut.shape for name, cut in learnt.thresholds.items()} == {
        "family": (3,),
        "voice": (3,),
        "codes": (1,),
        "facts": (len(CODEBOOK.facts),),
    }


def test_the_same_labels_give_the_same_calibration(learnt: Calibration) -> None:
    again = calibrate(SAID.rows(np.flatnonzero(HALF)), TRUTH.rows(HALF), CODEBOOK)
    assert (again.by_meaning.tobytes(), again.shift.tobytes()) == (learnt.by_meaning.tobytes(), learnt.shift.tobytes())
