"""Figures of agreement, against cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.train.measure import (
    calibration_error,
    f1,
    macro_f1,
    nominal_alpha,
    ordinal_alpha,
    precision,
    recall,
    spearman,
    steps,
    weighted_kappa,
)


@pytest.mark.parametrize(
    ("truth", "said", "wanted"),
    [
        ([1, 1, 0, 0], [1, 0, 1, 0], 1 / 2),
        ([1, 1, 1, 0], [1, 1, 0, 0], 4 / 5),
        ([[1, 0], [0, 1]], [[1, 1], [0, 0]], 1 / 2),
        ([1, 0], [0, 1], 0.0),
        ([0, 0], [0, 1], 0.0),
        ([0, 0], [0, 0], 1.0),
        ([], [], 1.0),
    ],
)
def test_f1_is_taken_over_all_cells(truth: list[int], said: list[int], wanted: float) -> None:
    assert f1(truth, said) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("truth", "said", "wanted"),
    [
        ([0, 1, 2], [0, 1, 1], (1 + 2 / 3 + 0) / 3),
        ([0, 1, 2], [0, 1, 2], 1.0),
        ([0, 0, 1, 2], [0, 1, 1, 0], (1 / 2 + 2 / 3 + 0) / 3),
    ],
)
def test_macro_f1_weighs_the_classes_alike(truth: list[int], said: list[int], wanted: float) -> None:
    assert macro_f1(truth, said, 3) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("truth", "said", "right", "found"),
    [
        ([1, 1, 0, 0], [1, 0, 0, 0], 1.0, 1 / 2),
        ([1, 0, 0, 0], [1, 1, 1, 0], 1 / 3, 1.0),
        ([1, 1], [0, 0], 1.0, 0.0),
        ([0, 0], [1, 0], 0.0, 1.0),
    ],
)
def test_precision_and_recall_are_one_where_there_is_nothing_to_get_wrong(
    truth: list[int], said: list[int], right: float, found: float
) -> None:
    assert (precision(truth, said), recall(truth, said)) == (pytest.approx(right), pytest.approx(found))


def test_spearman_compares_ranks_with_ties_at_their_mean() -> None:
    # ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5 over the square root of 4.5 x 5
    assert spearman([0, 1, 1, 2], [-1, 0, 0.1, 5]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


def test_spearman_has_no_value_where_one_side_never_varies() -> None:
    assert math.isnan(spearman([1, 1, 1], [0, 1, 2]))


def test_tones_are_rounded_to_the_five_steps_of_the_coder() -> None:
    assert steps([-7, -0.8, -0.7, -0.1, 0.3, 0.74, 0.76, 7]).tolist() == [-1, -1, -0.5, 0, 0.5, 0.5, 1, 1]


@pytest.mark.parametrize(
    ("truth", "said", "wanted"),
    [
        ([-1, 0, 1], [-1, 0, 1], 1.0),
        ([-1, 1], [1, -1], -1.0),
        ([1, 1, 1], [1, 1, 0.5], 0.0),
        # squared distances: 1 seen over 4 articles, 1.75 expected from the two distributions
        ([0, 0, 1, 1], [0, 0.5, 1, 1], 1 - 0.25 / 1.75),
        ([0, 0, 1, 1], [0.1, 0.4, 0.9, 3], 1 - 0.25 / 1.75),
    ],
)
def test_kappa_weighs_a_mistake_by_its_squared_distance(truth: list[float], said: list[float], wanted: float) -> None:
    assert weighted_kappa(truth, said) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("truth", "said", "wanted"),
    [
        ([-1, 0, 1], [-1, 0, 1], 1.0),
        ([-1, 1], [1, -1], 1 - 1 / (2 / 3)),
        # values -1, 0, 1 occur 2, 3 and 3 times; squared ordinal distances 6.25 (-1, 0), 30.25 (-1, 1) and 9 (0, 1)
        ([-1, 0, 1, 1], [-1, 0, 1, 0], 1 - (2 * 9 / 8) / (2 * (6 * 6.25 + 6 * 30.25 + 9 * 9) / 56)),
    ],
)
def test_ordinal_alpha_is_krippendorffs(truth: list[float], said: list[float], wanted: float) -> None:
    assert ordinal_alpha(truth, said) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("truth", "said", "wanted"),
    [
        ([0, 1, 2], [0, 1, 2], 1.0),
        ([0, 0, 1, 1], [0, 1, 1, 1], 1 - (1 / 4) / (30 / 56)),
        ([0, 1, 2], [0, 2, 2], 1 - (1 / 3) / (22 / 30)),
    ],
)
def test_nominal_alpha_is_krippendorffs(truth: list[int], said: list[int], wanted: float) -> None:
    assert nominal_alpha(truth, said) == pytest.approx(wanted)


def test_alpha_has_no_value_without_variation() -> None:
    assert [math.isnan(ordinal_alpha([1, 1], [1, 1])), math.isnan(nominal_alpha([2, 2], [2, 2]))] == [True, True]


@pytest.mark.parametrize(
    ("shares", "true", "bins", "wanted"),
    [
        ([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 1], 2, 0.1),
        ([0.2] * 5, [1, 0, 0, 0, 0], 1, 0.0),
        ([0.9, 0.1, 0.9, 0.1], [1, 0, 0, 1], 2, 0.4),  # in the order of the shares: gaps |0.1 - 0.5| and |0.9 - 0.5|
        ([0.5, 0.7, 0.9], [0, 1, 1], 10, (0.5 + 0.3 + 0.1) / 3),  # more bins than cases
        ([[0.8, 0.2], [0.6, 0.4]], [[1, 0], [1, 0]], 1, 0.0),
        ([0.1, 0.2, 0.9], [0, 0, 0], 2, (2 * 0.15 + 0.9) / 3),  # the bins count as many as they hold
    ],
)
def test_the_calibration_error_is_the_mean_gap_between_probability_and_frequency(
    shares: list[float], true: list[int], bins: int, wanted: float
) -> None:
    assert calibration_error(shares, true, bins) == pytest.approx(wanted)


def test_shares_that_are_drawn_from_have_hardly_any_calibration_error() -> None:
    draw = np.random.default_rng(3)
    shares = draw.random(20_000)
    assert calibration_error(shares, draw.random(20_000) < shares) < 0.01
