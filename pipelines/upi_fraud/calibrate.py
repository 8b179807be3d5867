"""From scores to probabilities, and from probabilities to the cheapest threshold."""

import numpy as np

from pipelines.upi_fraud.arrays import FloatArray, IntArray


def isotonic(scores: FloatArray, labels: IntArray) -> tuple[list[float], list[float]]:
    """Rising step function of least squares (pool adjacent violators, Ayer 1955).

    Args:
        scores: n scores, in any order; equal scores are one step.
        labels: 0 or 1.

    Returns:
        Where each step begins, ascending, and its probability; the first begins at -infinity.
    """
    order = np.argsort(scores, kind="stable")
    values, starts = np.unique(scores[order], return_index=True)
    sums = np.add.reduceat(labels[order].astype(float), starts)
    counts = np.diff(np.append(starts, len(scores))).astype(float)
    steps: list[list[float]] = []
    for value, total, count in zip(values.tolist(), sums.tolist(), counts.tolist(), strict=True):
        steps.append([value, total, count])
        while len(steps) > 1 and steps[-2][1] * steps[-1][2] >= steps[-1][1] * steps[-2][2]:
            _, more, number = steps.pop()
            steps[-1][1] += more
            steps[-1][2] += number
    begins = [step[0] for step in steps]
    begins[0] = -1e300
    return begins, [step[1] / step[2] for step in steps]


def cost_optimal(false_positive: float, missed: float) -> float:
    """Probability from which stopping costs less than letting through (Elkan 2001)."""
    return false_positive / (false_positive + missed)


def verify_threshold(probabilities: FloatArray, labels: IntArray, most: float) -> float:
    """Least probability at which fewer than `most` of the genuine payments are stopped."""
    genuine = np.sort(probabilities[labels == 0])[::-1]
    allowed = int(len(genuine) * most)
    limit = float(genuine[min(allowed, len(genuine) - 1)])
    above = probabilities[probabilities > limit]
    return float(above.min()) if len(above) else 1.0
