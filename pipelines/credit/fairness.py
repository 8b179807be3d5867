"""Selection rates of groups (four-fifths rule) and features that give a group away.

A report for people to read: attributes are joined after scoring and change no score.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.credit.config import FairnessSettings
from pipelines.credit.metrics import ScoreCounts, auc
from pipelines.credit.samples import I64


@dataclass(frozen=True)
class GroupRate:
    """Selection of one group.

    Attributes:
        attribute, group: which one.
        rows, selected: applicants, and those at or above the line.
        ratio: rate over that of the reference group; None if it cannot be judged.
        is_fair: at least four fifths, decided in whole numbers; None if not judged.
        p_value: two-sided, that both rates are equal.
        is_reference: the group with the highest rate.
    """

    attribute: str
    group: str
    rows: int
    selected: int
    ratio: float | None
    is_fair: bool | None
    p_value: float | None
    is_reference: bool


def compare_groups(
    attribute: str, counts: Mapping[str, tuple[int, int]], settings: FairnessSettings
) -> list[GroupRate]:
    """Hold the selection rate of each group against the highest one.

    Args:
        attribute: attribute of the groups.
        counts: group -> applicants and selected ones.
        settings: ratio and least size of a judged group.
    """
    judged = {name: n for name, n in counts.items() if n[0] >= settings.min_group}
    best = max(judged, key=lambda name: (judged[name][1] / judged[name][0], name), default=None)
    rates = []
    for name, (rows, selected) in sorted(counts.items()):
        ratio, is_fair, p_value = None, None, None
        if best is not None and name in judged and judged[best][1]:
            n_ref, a_ref = judged[best]
            above, below = settings.ratio_parts
            ratio = (selected * n_ref) / (a_ref * rows)
            is_fair = below * selected * n_ref >= above * a_ref * rows
            p_value = two_proportions(selected, rows, a_ref, n_ref)
        rates.append(
            GroupRate(attribute, name, rows, selected, ratio, is_fair, p_value, name == best)
        )
    return rates


def two_proportions(a: int, n: int, b: int, m: int) -> float:
    """Two-sided p-value of the pooled z-test that a of n and b of m are the same share."""
    pooled = (a + b) / (n + m)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    if not spread:
        return 1.0
    return math.erfc(abs(a / n - b / m) / spread / math.sqrt(2))


@dataclass(frozen=True)
class Proxy:
    """How well the bins of one feature tell one group from the others."""

    feature: str
    attribute: str
    group: str
    auc: float
    is_flagged: bool


def find_proxies(
    feature: str,
    attribute: str,
    groups: Sequence[str],
    counts: I64,
    settings: FairnessSettings,
) -> list[Proxy]:
    """How well a feature alone predicts each group against all others.

    Args:
        feature, attribute: names.
        groups: columns of `counts`.
        counts: applicants by bin and group [bins, groups].
        settings: least group size, and the area from which a feature is flagged.
    """
    found = []
    for place, group in enumerate(groups):
        inside, outside = counts[:, place], counts.sum(axis=1) - counts[:, place]
        if min(inside.sum(), outside.sum()) < settings.min_group:
            continue
        # The bins in the order that tells the group best, as a model using the feature would.
        share = inside / np.maximum(inside + outside, 1)
        order = np.argsort(share, kind="stable")
        ranked = ScoreCounts(np.arange(len(order)), inside[order], outside[order])
        area = auc(ranked) or 0.5
        found.append(Proxy(feature, attribute, group, area, area >= settings.proxy_auc))
    return found
