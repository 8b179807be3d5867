"""Iris distances against a bit-by-bit count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError
from pipelines.dedup.irises import IrisSettings, compare_irises, iris_distance
from tests.unit.dedup.capture_samples import (
    FULL_MASK,
    Codes,
    iris,
    pack_bits,
    templates,
    turn_bits,
)


def slow_distance(
    a: Codes, mask_a: Codes, b: Codes, mask_b: Codes, shifts: int = 8
) -> tuple[float, int] | None:
    """Least share of differing bits over the shifts, and the usable bits there; bit beside bit."""
    best: tuple[float, int] | None = None
    ring, col = np.divmod(np.arange(2048), 128)
    for shift in range(-shifts, shifts + 1):
        there = ring * 128 + (col + shift) % 128
        is_usable = (mask_a == 1) & (mask_b[there] == 1)
        usable = int(is_usable.sum())
        differing = int((a != b[there])[is_usable].sum())
        if usable >= 1024:
            found = differing / usable, -usable
            best = found if best is None else min(best, found)
    return None if best is None else (best[0], -best[1])


def tile(pattern: str) -> bytes:
    """A short code repeated around all rings: it turns and differs like the short one."""
    return pack_bits(np.tile(np.array(list(pattern), dtype=np.uint8), 128)[None])[0]


@pytest.mark.parametrize(
    ("second", "mask", "shifts", "expected"),
    [
        ("1101100111000101", "1" * 16, 0, 0.5),
        ("1101100111000101", "1" * 16, 1, 0.0),
        ("1101100111000111", "1" * 16, 1, 1 / 16),
        ("1101100111000111", "1" * 12 + "0000", 1, 0.0),
    ],
)
def test_vectors(second, mask, shifts, expected):
    """K11: shifts and masks count."""
    first = tile("1011001110001011"), tile(mask)
    usable = 128 * mask.count("1")
    plain = IrisSettings(shifts=shifts, reference_bits=usable)
    assert iris_distance(first, (tile(second), FULL_MASK), plain) == pytest.approx(expected)
    assert iris_distance((tile(second), FULL_MASK), first, plain) == pytest.approx(expected)


@pytest.mark.parametrize(("usable", "expected"), [(1659, 0.3), (1200, 0.3299)])
def test_few_bits_draw_a_distance_towards_a_half(usable, expected):
    mask = np.zeros((1, 2048), dtype=np.uint8)
    mask[0, :usable] = 1
    code = np.zeros((1, 2048), dtype=np.uint8)
    code[0, : round(0.3 * usable)] = 1
    one, two = (
        (pack_bits(np.zeros_like(code))[0], FULL_MASK),
        (pack_bits(code)[0], pack_bits(mask)[0]),
    )
    found = iris_distance(one, two, IrisSettings(shifts=0))
    assert found == pytest.approx(expected, abs=4e-4)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32), st.integers(-9, 9), st.sampled_from([0.0, 0.1, 0.28, 0.6]))
def test_distance_equals_bit_by_bit(seed, turn, masked):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 2, (1, 2048), dtype=np.uint8)
    b = turn_bits(a ^ (rng.random((1, 2048)) < 0.2), turn)
    masks = (rng.random((2, 1, 2048)) >= masked).astype(np.uint8)
    one, two = ((pack_bits(c)[0], pack_bits(m)[0]) for c, m in zip((a, b), masks, strict=True))
    slow = slow_distance(a[0], masks[0, 0], b[0], masks[1, 0])
    found = iris_distance(one, two)
    if slow is None:
        assert found is None
    else:
        drawn = 0.5 - (0.5 - slow[0]) * np.sqrt(slow[1] / 1659)
        assert found == pytest.approx(max(0.0, drawn))
    assert iris_distance(two, one) == found


def test_a_turned_copy_is_near_and_a_masked_part_does_not_count():
    """D12: turned copy below .05; what the mask hides cannot disagree."""
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, (1, 2048), dtype=np.uint8)
    code = pack_bits(bits)[0]
    for columns in (-8, 3, 8):
        turned = pack_bits(turn_bits(bits, columns))[0]
        assert iris_distance((code, FULL_MASK), (turned, FULL_MASK)) < 0.05
    beyond = pack_bits(turn_bits(bits, 9))[0]
    assert iris_distance((code, FULL_MASK), (beyond, FULL_MASK)) > 0.4
    spoilt, mask = bits.copy(), np.ones_like(bits)
    spoilt[:, :900] ^= 1
    mask[:, :900] = 0
    assert iris_distance((code, FULL_MASK), (pack_bits(spoilt)[0], pack_bits(mask)[0])) < 0.1
    assert iris_distance((code, FULL_MASK), (pack_bits(spoilt)[0], FULL_MASK)) > 0.35


def test_wrong_lengths_are_named():
    with pytest.raises(ValueError, match="right iris code has 128 bytes and its mask 255"):
        iris_distance((bytes(256), FULL_MASK), (bytes(128), FULL_MASK[:255]))


def test_levels_of_pairs_follow_cuts_and_quality():
    """Levels 0..4 of one record with others; a bad capture hides levels 0 and 1 only (K23)."""
    rng = np.random.default_rng(4)
    first = rng.integers(0, 2, 2048, dtype=np.uint8)
    codes, shares = [first], (0.45, 0.38, 0.34, 0.28, 0.10)
    for share in shares:
        wrong = rng.permutation(2048) < round(share * 2048)
        codes.append(first ^ wrong)
    packed = pack_bits(np.array(codes))
    records = [[iris(code)] for code in packed] + [[iris(code, quality=39)] for code in packed]
    held = templates([*records, None])
    wide = IrisSettings(reference_bits=2048, shifts=0)
    left = np.zeros(12, dtype=np.int64)
    right = np.array([*range(1, 6), 0, *range(7, 12), 12])
    levels, distances = compare_irises(held, held, left, right, wide)
    assert levels[:, 0].tolist() == [0, 1, 2, 3, 4, 4, -1, -1, 2, 3, 4, -1]
    assert (levels[:, 1] == -1).all()
    assert distances[:5, 0] == pytest.approx(shares, abs=1e-3)
    assert distances[-1, 0] == -1


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="iris_shifts"):
        IrisSettings(shifts=64)
    with pytest.raises(ConfigError, match="descend"):
        IrisSettings(cuts=(0.2, 0.3))
