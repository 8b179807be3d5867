"""Iris keys against their collision probability, and the bits they are made of."""

import numpy as np
import pandas as pd
import pytest

from pipelines.core.errors import ConfigError
from pipelines.dedup.iris_keys import IrisKeySettings, iris_keys, sample_bits
from pipelines.dedup.templates import Templates
from tests.unit.dedup.capture_samples import FULL_MASK, Codes, iris, pack_bits, templates, turn_bits

Keys = tuple[np.ndarray, np.ndarray, np.ndarray]


def one_eyed(bits: Codes, masks: Codes | None = None, position: str = "RIGHT_IRIS") -> Templates:
    hidden = [FULL_MASK] * len(bits) if masks is None else pack_bits(masks)
    codes = pack_bits(bits)
    return templates(
        [[iris(c, m, position=position)] for c, m in zip(codes, hidden, strict=True)]
    )  # fmt: skip


def meetings(one: Keys, two: Keys) -> set[tuple[int, int]]:
    """Pairs (row of one, row of two) with an equal key, not both probes."""
    sides = [
        pd.DataFrame(dict(zip(("row", "key", "is_probe"), side, strict=True)))
        for side in (one, two)
    ]
    met = sides[0].merge(sides[1], on="key")
    met = met[~(met["is_probe_x"] & met["is_probe_y"])]
    return set(zip(met["row_x"].tolist(), met["row_y"].tolist(), strict=True))


def recall(one: Keys, two: Keys, records: int) -> float:
    return len({(i, i) for i in range(records)} & meetings(one, two)) / records


@pytest.mark.parametrize("share", [0.05, 0.10, 0.15, 0.20])
def test_recall_follows_the_formula(share):
    """D5: within 2 points of 1-(1-(1-h)^k)^L for planted distances."""
    rng = np.random.default_rng(round(share * 100))
    settings = IrisKeySettings(bits=20, tables=40, shifts=(), rings=16)
    a = rng.integers(0, 2, (3000, 2048), dtype=np.uint8)
    b = a ^ (rng.random(a.shape, np.float32) < share)
    found = recall(iris_keys(one_eyed(a), 7, settings), iris_keys(one_eyed(b), 7, settings), 3000)
    assert found == pytest.approx(1 - (1 - (1 - share) ** 20) ** 40, abs=0.02)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.05, 1), (0.10, 0.9944), (0.15, 0.7943), (0.20, 0.3711), (0.33, 0.0132), (0.50, 0.00004)],
)
def test_recall_formula_vectors(share, expected):
    assert 1 - (1 - (1 - share) ** 20) ** 40 == pytest.approx(expected, abs=1e-4)


def test_defaults_find_turned_recaptures_and_leave_strangers_apart():
    """D5, K5: recall >= .98 at .10 for every turn probed; <= .05 at .33; strangers below 1e-3."""
    rng = np.random.default_rng(9)
    records = 400
    a = rng.integers(0, 2, (records, 2048), dtype=np.uint8)
    index = iris_keys(one_eyed(a), 7)
    for turn in (-3, -1, 0, 2, 3):
        b = turn_bits(a ^ (rng.random(a.shape, np.float32) < 0.10), turn)
        assert recall(index, iris_keys(one_eyed(b), 7), records) >= 0.98
    far = iris_keys(one_eyed(a ^ (rng.random(a.shape, np.float32) < 0.33)), 7)
    assert recall(index, far, records) <= 0.05
    strangers = iris_keys(one_eyed(rng.integers(0, 2, a.shape, dtype=np.uint8)), 7)
    assert len(meetings(index, strangers)) / records**2 < 1e-3


def test_a_pair_with_one_common_eye_meets_on_half_of_the_tables():
    rng = np.random.default_rng(12)
    a, other = rng.integers(0, 2, (2, 300, 2048), dtype=np.uint8)
    b = a ^ (rng.random(a.shape, np.float32) < 0.10)
    both = templates(
        [
            [iris(right), iris(left, position="LEFT_IRIS")]
            for right, left in zip(pack_bits(a), pack_bits(other), strict=True)
        ]
    )
    settings = IrisKeySettings()
    assert recall(iris_keys(both, 7, settings), iris_keys(one_eyed(b), 7, settings), 300) >= 0.98
    wrong_eye = iris_keys(one_eyed(a, position="LEFT_IRIS"), 7, settings)
    assert not meetings(iris_keys(one_eyed(a), 7, settings), wrong_eye)


def test_keys_are_the_sampled_bits_and_a_masked_bit_makes_none():
    rng = np.random.default_rng(2)
    settings = IrisKeySettings(bits=12, tables=30, shifts=(2,))
    rings, columns = sample_bits(5, settings)
    bits = rng.integers(0, 2, (2, 2048), dtype=np.uint8)
    masks = (rng.random((2, 2048)) >= 0.05).astype(np.uint8)
    row, key, is_probe = iris_keys(one_eyed(bits, masks), 5, settings)
    for shift in (0, 2):
        place = rings * 128 + (columns - shift) % 128
        usable = masks[:, place].all(axis=2)
        assert np.array_equal(
            np.bincount(row[is_probe == (shift > 0)], minlength=2), usable.sum(axis=1)
        )
    alike = bits.copy()
    alike[:, np.setdiff1d(np.arange(2048), (rings * 128 + columns).ravel())] ^= 1
    again = iris_keys(one_eyed(alike, masks), 5, settings)
    assert np.array_equal(again[1][~again[2]], key[~is_probe])
    assert not np.intersect1d(iris_keys(one_eyed(bits, masks), 6, settings)[1], key).size


def test_samples_are_spread_over_the_inner_rings():
    rings, columns = sample_bits(7, IrisKeySettings(bits=20, tables=80, rings=10))
    assert rings.max() == 9
    for ring, column in zip(rings, columns, strict=True):
        assert np.bincount(ring, minlength=10).tolist() == [2] * 10
        order = np.argsort(ring, kind="stable").reshape(10, 2)
        assert (np.abs(np.diff(column[order], axis=1)) == 64).all()


def test_samples_that_no_key_can_hold_are_refused():
    with pytest.raises(ConfigError, match="64, 10 and 80"):
        IrisKeySettings(bits=64)
