"""Finger keys against triplets written down plainly, and their votes against the formula."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.dedup.finger_keys import FingerKeySettings, finger_keys, lacks_good_irises
from pipelines.dedup.templates import Templates
from tests.unit.dedup.capture_samples import (
    Minutia,
    finger,
    iris,
    make_thumb,
    recapture,
    templates,
)


def triplets(minutiae: Sequence[Minutia]) -> set[tuple[object, ...]]:
    """Triplets of a finger, all at once, each corner with the values it is made of."""
    every = np.array(minutiae)
    apart = ((every[:, None, :2] - every[:, :2]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, -1)  # each minutia is the first of its own neighbours
    near = np.argsort(apart, axis=1, kind="stable")[:, :6]
    seconds = itertools.combinations(range(1, near.shape[1]), 2)
    threes = np.concatenate([near[:, [0, j, k]] for j, k in seconds])
    return describe(every[np.unique(np.sort(threes, axis=1), axis=0)])


def describe(threes: npt.NDArray[np.int64]) -> set[tuple[object, ...]]:
    """Descriptions of minutiae [triplets, 3, 4]: side, direction and type of each corner, turn."""
    x, y, angle, kind = np.moveaxis(threes, 2, 0)
    wide, high = (np.roll(v, -1, axis=1) - np.roll(v, -2, axis=1) for v in (x, y))
    side = np.sqrt(wide**2 + high**2) // 12
    up, right = ((v - v.sum(axis=1, keepdims=True) / 3).ravel().tolist() for v in (y, x))
    outward = np.array([math.degrees(math.atan2(*way)) for way in zip(up, right, strict=True)])
    direction = (angle - outward.reshape(angle.shape)) % 360 // 30
    order = np.lexsort((y, x, kind, direction, side))
    corners = np.stack([side, direction, kind, x, y], axis=2)
    p, q, r = np.moveaxis(np.take_along_axis(corners, order[..., None], axis=1), 1, 0)
    is_left = (q - p)[:, 3] * (r - p)[:, 4] > (q - p)[:, 4] * (r - p)[:, 3]
    alike = [(a[:, :3] == b[:, :3]).all(axis=1) for a, b in ((p, q), (q, r))]
    turns_left = is_left & ~alike[0] & ~alike[1]
    rows = np.column_stack([p[:, :3], q[:, :3], r[:, :3], turns_left])
    return set(map(tuple, rows.tolist()))


def keys_of(minutiae: Sequence[Minutia], settings: FingerKeySettings) -> set[int]:
    return set(finger_keys(templates([[finger(minutiae)]]), 7, settings)[1].tolist())


def test_triplet_keys_agree_exactly_as_triplets_do():
    rng = np.random.default_rng(8)
    thumbs = [make_thumb(rng) for _ in range(12)] * 2
    shown = [recapture(rng, thumb) for thumb in thumbs]
    described = [triplets(minutiae) for minutiae in shown]
    keys = [keys_of(minutiae, FingerKeySettings()) for minutiae in shown]
    pairs = list(itertools.combinations(range(len(shown)), 2))
    expected = [len(described[i] & described[j]) for i, j in pairs]
    assert [len(keys[i] & keys[j]) for i, j in pairs] == expected
    assert sum(expected) > 50


def test_keys_survive_rotation_and_order():
    a = recapture(np.random.default_rng(4), make_thumb(np.random.default_rng(3)))
    turned = [(y, 1000 - x, (angle - 90) % 360, kind) for x, y, angle, kind in reversed(a)]
    one, two = keys_of(a, FingerKeySettings()), keys_of(turned, FingerKeySettings())
    assert len(one & two) >= 0.95 * len(one)


def test_minhash_votes_follow_the_formula():
    """D5: recall within 2 points of 1 - sum of C(B,i) J^i (1-J)^(B-i) over i < v."""
    rng = np.random.default_rng(21)
    hashes, votes, seeds = 192, 2, range(12)
    thumbs = [make_thumb(rng) for _ in range(100)]
    sides = [[recapture(rng, thumb) for thumb in thumbs] for _ in range(2)]
    held = [templates([[finger(m)] for m in side]) for side in sides]
    found = np.zeros((len(seeds), len(thumbs)))
    for seed in seeds:
        one, two = (keys_by_row(side, seed, hashes) for side in held)
        found[seed] = [len(np.intersect1d(*keys)) for keys in zip(one, two, strict=True)]
    expected = []
    for a, b in zip(*sides, strict=True):
        one, two = triplets(a), triplets(b)
        j = len(one & two) / len(one | two)
        expected.append(vote_recall(j, hashes, votes))
    assert np.mean(found >= votes) == pytest.approx(np.mean(expected), abs=0.02)


def keys_by_row(held: Templates, seed: int, hashes: int) -> npt.NDArray[np.uint64]:
    """The keys of each record, [records, hashes]: every one has so many."""
    row, key, _ = finger_keys(held, seed, FingerKeySettings(keys=hashes))
    assert (np.bincount(row) == hashes).all()
    return key[np.argsort(row, kind="stable")].reshape(-1, hashes)


def vote_recall(j: float, hashes: int, votes: int) -> float:
    missed = (math.comb(hashes, i) * j**i * (1 - j) ** (hashes - i) for i in range(votes))
    return 1 - sum(missed)


@pytest.mark.parametrize(
    ("j", "expected"),
    [(0.05, 0.9994), (0.022, 0.9257), (0.01, 0.5732), (0.002, 0.0572), (0.0001, 0.00018)],
)
def test_vote_formula_vectors(j, expected):
    assert vote_recall(j, 192, 2) == pytest.approx(expected, abs=1e-4)


def test_strangers_share_few_triplets_and_captures_of_a_finger_many():
    """K5: three votes over two thumbs keep genuine pairs and fewer than 1e-3 of the strangers."""
    rng = np.random.default_rng(33)
    people = [[make_thumb(rng) for _ in range(2)] for _ in range(150)]
    names = ("RIGHT_THUMB", "LEFT_THUMB")
    shown = [
        templates(
            [[finger(recapture(rng, t), n) for t, n in zip(p, names, strict=True)] for p in people]
        )
        for _ in range(2)
    ]
    (asking, asked), (owner, owned) = (finger_keys(side, 7)[:2] for side in shown)
    order = np.argsort(owned)
    first, last = (np.searchsorted(owned[order], asked, side) for side in ("left", "right"))
    met = np.repeat(last - np.cumsum(last - first), last - first) + np.arange((last - first).sum())
    votes = np.zeros((len(people), len(people)), dtype=int)
    np.add.at(votes, (np.repeat(asking, last - first), owner[order[met]]), 1)
    genuine = np.eye(len(people), dtype=bool)
    assert np.mean(votes[genuine] >= 3) >= 0.98
    assert np.mean(votes[~genuine] >= 3) < 1e-3


def test_a_finger_meets_only_the_same_finger():
    minutiae = recapture(np.random.default_rng(6), make_thumb(np.random.default_rng(6)))
    held = templates([[finger(minutiae), finger(minutiae, "LEFT_THUMB")]])
    row, key, is_probe = finger_keys(held, 7)
    assert len(set(key.tolist())) == len(key) == 2 * len(triplets(minutiae))
    assert not is_probe.any()
    assert not row.any()


def test_records_with_good_irises_only_ask():
    minutiae = recapture(np.random.default_rng(6), make_thumb(np.random.default_rng(6)))
    eyes = [iris(bytes(range(256)), position=f"{side}_IRIS") for side in ("LEFT", "RIGHT")]
    bad = {**eyes[0], "quality": 39}
    held = templates(
        [[finger(minutiae), *eyes], [finger(minutiae), bad, eyes[1]], [finger(minutiae)]]
    )
    assert lacks_good_irises(held).tolist() == [False, True, True]
    row, _, is_probe = finger_keys(held, 7, is_index=lacks_good_irises(held))
    assert np.array_equal(is_probe, row == 0)
