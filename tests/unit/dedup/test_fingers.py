"""Similarity of fingers against a brute-force alignment in plain Python."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError
from pipelines.dedup.finger_alignment import bound_matches, turn_table
from pipelines.dedup.finger_rotations import SECTOR, sort_by_rotation
from pipelines.dedup.fingers import FingerSettings, compare_fingers, similarity
from tests.unit.dedup.capture_samples import (
    Minutia,
    finger,
    make_thumb,
    recapture,
    templates,
)
from tests.unit.dedup.random_rows import SEEDS

E, B = 0, 1
FOUR = [(0, 0, 0, E), (50, 0, 90, B), (50, 40, 180, E), (10, 60, 270, B)]
TURNED = [(100, 20, 90, E), (100, 70, 180, B), (60, 70, 270, E), (40, 30, 0, B)]
THUMB = (0,)
EXACT = FingerSettings(floor=0)


def alignments_of(a: Sequence[Minutia], b: Sequence[Minutia]) -> list[tuple[int, int]]:
    """Minutiae of one type that can be put onto each other."""
    return [(i, j) for i in range(len(a)) for j in range(len(b)) if a[i][3] == b[j][3]]


def edges_of_alignments(
    a: Sequence[Minutia], b: Sequence[Minutia], anchors: Sequence[tuple[int, int]]
) -> list[list[list[int]]]:
    """Partners of each minutia of a when a[i] is put onto b[j], by complex numbers."""
    if not anchors:
        return []
    one, two = np.array(a), np.array(b)
    i, j = np.array(anchors).T
    put, onto = one[:, 0] + 1j * one[:, 1], two[:, 0] + 1j * two[:, 1]
    turn = (two[j, 2] - one[i, 2])[:, None, None]
    placed = onto[j][:, None] + np.exp(1j * np.radians(turn[..., 0])) * (put - put[i][:, None])
    fits = np.abs((two[:, 2] - one[:, 2, None] - turn + 180) % 360 - 180) <= 30
    fits &= np.abs(placed[..., None] - onto) <= 10 + 1e-7
    fits &= one[:, 3, None] == two[:, 3]
    return [[np.flatnonzero(row).tolist() for row in alignment] for alignment in fits]


def matching_size(partners: list[list[int]]) -> int:
    owner: dict[int, int] = {}

    def place(k: int, seen: set[int]) -> bool:
        for m in partners[k]:
            if m not in seen:
                seen.add(m)
                if m not in owner or place(owner[m], seen):
                    owner[m] = k
                    return True
        return False

    return sum(place(k, set()) for k in range(len(partners)))


def brute_similarity(a: Sequence[Minutia], b: Sequence[Minutia]) -> float:
    found = edges_of_alignments(a, b, alignments_of(a, b))
    return max(map(matching_size, found), default=0) / max(len(a), len(b), 1)


@st.composite
def sets_of_minutiae(draw: Any, span: int, most: int) -> list[Minutia]:
    """Up to `most` minutiae from one seed; coarse angles are often equal, or 30 degrees apart."""
    count, step = draw(st.integers(0, most)), draw(st.sampled_from([1, 1, 5, 30, 90]))
    rng = np.random.default_rng(draw(SEEDS))
    rows = rng.integers(0, (span + 1, span + 1, 360 // step, 2), (count, 4)) * (1, 1, step, 1)
    return list(map(tuple, rows.tolist()))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (FOUR, TURNED, 1.0),
        (FOUR, [*TURNED[:3], (300, 300, 10, E)], 0.75),
        (FOUR, [*TURNED[:3], (40, 30, 0, E)], 0.75),
        ([(0, 0, 0, E), (4, 0, 350, E), (50, 0, 90, B)], [(0, 0, 0, E), (50, 0, 90, B)], 2 / 3),
        ([(0, 0, 350, E), (40, 0, 5, E)], [(0, 0, 350, E), (40, 0, 335, E)], 1.0),
        ([(0, 0, 350, E), (40, 0, 5, E)], [(0, 0, 350, E), (40, 0, 334, E)], 0.5),
        ([(0, 0, 0, E), (50, 0, 0, E)], [(0, 0, 0, E), (60, 0, 0, E)], 1.0),
        ([(0, 0, 0, E), (50, 0, 0, E)], [(0, 0, 0, E), (61, 0, 0, E)], 0.5),
        ([(0, 0, 0, E)], [(5, 5, 5, B)], 0.0),
        (FOUR, [], 0.0),
    ],
)
def test_vectors_both_ways(a, b, expected):
    """K10: rotation is free, angles wrap, a minutia matches once, limits are inclusive."""
    assert similarity(a, b) == pytest.approx(expected)
    assert similarity(b, a) == similarity(a, b)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([25, 60, 300, 2000]), st.data())
def test_similarity_equals_brute_force(span, data):
    a, b = (data.draw(sets_of_minutiae(span, 9)) for _ in range(2))
    assert similarity(a, b) == pytest.approx(brute_similarity(a, b))


@settings(max_examples=60, deadline=None)
@given(sets_of_minutiae(40, 10), SEEDS)
def test_similarity_of_shaken_minutiae_equals_brute_force(a, seed):
    rng = np.random.default_rng(seed)
    shakes = rng.integers((-8, -8, -31), (8, 8, 31), (len(a), 3), endpoint=True).tolist()
    b = [
        (x + 50 + dx, y + dy + 9, (angle + da) % 360, kind)
        for (x, y, angle, kind), (dx, dy, da) in zip(a, shakes, strict=True)
    ]
    assert similarity(a, b) == pytest.approx(brute_similarity(a, b))
    assert similarity(a, b) == similarity(b, a)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([12, 40, 400, 2000]), st.data())
def test_the_bound_never_falls_below_the_matches(span, data):
    a, b = (data.draw(sets_of_minutiae(span, 12)) for _ in range(2))
    if not {m[3] for m in a} & {m[3] for m in b}:
        return
    one, two = (np.array(side, dtype=np.int32).T.copy() for side in (a, b))
    first, left, right = sort_by_rotation(one, two, 30)
    bounds = bound_matches(one, two, first, left, right, 10.0, 30, turn_table())
    start = first[30 + SECTOR // 2]
    alignments = zip(left[start:], right[start:], bounds, strict=False)
    anchors = [(int(i), int(j)) for i, j, _ in alignments]
    assert sorted(anchors) == alignments_of(a, b)
    for partners, bound in zip(edges_of_alignments(a, b, anchors), bounds, strict=True):
        assert bound >= matching_size(partners)


def test_whole_thumbs_equal_brute_force():
    rng = np.random.default_rng(5)
    first, other = (make_thumb(rng) for _ in range(2))
    a, b, c = recapture(rng, first), recapture(rng, first), recapture(rng, other)
    assert similarity(a, b) == pytest.approx(brute_similarity(a, b))
    assert similarity(a, c) == pytest.approx(brute_similarity(a, c))


@settings(max_examples=60, deadline=None)
@given(sets_of_minutiae(400, 20).filter(len), st.integers(0, 3), st.integers(-300, 300))
def test_self_is_one_after_any_quarter_turn_and_shift(a, quarters, shift):
    b = a
    for _ in range(quarters):
        b = [(-y, x, (angle + 90) % 360, kind) for x, y, angle, kind in b]
    b = [(x + shift, y - shift, angle, kind) for x, y, angle, kind in b]
    assert similarity(a, b) == 1.0


def test_levels_of_pairs_follow_similarity_and_quality():
    rng = np.random.default_rng(11)
    thumbs = [make_thumb(rng) for _ in range(6)]
    shown = [recapture(rng, thumb) for thumb in thumbs for _ in range(2)]
    qualities = [80] * 10 + [39, 80]
    records = [[finger(m, quality=q)] for m, q in zip(shown, qualities, strict=True)] + [None]
    held = templates(records)
    left, right = np.triu_indices(13, 1)
    levels, similarities = compare_fingers(held, held, left, right, (0, 1), EXACT)
    coarse, _ = compare_fingers(held, held, left, right, (0, 1))
    assert np.array_equal(levels, coarse)
    assert (levels[:, 1] == -1).all()
    for pair, (i, j) in enumerate(zip(left, right, strict=True)):
        if j == 12:
            assert (levels[pair, 0], similarities[pair, 0]) == (-1, -1)
            continue
        expected = similarity(shown[i], shown[j])
        level = sum(expected >= cut for cut in (0.20, 0.30, 0.45, 0.60))
        hidden = min(qualities[i], qualities[j]) < 40 and level <= 1
        assert similarities[pair, 0] == pytest.approx(expected)
        assert levels[pair, 0] == (-1 if hidden else level)
    genuine = left // 2 == right // 2
    assert (levels[genuine & (right < 12), 0] >= 3).all()


@pytest.mark.parametrize("matched", [1, 2, 3, 4])
def test_a_similarity_at_a_cut_reaches_the_level(matched):
    """Cuts at 1 to 4 of 5 minutiae are inclusive, although shares are no exact floats."""
    a = [(0, 0, 0, E), (100, 0, 10, E), (0, 150, 20, E), (220, 90, 30, E), (310, 310, 40, E)]
    rest = [(1000 + 97 * i * i, 50 + 61 * i, 200, B) for i in range(5 - matched)]
    held = templates([[finger(a)], [finger(a[:matched] + rest)]])
    one = np.array([0]), np.array([1])
    strict = FingerSettings(cuts=(matched / 5, 0.999), floor=0.2)
    assert compare_fingers(held, held, *one, THUMB, strict)[0] == 1
    above = FingerSettings(cuts=(matched / 5 + 0.01, 0.999), floor=0.2)
    assert compare_fingers(held, held, *one, THUMB, above)[0] == 0


def test_a_bad_capture_that_disagrees_is_no_evidence():
    """K23: below quality 40 levels 0 and 1 are null; two good ones do differ."""
    rng = np.random.default_rng(2)
    one, two = (recapture(rng, make_thumb(rng)) for _ in range(2))
    records = [[finger(one, quality=q)] for q in (39, 40)] + [[finger(two)]]
    held = templates(records)
    levels, _ = compare_fingers(held, held, np.array([0, 1]), np.array([2, 2]), THUMB)
    assert levels[:, 0].tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("minutiae", "message"),
    [
        ([0.1] * 128, "rows of x, y, angle, type"),
        ([(0, 0, 0, 2)], "type"),
        ([(0, 0, 0, 0), (9000, 0, 0, 0)], "pixels apart"),
    ],
)
def test_only_minutiae_can_be_compared(minutiae, message):
    """K9: a summary vector is refused, nothing is made up from it."""
    with pytest.raises(ValueError, match=message):
        similarity(FOUR, minutiae)


def test_settings_out_of_order_are_refused():
    with pytest.raises(ConfigError, match="finger_levels"):
        FingerSettings(cuts=(0.3, 0.2))
    with pytest.raises(ConfigError, match="floor"):
        FingerSettings(floor=0.5)
    with pytest.raises(ConfigError, match="tolerance_degrees"):
        FingerSettings(degrees=180)
