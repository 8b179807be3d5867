"""SplitMix64 against plain Python integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.hashing import fold, splitmix64
from pipelines.dedup.signatures import mix

WORD = (1 << 64) - 1
words = st.integers(min_value=0, max_value=WORD)


def mixed(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) & WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


@pytest.mark.parametrize(("value", "out"), [(0, 0xE220A8397B1DCDAF), (1, 0x910A2DEC89025CC1)])
def test_golden(value: int, out: int) -> None:
    assert int(splitmix64(np.array([value], dtype=np.uint64))[0]) == out


@given(st.lists(words, min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_equals_integer_arithmetic(values: list[int]) -> None:
    array = np.array(values, dtype=np.uint64)
    assert splitmix64(array).tolist() == [mixed(v) for v in values]
    assert [int(mix(word)) for word in array] == [mixed(v) for v in values]


def test_shape_is_kept() -> None:
    assert splitmix64(np.zeros((3, 4), dtype=np.uint64)).shape == (3, 4)


@given(st.integers(0, 1000), st.lists(st.tuples(words, words), min_size=1, max_size=10))
@settings(max_examples=30, deadline=None)
def test_fold_equals_the_chain_of_one_row(seed: int, rows: list[tuple[int, int]]) -> None:
    columns = [np.array(side, dtype=np.uint64) for side in zip(*rows, strict=True)]
    expected = [mixed(mixed(mixed(seed) ^ a) ^ b) for a, b in rows]
    assert fold(seed, columns).tolist() == expected


def test_fold_knows_the_order_of_columns() -> None:
    a, b = np.array([1], dtype=np.uint64), np.array([2], dtype=np.uint64)
    assert fold(0, [a, b])[0] != fold(0, [b, a])[0]
