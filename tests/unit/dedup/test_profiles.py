from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError, ContractError
from pipelines.core.yaml_text import read_yaml
from pipelines.dedup import profiles
from pipelines.dedup.decide import Band, DecideSettings, band_v1, band_v2
from tests.unit.dedup.random_rows import SEEDS

CASES = Path(__file__).parents[2] / "cases/dedup/profiles"
GOLDEN = [
    pytest.param(group["profile"], case, id=f"{group['profile']} {case['name']}")
    for group in (read_yaml(path.read_text(), "cases") for path in sorted(CASES.glob("*.yaml")))
    for case in group["cases"]
]
FUNCTIONS = {"v1": profiles.v1, "v2": profiles.v2}


def nan(value):
    return np.nan if value is None else value


def score(profile, finger, iris, demo):
    rows = [[[nan(v) for v in captures]] for captures in (finger, iris)]
    return FUNCTIONS[profile](*rows, [nan(demo)])


@pytest.mark.parametrize(("profile", "case"), GOLDEN)
def test_golden_vectors(profile, case):
    result = score(profile, case["finger"], case["iris"], case["demo"])
    assert result.score[0] == pytest.approx(nan(case["score"]), abs=1e-9, nan_ok=True)
    if profile == "v2":
        expected = nan(case["confidence"])
        assert result.confidence[0] == pytest.approx(expected, abs=1e-9, nan_ok=True)
        band = band_v2(result.score, result.confidence, DecideSettings())
    else:
        band = band_v1(result.score, DecideSettings())
    assert Band(band[0]).name == case["band"]
    assert result.has_evidence[0] == (case["score"] is not None)


def oracle(weights, values):
    present = [(w, v) for w, v in zip(weights, values, strict=True) if v is not None]
    total = sum(w for w, _ in present)
    return sum(w * v for w, v in present) / total if present else None


def mean(values):
    present = [v for v in values if v is not None]
    return sum(present) / len(present) if present else None


ROWS = 40


def similarities(rng, width):
    """Similarities [rows, width]: a third is missing, some are exactly 0 or 1."""
    values = rng.random((ROWS, width))
    values = np.where(rng.random(values.shape) < 0.15, np.rint(values), values)
    return np.where(rng.random(values.shape) < 0.33, np.nan, values)


def plain(values):
    """Rows as lists, None where a similarity is missing."""
    return [[None if np.isnan(v) else v for v in row] for row in values.tolist()]


@settings(max_examples=15)
@given(SEEDS, st.integers(1, 4), st.integers(1, 2))
def test_score_equals_the_plain_formula(seed, most_fingers, most_irises):
    rng = np.random.default_rng(seed)
    fingers, irises, demo = (similarities(rng, n) for n in (most_fingers, most_irises, 1))
    got = {name: profile(fingers, irises, demo[:, 0]) for name, profile in FUNCTIONS.items()}
    rows = zip(plain(fingers), plain(irises), plain(demo), strict=True)
    for place, (f, i, (d,)) in enumerate(rows):
        expected = {
            "v1": oracle([0.8, 0.2], [mean(f + i), d]),
            "v2": oracle([0.5, 0.4, 0.1], [mean(f), mean(i), d]),
        }
        for name, value in expected.items():
            found = got[name].score[place]
            assert got[name].has_evidence[place] == (value is not None)
            assert found == pytest.approx(nan(value), abs=1e-9, nan_ok=True)
            assert value is None or 0 <= found <= 1


@settings(max_examples=20)
@given(st.sampled_from(["v1", "v2"]), SEEDS, st.integers(0, 2))
def test_score_is_monotone_in_each_modality(profile, seed, which):
    rng = np.random.default_rng(seed)
    values, other = [similarities(rng, 1) for _ in range(3)], rng.random((ROWS, 1))
    changed = [*values]
    changed[which] = np.where(np.isnan(values[which]), np.nan, other)
    before, after = (FUNCTIONS[profile](f, i, d[:, 0]).score for f, i, d in (values, changed))
    is_kept, grows = np.isnan(values[which][:, 0]), (other >= values[which])[:, 0]
    assert (after[grows] >= before[grows]).all()
    falls = ~grows & ~is_kept
    assert (after[falls] <= before[falls]).all()
    np.testing.assert_array_equal(after[is_kept], before[is_kept])


@settings(max_examples=15)
@given(SEEDS)
def test_confidence_is_symmetric_and_v1_takes_captures_in_any_order(seed):
    rng = np.random.default_rng(seed)
    one, two = np.nan_to_num(similarities(rng, 1)), np.nan_to_num(similarities(rng, 1))
    half, none = np.full(ROWS, 0.5), np.full((ROWS, 1), np.nan)
    forth, back = profiles.v2(one, two, half), profiles.v2(two, one, half)
    assert (forth.confidence == back.confidence).all()
    assert ((forth.confidence >= 0) & (forth.confidence <= 1)).all()
    first, second = profiles.v1(np.hstack([one, two]), none, half), profiles.v1(two, one, half)
    assert first.score == pytest.approx(second.score, abs=1e-12)


def test_whole_batch_equals_single_rows():
    rng = np.random.default_rng(3)
    columns = [np.where(rng.random(50) < 0.3, np.nan, rng.random(50)) for _ in range(3)]
    whole = profiles.v2(*columns)
    for row in range(50):
        single = profiles.v2(*(column[row : row + 1] for column in columns))
        np.testing.assert_array_equal(single.score, whole.score[row : row + 1])


def test_demo_score_renormalises_over_present_fields():
    agreements = {
        "age": [1, -1, -1], "gender": [1, 1, -1], "state": [0, 0, -1], "district": [0, -1, -1],
        "pincode": [1, -1, -1], "name": [0, 1, -1],
    }  # fmt: skip
    got = profiles.demo_score(agreements)
    np.testing.assert_allclose(got, [0.5, 0.4 / 0.6, np.nan], atol=1e-12)
    np.testing.assert_allclose(profiles.demo_score({"gender": [1, 0]}), [1.0, 0.0])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: profiles.v1([0.5], [0.5], [1.5]), ContractError, "demo similarity of pair 0"),
        (lambda: profiles.v2([np.inf], [0.5], [0.5]), ContractError, "finger"),
        (lambda: profiles.v1([1], [1], [1], {"bio": 0.9, "demo": 0.2}), ConfigError, "sum to 1"),
        (lambda: profiles.v2([1], [1], [1], {"finger": 1.0}), ConfigError, "expected keys"),
        (lambda: profiles.demo_score({"religion": [1]}), ConfigError, "religion"),
        (lambda: profiles.demo_score({}), ConfigError, "no field"),
    ],
)
def test_bad_values_are_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
