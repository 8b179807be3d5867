"""Rows from one seed: drawn value by value, they would take most of the time of a test."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32)


def random_rows(
    seed: int, count: int, choices: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """Rows whose fields have each one of the values given for it; repeat a value to see it often."""
    rng = np.random.default_rng(seed)
    columns = [
        [values[place] for place in rng.integers(0, len(values), count)]
        for values in choices.values()
    ]
    return [dict(zip(choices, row, strict=True)) for row in zip(*columns, strict=True)]


def random_words(seed: int, count: int, letters: str, sizes: tuple[int, int]) -> list[str]:
    """Words of `letters` whose lengths lie from `sizes[0]` to `sizes[1]`."""
    rng = np.random.default_rng(seed)
    signs = np.array(list(letters))[rng.integers(0, len(letters), (count, sizes[1]))].tolist()
    lengths = rng.integers(sizes[0], sizes[1], count, endpoint=True).tolist()
    return ["".join(row[:length]) for row, length in zip(signs, lengths, strict=True)]
