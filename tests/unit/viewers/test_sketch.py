"""Distinct viewers: the sketch at a million, joining, and what 32 bits miss."""

import numpy as np
import pytest

from pipelines.viewers.sketch import digest, estimate, shared_digests, standard_error


@pytest.fixture(scope="module")
def million():
    rng = np.random.default_rng(5)
    return rng.integers(-(2**31), 2**31, 1_000_000)


def test_error_at_a_million_stays_under_two_percent(million):
    exact = estimate(million, 1)
    found = estimate(np.concatenate([million, million[:300_000]]), 16)
    assert abs(found - exact) / exact < 0.02
    assert standard_error(1e6, 16) == pytest.approx(0.00387, abs=1e-5)


def test_sketches_of_parts_join_to_that_of_the_whole(million):
    left, right = million[:600_000], million[400_000:]
    kept = [set(part[part % 16 == 0].tolist()) for part in (left, right)]
    assert len(kept[0] | kept[1]) * 16 == estimate(million, 16)


def test_digests_of_tokens_spread_evenly():
    digests = np.array([digest(f"t1_{n}".encode()) for n in range(40_000)])
    assert len(np.unique(digests)) == 40_000
    assert abs(estimate(digests, 16) - 40_000) / 40_000 < 4 * standard_error(40_000, 16)


def test_what_shared_digests_cost_is_known():
    assert shared_digests(1e6) == pytest.approx(116.4, abs=0.5)
    assert shared_digests(25.3e6) / 25.3e6 < 0.003
