"""Attributes of a sample turned into bins with weights of evidence."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from pipelines.credit.binning import Merged, Trend, merge_bins
from pipelines.credit.catalog import FeatureSpec
from pipelines.credit.config import FitSettings
from pipelines.credit.prebins import Prebins, prebin_categories, prebin_numbers
from pipelines.credit.samples import F64, I64, Sample, Values, is_missing
from pipelines.credit.woe import information_values, weights_of_evidence

UNKNOWN = -1
"""Bin number of a value no bin was made for."""


@dataclass(frozen=True)
class Attribute:
    """A binned attribute.

    Attributes:
        spec: what it is.
        trend: order of the points that the bins follow.
        cuts: inner bounds of numeric bins.
        groups: members of categorical bins.
        has_missing: the last bin holds the absent values.
        good, bad, woe, iv: of each bin, the missing one last.
    """

    spec: FeatureSpec
    trend: Trend
    cuts: tuple[float, ...]
    groups: tuple[tuple[str, ...], ...]
    has_missing: bool
    good: I64
    bad: I64
    woe: F64
    iv: F64

    def codes(self, values: Values) -> I64:
        """Number of the bin of each value [n]; `UNKNOWN` where there is none."""
        known = len(self.woe) - self.has_missing
        absent = is_missing(values)
        codes = np.full(len(values), known if self.has_missing else UNKNOWN)
        if self.spec.kind == "number":
            codes[~absent] = np.searchsorted(self.cuts, values[~absent], side="right")
            return codes
        bin_of = {name: i for i, group in enumerate(self.groups) for name in group}
        codes[~absent] = [bin_of.get(str(value), UNKNOWN) for value in values[~absent]]
        return codes

    def transform(self, values: Values) -> F64:
        """WoE of each value [n]; 0, which says nothing, where there is no bin."""
        woe: F64 = np.append(self.woe, 0.0)[self.codes(values)]
        return woe


def bin_attribute(sample: Sample, spec: FeatureSpec, settings: FitSettings) -> Attribute | str:
    """Bin one attribute optimally; a text says why it cannot be used."""
    values, is_bad = sample.columns[spec.name], sample.is_bad
    absent = is_missing(values)
    known = values[~absent]
    if len(known) == 0:
        return "no values"
    bads = int(is_bad.sum())
    goods = len(is_bad) - bads
    fine, merged = _best_bins(known, is_bad[~absent], spec, settings, goods, bads)
    if merged is None:
        return "one bin"
    good, bad = (np.add.reduceat(part, merged.starts) for part in (fine.good, fine.bad))
    if absent.any():
        missing_bad = int(is_bad[absent].sum())
        good = np.append(good, absent.sum() - missing_bad)
        bad = np.append(bad, missing_bad)
    iv = information_values(good, bad, goods, bads)
    if iv.sum() < settings.iv_min:
        return f"information value {iv.sum():.4f}"
    cuts, groups = _members(fine, merged)
    woe = weights_of_evidence(good, bad, goods, bads)
    return Attribute(spec, merged.trend, cuts, groups, bool(absent.any()), good, bad, woe, iv)


def _best_bins(
    known: Values, is_bad: I64, spec: FeatureSpec, settings: FitSettings, goods: int, bads: int
) -> tuple[Prebins, Merged | None]:
    rows, most = goods + bads, settings.max_prebins
    if spec.kind == "category":
        least = ceil(settings.min_category * rows)
        fine = prebin_categories(known, is_bad, most, least)
        # Categories stand in the order of their bad rate, so their points fall by construction.
        return fine, merge_bins(fine, goods, bads, least, "falling", settings.turn_gain)
    least = ceil(settings.min_bin * rows)
    fine = prebin_numbers(known.astype(np.float64), is_bad, most, least, spec.cuts)
    return fine, merge_bins(fine, goods, bads, least, spec.trend, settings.turn_gain)


def _members(
    fine: Prebins, merged: Merged
) -> tuple[tuple[float, ...], tuple[tuple[str, ...], ...]]:
    if not fine.groups:
        return tuple(fine.cuts[start - 1] for start in merged.starts[1:]), ()
    ends = [*merged.starts[1:], len(fine.groups)]
    parts = [fine.groups[lo:hi] for lo, hi in zip(merged.starts, ends, strict=True)]
    return (), tuple(tuple(sorted(name for group in part for name in group)) for part in parts)
