"""Shingles, MinHash and bands against sets of Python integers; banding against its formula."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.signatures import (
    NO_SHINGLE,
    HashFamily,
    band_prefixes,
    merge_signatures,
    minhash_tokens,
    minhash_values,
    tail_bytes,
)
from pipelines.dedup.vocabulary import string_buffers
from tests.unit.dedup.random_rows import SEEDS, random_words

WORD = (1 << 64) - 1


def mixed(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) & WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def shingles(value: str, tag: int) -> set[int]:
    text = b"_" + value.encode() + b"_"
    windows = (text[i : i + 3] for i in range(len(text) - 2))
    return {tag << 24 | w[0] << 16 | w[1] << 8 | w[2] for w in windows}


def functions(hashes: int, seed: int) -> list[tuple[int, int]]:
    start = seed << 20
    return [(mixed(start + 2 * k) | 1, mixed(start + 2 * k + 1)) for k in range(hashes)]


def minima(tokens: set[int], hashes: int, seed: int) -> list[int]:
    words = [mixed(token) for token in tokens]
    return [min(((a * x + c) & WORD) >> 32 for x in words) for a, c in functions(hashes, seed)]


def signature(value: str, tag: int = 1, hashes: int = 64, seed: int = 1) -> np.ndarray:
    buffers = string_buffers(pa.array([value], pa.large_string()))
    return minhash_values(*buffers, tag, HashFamily.seeded(hashes, seed))[0]


def jaccard(a: set[int], b: set[int]) -> float:
    return len(a & b) / len(a | b)


def test_golden_shingles() -> None:
    assert int.from_bytes(b"_ra") | 1 << 24 == 23032417
    assert 23032417 in shingles("ramesh", 1)
    ramesh, ramesha = shingles("ramesh", 1), shingles("ramesha", 1)
    assert (len(ramesh), len(ramesha), len(ramesh & ramesha)) == (6, 7, 5)
    lakshmi, laxmi = shingles("lakshmi", 1), shingles("laxmi", 1)
    assert (len(lakshmi), len(laxmi), len(lakshmi & laxmi)) == (7, 5, 2)


def test_golden_hash_family() -> None:
    family = HashFamily.seeded(1, 1)
    assert (int(family.a[0]), int(family.c[0])) == (0x33548C24002A1C2D, 0xF64A78F7C2FE7F77)
    assert mixed(23032417) == 0x1EA00993A7941645


def test_golden_signature_and_bands() -> None:
    found = signature("ramesh")
    assert found[:4].tolist() == [106342976, 404817353, 1097664874, 624900705]
    bands = band_prefixes(found[None, :4], rows=2, salt=1)
    assert [hex(key) for key in bands[0].tolist()] == ["0x471e55f47c10de99", "0x78e09c1b74f42718"]


def test_golden_agreement() -> None:
    agreement = (signature("ramesh", hashes=2048) == signature("ramesha", hashes=2048)).mean()
    assert agreement == pytest.approx(0.62744, abs=1e-5)


@given(SEEDS, st.integers(1, 4))
@settings(max_examples=8, deadline=None)
def test_signature_is_the_minimum_over_the_shingle_set(seed: int, tag: int) -> None:
    for value in random_words(seed, 8, "abrskl é", (1, 12)):
        assert signature(value, tag, 8, 3).tolist() == minima(shingles(value, tag), 8, 3)


def test_a_batch_equals_its_values_one_by_one() -> None:
    words = ["om", "a", "ramesh kumar", "éva", "lakshmi"]
    sliced = pa.array(["before", *words], pa.large_string())[1:]  # buffers with an offset
    batch = minhash_values(*string_buffers(sliced), 2, HashFamily.seeded(16, 1))
    assert (batch == [signature(word, 2, 16) for word in words]).all()


def test_empty_value_has_no_shingle() -> None:
    assert (signature("", hashes=4) == NO_SHINGLE).all()


def test_tokens_equal_one_element_sets() -> None:
    tokens = np.array([7, 31, 1999], dtype=np.uint64)
    found = minhash_tokens(tokens, 9, HashFamily.seeded(8, 5))
    assert found.tolist() == [minima({9 << 24 | int(t)}, 8, 5) for t in tokens]


def test_exchanged_names_make_one_signature() -> None:
    family = HashFamily.seeded(16, 1)
    words = minhash_values(
        *string_buffers(pa.array(["patil", "suresh"], pa.large_string())), 1, family
    )
    given_names, surnames = np.array([0, 1, 0]), np.array([1, 0, -1])
    merged = merge_signatures([(words, given_names), (words, surnames)])
    assert (merged[0] == merged[1]).all()
    assert merged[0].tolist() == minima(shingles("suresh", 1) | shingles("patil", 1), 16, 1)
    assert (merged[2] == words[0]).all(), "a missing field adds nothing"


def test_bands_fold_their_first_rows_in_order() -> None:
    found = signature("ramesh", hashes=12)
    for depth in (2, 3, 4):
        expected = []
        for band in range(3):
            key = mixed((5 << 16) + band)
            for value in found[4 * band : 4 * band + depth].tolist():
                key = mixed(key ^ value)
            expected.append(key)
        assert band_prefixes(found[None, :], 4, 5, depth)[0].tolist() == expected


def test_tails_are_the_low_bytes() -> None:
    found = signature("ramesh", hashes=8)
    assert tail_bytes(found[None, :]).tolist() == [[v & 255 for v in found.tolist()]]


def test_estimates_stay_within_three_sigma() -> None:
    """D3: agreement of signatures estimates the Jaccard similarity of the sets."""
    rng, hashes = random.Random(11), 256
    names = ["".join(rng.choices("abcdeilmnorst", k=rng.randint(5, 14))) for _ in range(200)]
    pairs = [(name, name[: rng.randint(2, len(name))] + rng.choice(names)) for name in names]
    misses = 0
    for a, b in pairs:
        exact = jaccard(shingles(a, 1), shingles(b, 1))
        agreement = (signature(a, 1, hashes) == signature(b, 1, hashes)).mean()
        misses += abs(agreement - exact) > 3 * np.sqrt(exact * (1 - exact) / hashes)
    assert misses <= 3  # 0.3 % of 200 are expected beyond three sigma


def planted_signatures(pairs: int, similarity: float, hashes: int) -> tuple[np.ndarray, np.ndarray]:
    """MinHash of token sets of 40 whose Jaccard similarity is as wanted, as near as 1/80 allows."""
    shared = round(80 * similarity / (1 + similarity))
    rng, family = np.random.default_rng(5), HashFamily.seeded(hashes, 1)
    sides: list[list[np.ndarray]] = [[], []]
    for low in range(0, pairs, 250):
        tokens = rng.integers(0, 2**40, (min(250, pairs - low), 80 - shared), dtype=np.uint64)
        hashed = minhash_tokens(tokens.ravel(), 0, family).reshape(*tokens.shape, hashes)
        sides[0].append(hashed[:, :40].min(axis=1))
        sides[1].append(hashed[:, 40 - shared :].min(axis=1))
    return np.vstack(sides[0]), np.vstack(sides[1])


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.9])
def test_band_collisions_follow_the_formula(similarity: float) -> None:
    """D4, with fewer pairs: recall is 1-(1-s^r)^b within sampling error and 2 points."""
    left, right = planted_signatures(1000, similarity, 64)
    shared = round(80 * similarity / (1 + similarity))
    s = shared / (80 - shared)
    for depth in (2, 4):
        keys = band_prefixes(left, 4, 1, depth), band_prefixes(right, 4, 1, depth)
        found = (keys[0] == keys[1]).any(axis=1).mean()
        expected = 1 - (1 - s**depth) ** 16
        assert found == pytest.approx(
            expected, abs=0.02 + 3 * np.sqrt(expected * (1 - expected) / 1000)
        )


def test_random_sets_seldom_meet() -> None:
    """K4: ten one-row tables pair a quarter of unrelated sets; bands of four rows under 1 %."""
    rng, family = np.random.default_rng(3), HashFamily.seeded(64, 1)
    universe = minhash_tokens(np.arange(1000, dtype=np.uint64), 0, family)
    sets = np.array([universe[rng.choice(1000, 60, replace=False)].min(axis=0) for _ in range(400)])
    upper = np.triu_indices(len(sets), 1)

    def share(keys: np.ndarray) -> float:
        meets = (keys[:, None, :] == keys[None, :, :]).any(axis=2)
        return float(meets[upper].mean())

    assert share(sets[:, :10]) > 0.2, "the naive form"
    assert share(band_prefixes(sets, 4, 1, depth=4)) < 0.01


def test_candidates_of_names_follow_the_formula() -> None:
    """K17: one-permutation hashing with rotation makes 30 to 300 times the candidates."""
    rng = random.Random(2)
    words = sorted({"".join(rng.choices("aeiknrst", k=rng.randint(6, 12))) for _ in range(420)})[
        :400
    ]
    family = HashFamily.seeded(64, 1)
    found = minhash_values(*string_buffers(pa.array(words, pa.large_string())), 1, family)
    keys = band_prefixes(found, 4, 1, depth=2)
    made = expected = 0.0
    sets = [shingles(word, 1) for word in words]
    for i in range(len(words)):
        made += int((keys[i + 1 :] == keys[i]).any(axis=1).sum())
        expected += sum(1 - (1 - jaccard(sets[i], other) ** 2) ** 16 for other in sets[i + 1 :])
    assert expected / 1.2 < made < 1.2 * expected


def test_dense_vectors_have_no_shingle_sets() -> None:
    """K2: hashing the non-zero indexes of dense vectors makes every pair equal; values do not."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(20, 128))
    indexes = [tuple(np.flatnonzero(vector)) for vector in vectors]
    assert len(set(indexes)) == 1, "the naive form sees one set"
    names = pa.array([f"{vector[0]:.9f}" for vector in vectors], pa.large_string())
    found = minhash_values(*string_buffers(names), 1, HashFamily.seeded(64, 1))
    assert len({row.tobytes() for row in found}) == 20
