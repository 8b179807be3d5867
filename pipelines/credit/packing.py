"""What a value costs as one integer, `shortfall << 12 | place`, in Spark SQL and in arrays alike.

The raw score is made of the upper parts; their order is the order of the reasons. The place is that
of feature and bin in one list, which begins with the last feature: of equal shortfalls the first
feature's integer is the greatest. A value without a bin is negative, by feature and `CODES`.
"""

from pipelines.credit.scorecard import Scorecard

SHIFT = 12
"""Bits of a place: enough for `MAX_FEATURES` features of `MAX_BINS` bins."""
PLACES = (1 << SHIFT) - 1

CODES = ("MISSING_NOT_BINNED", "NOT_FINITE", "UNSEEN_CATEGORY")


def packed_bins(card: Scorecard, index: int) -> list[int]:
    """Packed integer of each bin of a feature."""
    feature = card.features[index]
    first = sum(len(later.bins) for later in card.features[index + 1 :])
    return [
        (feature.max_points - one.points) << SHIFT | first + i for i, one in enumerate(feature.bins)
    ]


def packed_codes(index: int) -> list[int]:
    """Packed integer of each of `CODES` for a feature."""
    return [-(len(CODES) * index + n) for n in range(1, len(CODES) + 1)]


def told_codes(card: Scorecard) -> list[str]:
    """`CODE feature` of -1, -2 and so on."""
    return [f"{code} {feature.name}" for feature in card.features for code in CODES]


def reason_slots(card: Scorecard) -> int:
    """How many of the greatest integers a reason may be made of."""
    return min(card.scale.reasons, len(card.features))
