"""Logistic heads on fixed inputs: where tuning starts from, and what reads the wording."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from config.codebook import Codebook
from pipeline.analyse.heads import Floats, Linear
from pipeline.analyse.reading import units
from pipeline.train.corpus import Ints
from pipeline.train.targets import CLASSES, Targets, known

MEANING, WORDING = 0.02, 1.0  # inverse regularisation (scikit-learn's C)
TOLERANCE, STEPS = 1e-3, 300
CERTAIN = 5.0  # log-odds


def fit_meaning(inputs: Floats, truth: Targets, codebook: Codebook) -> Linear:
    """One unit for each thing the passage heads judge, on inputs (n x d).

    Inputs are centred and scaled as one block, so that the embedding keeps its geometry.
    """
    mean, scale = inputs.mean(axis=0), np.full(inputs.shape[1], inputs.std() or 1, np.float32)
    weights, bias = fit_units((inputs - mean) / scale, truth, codebook, MEANING)
    return Linear(weights=weights, bias=bias, mean=mean.astype(np.float32), scale=scale)


def fit_units(inputs: Any, truth: Targets, codebook: Codebook, strength: float) -> tuple[Floats, Floats]:
    """Weights (units x d) and bias (units) on inputs (n x d, dense or sparse).

    Classes weigh alike whatever their number.
    """
    of = units(codebook)
    count = of["topic"].stop
    weights, bias = np.zeros((count, inputs.shape[1]), np.float32), np.zeros(count, np.float32)
    for name, place in of.items():
        goal = truth.of(name)
        rows = known(goal)
        columns = [goal[rows]] if name in CLASSES else list(goal[rows].T)
        model = LogisticRegression(C=strength, class_weight="balanced", max_iter=STEPS, tol=TOLERANCE)
        size = place.stop - place.start if name in CLASSES else 1
        fitted = [fit_logistic(model, inputs[rows], column, size) for column in columns]
        weights[place] = np.vstack([part for part, _ in fitted])
        bias[place] = np.concatenate([part for _, part in fitted])
    return weights, bias


def fit_logistic(model: LogisticRegression, inputs: Any, goal: Ints, size: int) -> tuple[Floats, Floats]:
    """Coefficients (size x d) and intercepts (size) of one unit for yes or no, or one for each of several classes.

    A class that no example has is never said; where all answer alike, that is what is said.
    """
    there = np.unique(goal)
    weights, bias = np.zeros((size, inputs.shape[1]), np.float32), np.full(size, -CERTAIN, np.float32)
    if len(there) < 2:
        bias[there[0] if size > 1 else 0] = CERTAIN if size > 1 or there[0] else -CERTAIN
        return weights, bias
    model.fit(inputs, goal)
    if size == 1:
        return model.coef_, model.intercept_
    both = len(there) == 2  # scikit-learn then gives one unit, for the second of the classes
    weights[there] = np.vstack([-model.coef_ / 2, model.coef_ / 2]) if both else model.coef_
    bias[there] = np.concatenate([-model.intercept_ / 2, model.intercept_ / 2]) if both else model.intercept_
    return weights, bias
