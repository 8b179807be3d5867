"""Weight of evidence and information value (Good 1950; Kullback and Leibler 1951)."""

import numpy as np

from pipelines.credit.samples import F64, I64

ONE_CLASS = 0.5
"""Added to both counts of a bin that holds one class only, so that its logarithm is finite."""


def weights_of_evidence(good: I64, bad: I64, goods: int, bads: int) -> F64:
    """WoE of each bin, `ln((good / goods) / (bad / bads))`; positive speaks for a good risk.

    Args:
        good: good rows of each bin.
        bad: bad rows of each bin.
        goods: good rows of the whole sample.
        bads: bad rows of the whole sample.
    """
    shift = np.where((good == 0) | (bad == 0), ONE_CLASS, 0.0)
    weights: F64 = np.log(((good + shift) / goods) / ((bad + shift) / bads))
    return weights


def information_values(good: I64, bad: I64, goods: int, bads: int) -> F64:
    """What each bin adds to the information value of its attribute."""
    values: F64 = (good / goods - bad / bads) * weights_of_evidence(good, bad, goods, bads)
    return values
