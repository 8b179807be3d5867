"""Slow and obvious references that share no code with the job."""

import math

HOUR, DAY = 3_600_000, 86_400_000


def scan(arrivals, at, width):
    """Count and sum of the earlier arrivals (time, paise) of a trailing window."""
    inside = [paise for time, paise in arrivals if at - width < time <= at]
    return len(inside), sum(inside)


def two_pass(amounts):
    """Mean and sample deviation."""
    mean = sum(amounts) / len(amounts)
    if len(amounts) < 2:
        return mean, 0.0
    return mean, math.sqrt(sum((one - mean) ** 2 for one in amounts) / (len(amounts) - 1))


def area_under_roc(labels, scores):
    """Share of pairs (fraud, genuine) in the right order."""
    frauds = [s for s, y in zip(scores, labels, strict=True) if y]
    others = [s for s, y in zip(scores, labels, strict=True) if not y]
    won = sum((f > g) + 0.5 * (f == g) for f in frauds for g in others)
    return won / len(frauds) / len(others)


def average_precision(labels, scores):
    """Sum over distinct thresholds of the recall gained times the precision there."""
    total, before = 0.0, 0.0
    for limit in sorted(set(scores), reverse=True):
        taken = [y for y, s in zip(labels, scores, strict=True) if s >= limit]
        recall = sum(taken) / sum(labels)
        total += (recall - before) * sum(taken) / len(taken)
        before = recall
    return total
