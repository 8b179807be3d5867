from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError, ContractError
from pipelines.core.yaml_text import read_yaml
from pipelines.dedup import profiles
from pipelines.dedup.decide import Band, DecideSettings, band_v1, band_v2

CASES = Path(__file__).parents[2] / "cases/dedup/profiles"
GOLDEN = [
    pytest.param(group["profile"], case, id=f"{group['profile']} {case['name']}")
    for group in (read_yaml(path.read_text(), "cases") for path in sorted(CASES.glob("*.yaml")))
    for case in group["cases"]
]
FUNCTIONS = {"v1": profiles.v1, "v2": profiles.v2}
similarity = st.none() | st.floats(0, 1)


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


@settings(max_examples=60)
@given(
    st.lists(similarity, min_size=1, max_size=4), st.lists(similarity, min_size=1, max_size=2),
    similarity,
)  # fmt: skip
def test_score_equals_the_plain_formula(fingers, irises, demo):
    first = oracle([0.8, 0.2], [mean(fingers + irises), demo])
    second = oracle([0.5, 0.4, 0.1], [mean(fingers), mean(irises), demo])
    for profile, expected in (("v1", first), ("v2", second)):
        got = score(profile, fingers, irises, demo)
        assert got.score[0] == pytest.approx(nan(expected), abs=1e-9, nan_ok=True)
        assert got.has_evidence[0] == (expected is not None)
        if expected is not None:
            assert 0 <= got.score[0] <= 1


@settings(max_examples=60)
@given(
    st.sampled_from(["v1", "v2"]), st.tuples(similarity, similarity, similarity),
    st.integers(0, 2), st.floats(0, 1),
)  # fmt: skip
def test_score_is_monotone_in_each_modality(profile, values, which, other):
    if values[which] is None:
        return
    changed = [*values]
    changed[which] = other
    scores = [score(profile, [v[0]], [v[1]], v[2]).score[0] for v in (values, changed)]
    assert (scores[1] >= scores[0]) if other >= values[which] else (scores[1] <= scores[0])


@given(st.floats(0, 1), st.floats(0, 1))
def test_confidence_is_symmetric_and_v1_takes_captures_in_any_order(one, two):
    forth, back = score("v2", [one], [two], 0.5), score("v2", [two], [one], 0.5)
    assert forth.confidence[0] == back.confidence[0]
    assert 0 <= forth.confidence[0] <= 1
    first, second = score("v1", [one, two], [None], 0.5), score("v1", [two], [one], 0.5)
    assert first.score[0] == pytest.approx(second.score[0], abs=1e-12)


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
