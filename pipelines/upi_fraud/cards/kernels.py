"""Point-in-time measures of customers, compiled by numba; `terminals.py` has those of terminals.

A payment sees amounts before it, and labels at least the delay old. Nothing later has any part: the
loops go backwards from the payment, in the order of time.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from pipelines.upi_fraud.arrays import FloatArray, IntArray

DAY_S = 86_400
UNKNOWN_DAYS = 99.0
_MOST = 30.0
_ROOT_TWO_PI = 2.5066282746310002
_BELOW_ZERO = 0.022750131948179195
"""Share of a normal distribution with this deviation that is redrawn because it is negative."""


class Pattern(NamedTuple):
    """`PatternSettings` as numba takes them, in the same order."""

    terminal_days: int
    terminal_rate: float
    customer_days: int
    customer_rate: float
    customer_share: float
    customer_times: float
    amount_over: float
    deviation_share: float
    look_back_days: int
    other_fraud: float
    history: int
    trim: float
    prior_mean: float
    prior_payments: int


CUSTOMER_COLUMNS = (
    "mean", "history", "compromised", "fraud_probability", "times_llr", "known_frauds",
    "last_known_fraud_days", "amount_over_mean",
)  # fmt: skip


@numba.njit(cache=True)
def density(amount: float, mean: float, deviation_share: float) -> float:
    """Density of a genuine amount: normal, what falls below zero spread over [0, 2 mean]."""
    deviation = mean * deviation_share
    z = (amount - mean) / deviation
    value = math.exp(-0.5 * z * z) / (deviation * _ROOT_TWO_PI)
    if amount <= 2 * mean:
        value += _BELOW_ZERO / (2 * mean)
    return value + 1e-12 / mean


@numba.njit(cache=True)
def usual_amount(
    row: int, order: IntArray, low: int, place: int, seconds: IntArray, amount: FloatArray,
    fraud: IntArray, delay: int, pattern: Pattern,
) -> tuple[float, int]:  # fmt: skip
    """Trimmed mean of a customer's earlier amounts without known frauds, and their number."""
    kept = np.empty(pattern.history)
    count, back = 0, place - 1
    while back >= low and count < pattern.history:
        other = order[back]
        if fraud[other] == 0 or seconds[other] > seconds[row] - delay:
            kept[count] = amount[other]
            count += 1
        back -= 1
    if count == 0:
        return pattern.prior_mean, 0
    median = np.median(kept[:count])
    total, number = 0.0, 0
    for one in kept[:count]:
        if one <= pattern.trim * median:
            total += one
            number += 1
    if count < 10:
        total += pattern.prior_payments * pattern.prior_mean
        number += pattern.prior_payments
    return max(total / number, 3.0), count


@numba.njit(cache=True)
def _evidence(
    amount: float, mean: float, is_known: bool, is_fraud: bool, pattern: Pattern
) -> float:
    """Log likelihood ratio of one earlier payment: customer compromised against not."""
    share = pattern.customer_share
    plain = density(amount, mean, pattern.deviation_share)
    times = pattern.customer_times
    misused = share * density(amount / times, mean, pattern.deviation_share) / times
    if not is_known:
        return math.log(((1 - share) * plain + misused) / plain)
    if not is_fraud:
        return math.log(1 - share)
    if amount > pattern.amount_over:
        return 0.0
    return max(math.log(misused / (pattern.other_fraud * plain)), math.log(0.05))


@numba.njit(cache=True)
def measure_customers(
    order: IntArray, starts: IntArray, seconds: IntArray, amount: FloatArray, fraud: IntArray,
    delay: int, pattern: Pattern,
) -> FloatArray:  # fmt: skip
    """`CUSTOMER_COLUMNS` of every payment.

    The probability of being compromised sums over the day it may have begun (Bayes): amounts count
    whether labelled or not, labels once they are known.

    Args:
        order: rows sorted by customer, then time.
        starts: where each customer begins in `order`, and the end.
        seconds, amount, fraud: columns of the table.
        delay: seconds until a label is known.
        pattern: how misuse looks.
    """
    out = np.zeros((len(seconds), 8))
    for group in range(len(starts) - 1):
        for place in range(starts[group], starts[group + 1]):
            row = order[place]
            mean, count = usual_amount(
                row, order, starts[group], place, seconds, amount, fraud, delay, pattern
            )
            by_age = np.zeros(pattern.customer_days)
            known, last = _gather(
                row,
                order,
                starts[group],
                place,
                seconds,
                amount,
                fraud,
                delay,
                mean,
                by_age,
                pattern,
            )
            evidence, odds = 0.0, 0.0
            for age in range(pattern.customer_days):
                evidence += by_age[age]
                odds += pattern.customer_rate * math.exp(min(evidence, _MOST))
            _finish(out[row], amount[row], mean, count, odds / (1 + odds), known, last, pattern)
    return out


@numba.njit(cache=True)
def _gather(
    row: int, order: IntArray, low: int, place: int, seconds: IntArray, amount: FloatArray,
    fraud: IntArray, delay: int, mean: float, by_age: FloatArray, pattern: Pattern,
) -> tuple[int, float]:  # fmt: skip
    """Add the evidence of earlier payments by age in days; number and age of known frauds."""
    known, last, back = 0, UNKNOWN_DAYS, place - 1
    day = seconds[row] // DAY_S
    while back >= low:
        other = order[back]
        age = day - seconds[other] // DAY_S
        if age >= pattern.look_back_days:
            break
        is_known = seconds[other] <= seconds[row] - delay
        is_fraud = fraud[other] == 1
        if is_known and is_fraud:
            known += 1
            last = min(last, (seconds[row] - seconds[other]) / DAY_S)
        if age < pattern.customer_days:
            by_age[age] += _evidence(amount[other], mean, is_known, is_fraud, pattern)
        back -= 1
    return known, last


@numba.njit(cache=True)
def _finish(
    out: FloatArray, amount: float, mean: float, count: int, compromised: float, known: int,
    last: float, pattern: Pattern,
) -> None:  # fmt: skip
    share, times = pattern.customer_share, pattern.customer_times
    plain = density(amount, mean, pattern.deviation_share)
    raised = density(amount / times, mean, pattern.deviation_share) / times
    misused = compromised * share * raised
    out[0], out[1], out[2] = mean, count, compromised
    out[3] = misused / (misused + (1 - compromised * share) * plain)
    out[4], out[5], out[6], out[7] = math.log(raised / plain), known, last, amount / mean
