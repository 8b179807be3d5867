"""Has the population moved? PSI with the chance that sampling alone explains it.

Fixed cut-offs on the PSI raise alarms on small samples and miss real moves in large ones: under no
change `PSI * N M / (N + M)` is about chi-square with one degree less than bins (Yurdakul 2018), so
a flag needs both a large index and a small p-value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import chdtrc

from pipelines.credit.config import DriftSettings

Flag = Literal["OK", "WARN", "ALARM", "UNDECIDED"]

EMPTY = 0.5
"""Added to a count of zero, so that the logarithm is finite."""


@dataclass(frozen=True)
class Drift:
    """Drift of one distribution: name, index, statistic, p-value, verdict, both sizes."""

    name: str
    psi: float
    statistic: float
    p_value: float
    flag: Flag
    expected_rows: int
    actual_rows: int


def compare(
    name: str, expected: Sequence[int], actual: Sequence[int], settings: DriftSettings
) -> Drift:
    """Compare two distributions over the same bins.

    Args:
        name: score or feature.
        expected: training rows per bin.
        actual: new rows per bin.
        settings: limits.
    """
    n, m = sum(expected), sum(actual)
    if not n or not m:
        return Drift(name, 0.0, 0.0, 1.0, "UNDECIDED", n, m)
    filled = np.array(expected) + np.array(actual) > 0
    shares = []
    for counts in (np.array(expected)[filled], np.array(actual)[filled]):
        safe = np.where(counts == 0, EMPTY, counts)
        shares.append(safe / safe.sum())
    e, a = shares
    psi = float(((a - e) * np.log(a / e)).sum())
    statistic = psi * n * m / (n + m)
    p_value = float(chdtrc(max(int(filled.sum()) - 1, 1), statistic))  # chi-squared, upper tail
    return Drift(name, psi, statistic, p_value, _flag(psi, p_value, settings), n, m)


def _flag(psi: float, p_value: float, settings: DriftSettings) -> Flag:
    if psi <= settings.warn:
        return "OK"
    if p_value >= settings.p_value:
        return "UNDECIDED"
    return "ALARM" if psi > settings.alarm else "WARN"
