"""Logistic regression with an L2 penalty by Newton's method; the same numbers on every machine.

Objective and meaning of C as in LIBLINEAR and scikit-learn: `|w|^2 / 2 + C * sum(log loss)`, the
intercept not penalised.
"""

import numpy as np

from pipelines.core.errors import SangamError
from pipelines.credit.samples import F64, I64

_ROUNDS = 100
_TOLERANCE = 1e-10


def sigmoid(x: F64) -> F64:
    """`1 / (1 + exp(-x))` without overflow."""
    tail = np.exp(-np.abs(x))
    values: F64 = np.where(x >= 0, 1 / (1 + tail), tail / (1 + tail))
    return values


def fit_logistic(x: F64, y: I64, penalty_c: float) -> tuple[float, F64]:
    """Intercept and coefficients of P(y = 1).

    Args:
        x: predictors [n, k].
        y: 0 or 1 [n].
        penalty_c: weight of the data against the penalty.

    Raises:
        SangamError: no convergence, which needs broken numbers in `x`.
    """
    design = np.column_stack([np.ones(len(x)), x])
    ridge = np.append(0.0, np.ones(x.shape[1])) / penalty_c
    weights = np.zeros(design.shape[1])
    mean = y.mean()
    weights[0] = np.log(mean / (1 - mean))
    for _ in range(_ROUNDS):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - y) + ridge * weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if np.abs(step).max() < _TOLERANCE:
            return float(weights[0]), weights[1:]
    raise SangamError("the logistic regression did not converge; look at the values of the bins")
