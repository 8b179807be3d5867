"""Metrics of clusters and reviews against the truth; arrays in, numbers out.

Every ratio of 0 to 0 is None. Pairs are counted by contingency tables, never listed, so a cluster
of a million records costs no more than a million clusters of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole, or None for 0 / 0."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Rate:
    """A share of counted events, with its interval."""

    events: int
    trials: int

    @property
    def value(self) -> float | None:
        """Share of events, None without trials."""
        return ratio(self.events, self.trials)

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Exact two-sided interval (Clopper and Pearson 1934); None without trials."""
        k, n = self.events, self.trials
        if not n:
            return None
        tail = (1 - level) / 2
        low = betaincinv(k, n - k + 1, tail) if k else 0.0
        high = betaincinv(k + 1, n - k, 1 - tail) if k < n else 1.0
        return float(low), float(high)


@dataclass(frozen=True)
class PairCounts:
    """Pairs inside clusters compared with pairs of one entity."""

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def precision(self) -> Rate:
        """Share of the found pairs that are true."""
        return Rate(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> Rate:
        """Share of the true pairs that are found."""
        return Rate(self.true_positive, self.true_positive + self.false_negative)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        wrong = self.false_positive + self.false_negative
        return ratio(2 * self.true_positive, 2 * self.true_positive + wrong)


def count_pairs(cluster: npt.ArrayLike, entity: npt.ArrayLike) -> PairCounts:
    """Count pairs on the closure of clusters.

    Args:
        cluster: label of each record, any sortable type, shape [n].
        entity: true label of each record, shape [n].
    """
    cells, clusters, entities = _contingency(cluster, entity)
    both, found, true = (_pairs_within(sizes) for sizes in (cells, clusters, entities))
    return PairCounts(both, found - both, true - both)


def bcubed(
    cluster: npt.ArrayLike, entity: npt.ArrayLike
) -> tuple[float | None, float | None, float | None]:
    """B-cubed precision, recall and F1 (Bagga and Baldwin 1998): means over records."""
    cell, clusters, entities = _codes(_cell_keys(cluster, entity)), _codes(cluster), _codes(entity)
    if not len(cell):
        return None, None, None
    same = np.bincount(cell)[cell]
    precision = float(np.mean(same / np.bincount(clusters)[clusters]))
    recall = float(np.mean(same / np.bincount(entities)[entities]))
    return precision, recall, 2 * precision * recall / (precision + recall)


@dataclass(frozen=True)
class Identification:
    """What happens to each record as it arrives, in order of enrolment; bool arrays [n].

    Attributes:
        is_mated: an earlier record is the same person.
        is_flagged_auto, is_flagged: shares a cluster (or, second, an open review) with an
            earlier record.
        is_hit_auto, is_hit: the same, with an earlier record of the same person.
        is_reviewed: the later side of an open review.
    """

    is_mated: Bools
    is_flagged_auto: Bools
    is_flagged: Bools
    is_hit_auto: Bools
    is_hit: Bools
    is_reviewed: Bools

    def rates(self, of: Bools | None = None) -> dict[str, Rate]:
        """FPIR, FNIR, their `_auto` variants and the share of reviewed records.

        Args:
            of: records to count, for one slice; all by default.
        """
        chosen = np.ones(len(self.is_mated), dtype=np.bool_) if of is None else of
        mated, strangers = self.is_mated & chosen, ~self.is_mated & chosen
        return {
            "fpir_auto": count_rate(self.is_flagged_auto, strangers),
            "fpir": count_rate(self.is_flagged, strangers),
            "fnir_auto": count_rate(~self.is_hit_auto, mated),
            "fnir": count_rate(~self.is_hit, mated),
            "reviewed": count_rate(self.is_reviewed, chosen),
        }


def identify(
    cluster: npt.ArrayLike, entity: npt.ArrayLike, order: I64, reviews: tuple[I64, I64]
) -> Identification:
    """Replay the enrolments in time order (FPIR and FNIR as in UIDAI 2012, NIST IREX 10).

    Args:
        cluster, entity: labels per record, shape [n].
        order: position of each record in time, distinct, shape [n].
        reviews: rows of both sides of each open review.
    """
    entities = _codes(entity)
    is_flagged_auto = _earlier(cluster, order) > 0
    is_hit_auto = _earlier(_cell_keys(cluster, entity), order) > 0
    left, right = reviews
    later = np.where(order[left] > order[right], left, right)
    is_true = entities[left] == entities[right]
    is_reviewed, is_review_hit = (np.zeros(len(entities), dtype=np.bool_) for _ in range(2))
    is_reviewed[later] = True
    is_review_hit[later[is_true]] = True
    return Identification(
        is_mated=_earlier(entities, order) > 0,
        is_flagged_auto=is_flagged_auto,
        is_flagged=is_flagged_auto | is_reviewed,
        is_hit_auto=is_hit_auto,
        is_hit=is_hit_auto | is_review_hit,
        is_reviewed=is_reviewed,
    )


def rates_by_slice(outcome: Identification, labels: npt.ArrayLike) -> dict[str, dict[str, Rate]]:
    """Rates of `Identification.rates` per label of the arriving record (state, source, ...)."""
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    return {str(name): outcome.rates(codes == k) for k, name in enumerate(names)}


def pairs_by_slice(
    cluster: npt.ArrayLike, entity: npt.ArrayLike, order: I64, labels: npt.ArrayLike
) -> dict[str, PairCounts]:
    """Pair counts per label of the record that arrives later; over all labels they add up."""
    both, found, true = (
        _earlier(values, order) for values in (_cell_keys(cluster, entity), cluster, entity)
    )
    names, slices = np.unique(np.asarray(labels), return_inverse=True)
    sums = [np.zeros(len(names), dtype=np.int64) for _ in range(3)]
    for total, counts in zip(sums, (both, found - both, true - both), strict=True):
        np.add.at(total, slices, counts)
    rows = zip(names, *(total.tolist() for total in sums), strict=True)
    return {str(name): PairCounts(*counts) for name, *counts in rows}


def recall_by_kind(
    cluster: npt.ArrayLike, left: I64, right: I64, kinds: npt.ArrayLike
) -> dict[str, Rate]:
    """Share of the true pairs found, per kind of duplicate.

    Args:
        cluster: label per record.
        left, right: rows of both sides of each true pair.
        kinds: kind of each true pair.
    """
    codes, names = _codes(cluster), np.asarray(kinds)
    is_found = codes[left] == codes[right]
    return {str(kind): count_rate(is_found, names == kind) for kind in np.unique(names)}


def count_rate(events: Bools, trials: Bools) -> Rate:
    """Rate of events among the trials; events elsewhere do not count."""
    return Rate(int((events & trials).sum()), int(trials.sum()))


def _codes(labels: npt.ArrayLike) -> I64:
    codes: I64 = np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.int64)
    return codes


def _cell_keys(cluster: npt.ArrayLike, entity: npt.ArrayLike) -> I64:
    """One integer per (cluster, entity)."""
    entities = _codes(entity)
    cells: I64 = _codes(cluster) * (entities.max(initial=0) + 1) + entities
    return cells


def _contingency(cluster: npt.ArrayLike, entity: npt.ArrayLike) -> Sequence[I64]:
    """Sizes of the cells, of the clusters and of the entities."""
    labels = _cell_keys(cluster, entity), np.asarray(cluster), np.asarray(entity)
    return [np.unique(values, return_counts=True)[1] for values in labels]


def _pairs_within(sizes: I64) -> int:
    return int(np.sum(sizes * (sizes - 1) // 2))


def _earlier(labels: npt.ArrayLike, order: I64) -> I64:
    """How many records with the same label come earlier."""
    codes = _codes(labels)
    by_time = np.lexsort((order, codes))
    starts = np.flatnonzero(np.diff(codes[by_time], prepend=-1))
    sizes = np.diff(np.append(starts, len(codes)))
    counts = np.empty(len(codes), dtype=np.int64)
    counts[by_time] = np.arange(len(codes)) - np.repeat(starts, sizes)
    return counts
