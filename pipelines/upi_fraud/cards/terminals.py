"""Point-in-time measures of terminals, compiled by numba; only labels the delay old have a part."""

import math

import numba
import numpy as np

from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.cards.kernels import DAY_S, UNKNOWN_DAYS, Pattern

_MOST = 30.0
TERMINAL_COLUMNS = (
    "compromised", "payments_14d", "frauds_14d", "payments_37d", "frauds_37d",
    "last_known_fraud_days", "first_known_fraud_days", "last_known_genuine_days", "frauds_8d",
    "payments_8d",
)  # fmt: skip


@numba.njit(cache=True)
def measure_terminals(
    order: IntArray, starts: IntArray, seconds: IntArray, amount: FloatArray, fraud: IntArray,
    explained: FloatArray, delay: int, pattern: Pattern,
) -> FloatArray:  # fmt: skip
    """`TERMINAL_COLUMNS` of every payment.

    Every payment of a compromised terminal is fraud, so one known genuine payment rules out each
    beginning that would cover it, and a known fraud speaks for those that do, the more the less the
    customer explains it.

    Args:
        order, starts: as for customers, by terminal.
        seconds, amount, fraud: columns of the table.
        explained: probability that the customer's own pattern makes a payment fraud.
        delay: seconds until a label is known.
        pattern: how misuse looks.
    """
    out = np.zeros((len(seconds), 10))
    days = pattern.look_back_days
    genuine, evidence = np.zeros(days), np.zeros(days)
    for group in range(len(starts) - 1):
        for place in range(starts[group], starts[group + 1]):
            row = order[place]
            genuine[:], evidence[:] = 0.0, 0.0
            _look_at_terminal(
                out[row],
                row,
                order,
                starts[group],
                place,
                seconds,
                amount,
                fraud,
                explained,
                delay,
                genuine,
                evidence,
                pattern,
            )
            now, other = 0.0, 1.0
            for start in range(days):
                weight = _weight(start, genuine, evidence, pattern)
                if start < pattern.terminal_days:
                    now += weight
                else:
                    other += weight
            out[row, 0] = now / (now + other)
    return out


@numba.njit(cache=True)
def _weight(start: int, genuine: FloatArray, evidence: FloatArray, pattern: Pattern) -> float:
    """Prior times likelihood of the terminal having been compromised `start` days ago."""
    total = 0.0
    for age in range(max(0, start - pattern.terminal_days + 1), start + 1):
        if genuine[age] > 0:
            return 0.0
        total += evidence[age]
    return float(pattern.terminal_rate * math.exp(min(total, _MOST)))


@numba.njit(cache=True)
def _look_at_terminal(
    out: FloatArray, row: int, order: IntArray, low: int, place: int, seconds: IntArray,
    amount: FloatArray, fraud: IntArray, explained: FloatArray, delay: int, genuine: FloatArray,
    evidence: FloatArray, pattern: Pattern,
) -> None:  # fmt: skip
    """Known labels of the terminal by age in days, and counts over the weeks before the delay."""
    out[5:8] = UNKNOWN_DAYS
    day, back = seconds[row] // DAY_S, place - 1
    while back >= low:
        other = order[back]
        back -= 1
        age = day - seconds[other] // DAY_S
        if age >= pattern.look_back_days:
            break
        if seconds[other] > seconds[row] - delay:
            continue
        ago = (seconds[row] - seconds[other]) / DAY_S
        is_fraud = fraud[other] == 1
        for column, width in ((9, 8), (1, 14), (3, 37)):
            if ago <= width:
                out[column] += 1
                out[8 if column == 9 else column + 1] += is_fraud
        if not is_fraud:
            genuine[age] = 1
            out[7] = min(out[7], ago)
        elif amount[other] <= pattern.amount_over:
            evidence[age] -= math.log(min(max(explained[other], 0.0008), 0.98))
            out[5], out[6] = min(out[5], ago), ago
