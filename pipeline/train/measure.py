"""How well predictions agree with a coder: F1, rank correlation, Krippendorff's alpha."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]


def macro_f1(truth: npt.ArrayLike, said: npt.ArrayLike, classes: int) -> float:
    """Mean F1 over the classes 0 .. classes - 1."""
    true, pred = np.asarray(truth), np.asarray(said)
    scores = []
    for k in range(classes):
        both, either = np.sum((true == k) & (pred == k)), np.sum(true == k) + np.sum(pred == k)
        scores.append(2 * both / either if either else 1.0)
    return float(np.mean(scores))


def micro_f1(truth: npt.ArrayLike, said: npt.ArrayLike) -> float:
    """F1 over all cells of two 0/1 tables of equal shape."""
    true, pred = np.asarray(truth, bool), np.asarray(said, bool)
    total = true.sum() + pred.sum()
    return float(2 * (true & pred).sum() / total) if total else 1.0


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Rank correlation, ties at their mean rank."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def ordinal_alpha(truth: npt.ArrayLike, said: npt.ArrayLike) -> float:
    """Krippendorff's alpha (ordinal) between a coder and predictions rounded to the five steps -1 .. +1."""
    from krippendorff import alpha

    steps = np.round(np.asarray(said, float) * 2) / 2
    return float(alpha(reliability_data=np.vstack([truth, steps]), level_of_measurement="ordinal"))
