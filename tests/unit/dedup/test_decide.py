from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError, GateError
from pipelines.core.yaml_text import read_yaml
from pipelines.dedup.decide import (
    REASON_TEXT,
    Band,
    DecideSettings,
    PairEvidence,
    Reason,
    Reviewer,
    band_posterior,
    band_v1,
    band_v2,
    decide,
    reason_lists,
)
from tests.unit.dedup.random_rows import SEEDS, random_rows

CASES = Path(__file__).parents[2] / "cases/dedup/decide"
OVERRIDES = read_yaml((CASES / "overrides.yaml").read_text(), "cases")["cases"]
IDENTITY_IN = DecideSettings(sibling_rule=True)
FIELDS = ("given_name", "date_of_birth", "relation_name")


def level(value):
    return -1 if value is None else value


def run(cases, settings):
    """All cases as one batch; a case may have fewer captures than the widest one."""
    width = max(len(case.get("captures", [])) for case in cases)
    padded = [[*case.get("captures", []), *[[None, 0]] * width][:width] for case in cases]
    captures = np.array([[[level(a), q] for a, q in row] for row in padded], dtype=np.int8)
    captures = captures.reshape(len(cases), width, 2)
    posterior = np.array([case["posterior"] for case in cases])
    evidence = PairEvidence(
        capture_levels=captures[:, :, 0],
        capture_quality=captures[:, :, 1],
        levels={
            name: np.array([level(case.get(name)) for case in cases], dtype=np.int8)
            for name in FIELDS
        },
        reviewer=np.array([Reviewer[case.get("reviewer", "NONE")] for case in cases], np.int8),
        address_agrees=np.array([case.get("address_agrees", False) for case in cases]),
        has_captures_in_file=cases[0].get("has_captures", True),
    )
    return decide(posterior, band_posterior(posterior, settings), evidence, settings)


@pytest.mark.parametrize("case", OVERRIDES, ids=lambda case: case["name"])
def test_overrides(case):
    band, reason = run([case], IDENTITY_IN)
    assert (Band(band[0]).name, Reason(reason[0]).name) == (case["band"], case["reason"])


def test_overrides_of_a_batch_do_not_touch_neighbours():
    cases = [case for case in OVERRIDES if case.get("has_captures", True)]
    band, reason = run(cases, IDENTITY_IN)
    assert [Band(b).name for b in band] == [case["band"] for case in cases]
    assert [Reason(r).name for r in reason] == [case["reason"] for case in cases]
    assert band.dtype == reason.dtype == np.int8


def test_sibling_rule_is_off_in_other_profiles():
    case = next(case for case in OVERRIDES if case["reason"] == "TWIN_OR_SIBLING")
    assert run([case], DecideSettings()).band[0] == Band.MATCH


def test_posterior_boundaries():
    cases = read_yaml((CASES / "posterior.yaml").read_text(), "cases")["cases"]
    bands = band_posterior(np.array([case["posterior"] for case in cases]), DecideSettings())
    assert [Band(band).name for band in bands] == [case["band"] for case in cases]


@pytest.mark.parametrize(("value", "band"), [(0.85, 0), (0.850001, 1), (0.949999, 1), (0.95, 2)])
def test_v1_boundaries(value, band):
    assert band_v1(np.array([value]), DecideSettings())[0] == band


@pytest.mark.parametrize(
    ("score", "confidence", "band"),
    [(0.75, 1, 0), (0.750001, 0.900001, 2), (0.76, 0.9, 1), (0.99, np.nan, 1), (np.nan, np.nan, 0)],
)
def test_v2_boundaries(score, confidence, band):
    assert band_v2(np.array([score]), np.array([confidence]), DecideSettings())[0] == band


def plain_rules(case):
    """The table of overrides, one pair at a time."""
    captures = [(a, q) for a, q in case["captures"] if a is not None]
    score = case["posterior"]
    base = "MATCH" if score >= 0.95 else "REVIEW" if score >= 0.5 else "NO_MATCH"
    differing = sum(1 for a, q in captures if a == 0 and q >= 60)
    agreeing = any(a >= 3 for a, _ in captures)
    family = case["relation_name"] == 4 and case["address_agrees"]
    twin = case["given_name"] == 0 and (case["date_of_birth"] in (4, 5) or family)
    if case["reviewer"] == "SAME":
        return "MATCH"
    if case["reviewer"] == "DIFFERENT":
        return "NO_MATCH"
    if differing >= 2 and not agreeing:
        return "NO_MATCH"
    if differing and agreeing:
        return "REVIEW"
    if twin and not agreeing and base == "MATCH":
        return "REVIEW"
    return base


LEVELS = [None] * 3 + list(range(6))
CHOICES = {
    "posterior": [0.0, 0.4, 0.5, 0.7, 0.95, 1.0],
    "given_name": LEVELS,
    "date_of_birth": LEVELS,
    "relation_name": LEVELS[:-1],
    "address_agrees": [False, True],
    "reviewer": ["NONE", "NONE", "SAME", "DIFFERENT"],
}
CAPTURES = {"level": LEVELS[:-1], "quality": [20, 59, 60, 90]}


@settings(max_examples=30)
@given(st.integers(1, 50), st.integers(0, 4), SEEDS)
def test_every_pair_has_the_band_of_the_rules(count, most, seed):
    cases = random_rows(seed, count, CHOICES | {"captures": range(most + 1)})
    for place, case in enumerate(cases):
        shown = random_rows(seed + place, case["captures"], CAPTURES)
        case["captures"] = [(one["level"], one["quality"]) for one in shown]
    band, reason = run(cases, IDENTITY_IN)
    assert [Band(b).name for b in band] == [plain_rules(case) for case in cases]
    assert all(Reason(r) in REASON_TEXT for r in reason)


def test_no_evidence_is_told():
    score = np.array([np.nan, 0.9])
    evidence = PairEvidence(np.empty((2, 0), np.int8), np.empty((2, 0), np.int8))
    band, reason = decide(score, band_v1(score, DecideSettings()), evidence, DecideSettings())
    assert band.tolist() == [Band.NO_MATCH, Band.REVIEW]
    assert reason.tolist() == [Reason.NO_EVIDENCE, Reason.SCORE]


def test_reason_lists_are_empty_for_a_plain_score():
    reasons = np.array([Reason.SCORE, Reason.BIOMETRIC_CONFLICT, Reason.SCORE], dtype=np.int8)
    assert reason_lists(reasons).to_pylist() == [[], ["BIOMETRIC_CONFLICT"], []]


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5])
def test_a_posterior_outside_0_1_is_refused(value):
    with pytest.raises(GateError, match="posterior of pair 1"):
        band_posterior(np.array([0.5, value]), DecideSettings())


@pytest.mark.parametrize(
    "bad", [{"review_posterior": 0.99}, {"v1_no_match": 0.96}, {"match_posterior": 1.2}]
)
def test_thresholds_out_of_order_are_refused(bad):
    with pytest.raises(ConfigError, match="at most"):
        DecideSettings(**bad)
