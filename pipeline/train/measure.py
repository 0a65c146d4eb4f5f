"""How well predictions agree with a coder: F1, rank correlation, kappa, Krippendorff's alpha, calibration."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

STEPS = 5  # of the coder's scale, -1 .. +1


def macro_f1(truth: npt.ArrayLike, said: npt.ArrayLike, classes: int) -> float:
    """Mean F1 over those of the classes 0 .. classes - 1 that occur on either side."""
    true, pred = np.asarray(truth), np.asarray(said)
    there = [k for k in range(classes) if (true == k).any() or (pred == k).any()]
    return float(np.mean([f1(true == k, pred == k) for k in there]))


def f1(truth: npt.ArrayLike, said: npt.ArrayLike) -> float:
    """F1 over all cells of two 0/1 tables of equal shape; 1 where both are empty."""
    true, pred = np.asarray(truth, bool), np.asarray(said, bool)
    total = true.sum() + pred.sum()
    return float(2 * (true & pred).sum() / total) if total else 1.0


def precision(truth: npt.ArrayLike, said: npt.ArrayLike) -> float:
    """Share of what was said that is true; 1 where nothing was said."""
    true, pred = np.asarray(truth, bool), np.asarray(said, bool)
    return float((true & pred).sum() / pred.sum()) if pred.any() else 1.0


def recall(truth: npt.ArrayLike, said: npt.ArrayLike) -> float:
    """Share of what is true that was said; 1 where nothing is true."""
    return precision(said, truth)


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Rank correlation, ties at their mean rank; NaN where one side never varies."""
    from scipy.stats import spearmanr

    if min(np.unique(a).size, np.unique(b).size) < 2:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def steps(tone: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Tones rounded to the coder's five steps, -1 .. +1."""
    return np.asarray(np.round(np.clip(np.asarray(tone, float), -1, 1) * 2) / 2)


def ordinal_alpha(truth: npt.ArrayLike, said: npt.ArrayLike) -> float:
    """Krippendorff's alpha (ordinal) between a coder and tones rounded to the coder's steps; NaN without variation."""
    from krippendorff import alpha

    both = np.vstack([steps(truth), steps(said)])
    if np.unique(both).size < 2:
        return float("nan")
    return float(alpha(reliability_data=both, level_of_measurement="ordinal"))


def nominal_alpha(truth: npt.ArrayLike, said: npt.ArrayLike) -> float:
    """Krippendorff's alpha (nominal) between two coders; NaN without variation."""
    from krippendorff import alpha

    both = np.vstack([np.asarray(truth, float), np.asarray(said, float)])
    return float(alpha(reliability_data=both, level_of_measurement="nominal")) if np.unique(both).size > 1 else np.nan


def weighted_kappa(truth: npt.ArrayLike, said: npt.ArrayLike) -> float:
    """Cohen's kappa with quadratic weights (QWK) on the coder's steps; NaN without variation."""
    from sklearn.metrics import cohen_kappa_score

    if np.unique([steps(truth), steps(said)]).size < 2:
        return float("nan")
    places = [((steps(tone) + 1) * 2).astype(int) for tone in (truth, said)]
    return float(cohen_kappa_score(*places, labels=range(STEPS), weights="quadratic"))


def calibration_error(shares: npt.ArrayLike, true: npt.ArrayLike, bins: int = 10) -> float:
    """Expected calibration error (ECE): mean gap between probability and frequency, over bins of equal count.

    Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (AAAI 2015).
    """
    share, hit = np.asarray(shares, float).ravel(), np.asarray(true, float).ravel()
    order = np.argsort(share, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(len(part) * abs(share[part].mean() - hit[part].mean()) for part in parts) / max(1, len(order)))
