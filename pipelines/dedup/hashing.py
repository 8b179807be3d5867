"""Keys folded from several columns of hashes."""

import numpy as np

from pipelines.core.mixing import U64, splitmix64

__all__ = ["U64", "fold", "splitmix64"]


def fold(seed: int, columns: list[U64]) -> U64:
    """Hash several aligned columns into one key per row, order of columns significant."""
    key = splitmix64(np.full(len(columns[0]), seed, dtype=np.uint64))
    for column in columns:
        key = splitmix64(key ^ column)
    return key
