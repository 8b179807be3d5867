"""SplitMix64 against plain Python integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.hashing import fold, splitmix64
from pipelines.dedup.signatures import mix
from tests.unit.dedup.random_rows import SEEDS

WORD = (1 << 64) - 1


def make_words(seed: int, count: int) -> list[int]:
    """Words of 64 bits, the least and the greatest among them."""
    drawn = np.random.default_rng(seed).integers(0, WORD, count, np.uint64, endpoint=True)
    return [*drawn.tolist(), 0, WORD]


def mixed(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) & WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


@pytest.mark.parametrize(("value", "out"), [(0, 0xE220A8397B1DCDAF), (1, 0x910A2DEC89025CC1)])
def test_golden(value: int, out: int) -> None:
    assert int(splitmix64(np.array([value], dtype=np.uint64))[0]) == out


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_equals_integer_arithmetic(seed: int) -> None:
    values = make_words(seed, 50)
    array = np.array(values, dtype=np.uint64)
    assert splitmix64(array).tolist() == [mixed(v) for v in values]
    assert [int(mix(word)) for word in array] == [mixed(v) for v in values]


def test_shape_is_kept() -> None:
    assert splitmix64(np.zeros((3, 4), dtype=np.uint64)).shape == (3, 4)


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_fold_equals_the_chain_of_one_row(seed: int) -> None:
    rows = list(zip(make_words(seed, 20), reversed(make_words(seed + 1, 20)), strict=True))
    columns = [np.array(side, dtype=np.uint64) for side in zip(*rows, strict=True)]
    expected = [mixed(mixed(mixed(seed) ^ a) ^ b) for a, b in rows]
    assert fold(seed, columns).tolist() == expected


def test_fold_knows_the_order_of_columns() -> None:
    a, b = np.array([1], dtype=np.uint64), np.array([2], dtype=np.uint64)
    assert fold(0, [a, b])[0] != fold(0, [b, a])[0]
