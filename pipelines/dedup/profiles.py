"""Named score profiles v1 and v2: fixed weights over fingers, irises and demographics.

Both are given by the domain. A missing modality is NaN; it drops out and the weights that remain
are divided by their sum. Bands are in `decide`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.core.errors import ConfigError, ContractError

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

V1_WEIGHTS: Mapping[str, float] = {"bio": 0.8, "demo": 0.2}
V2_WEIGHTS: Mapping[str, float] = {"finger": 0.5, "iris": 0.4, "demo": 0.1}
DEMO_WEIGHTS: Mapping[str, float] = {
    "age": 0.1,
    "gender": 0.3,
    "state": 0.2,
    "district": 0.2,
    "pincode": 0.1,
    "name": 0.1,
}
# Decimals kept of a score: .8 x .85 + .2 x .85 is .8500000000000001 in binary, and the
# boundary .85 belongs to NO_MATCH.
SCORE_DECIMALS = 12


class ProfileScore(NamedTuple):
    """Result of a profile for n pairs.

    Attributes:
        score: in [0, 1]; NaN where nothing could be compared.
        confidence: in [0, 1]; NaN where fingers or irises are missing.
        has_evidence: False where every modality is missing (NO_EVIDENCE).
    """

    score: F64
    confidence: F64
    has_evidence: Bools


def v1(
    finger: npt.ArrayLike,
    iris: npt.ArrayLike,
    demo: npt.ArrayLike,
    weights: Mapping[str, float] = V1_WEIGHTS,
) -> ProfileScore:
    """Score by .8 biometrics and .2 demographics; biometrics is the mean over present captures.

    Args:
        finger: similarities in [0, 1], NaN = missing; shape [n], or [n, positions].
        iris: the same for irises.
        demo: demographic similarity, shape [n].
        weights: share of `bio` and `demo`, sum 1.

    Raises:
        ConfigError: the weights do not sum to 1 or have another name.
        ContractError: a similarity is outside [0, 1].
    """
    shares = check_weights("v1", weights, V1_WEIGHTS)
    fingers, irises = _captures("finger", finger), _captures("iris", iris)
    bio = _present_mean(np.hstack([fingers, irises]))
    score = _weighted_mean([bio, _captures("demo", demo)[:, 0]], shares)
    return _profile(score, fingers, irises)


def v2(
    finger: npt.ArrayLike,
    iris: npt.ArrayLike,
    demo: npt.ArrayLike,
    weights: Mapping[str, float] = V2_WEIGHTS,
) -> ProfileScore:
    """Score by .5 fingers, .4 irises and .1 demographics; arguments and errors as in `v1`."""
    shares = check_weights("v2", weights, V2_WEIGHTS)
    fingers, irises = _captures("finger", finger), _captures("iris", iris)
    parts = [_present_mean(fingers), _present_mean(irises), _captures("demo", demo)[:, 0]]
    return _profile(_weighted_mean(parts, shares), fingers, irises)


def demo_score(
    agreements: Mapping[str, npt.ArrayLike], weights: Mapping[str, float] = DEMO_WEIGHTS
) -> F64:
    """Demographic similarity by equality of single fields.

    Args:
        agreements: per field 1 equal, 0 different, -1 missing on either side; arrays of shape [n].
            A field that the table does not have may be left out.
        weights: weight per field, sum 1.

    Returns:
        Array [n] in [0, 1], NaN where all fields are missing.

    Raises:
        ConfigError: the weights do not sum to 1, or a field has no weight.
    """
    shares = dict(zip(weights, check_weights("demo", weights, weights), strict=True))
    if not agreements or set(agreements) - set(weights):
        wrong = sorted(set(agreements) - set(weights)) or "no field"
        raise ConfigError(f"demo: {wrong} given, expected some of {', '.join(weights)}")
    states = {field: np.asarray(state) for field, state in agreements.items()}
    parts = [np.where(state < 0, np.nan, state == 1) for state in states.values()]
    return _weighted_mean(parts, [shares[field] for field in states])


def check_weights(
    profile: str, weights: Mapping[str, float], expected: Mapping[str, float]
) -> list[float]:
    """Return the weights in the expected order, or raise ConfigError naming the key."""
    if set(weights) != set(expected):
        raise ConfigError(f"{profile} weights: expected keys {list(expected)}, got {list(weights)}")
    values = [float(weights[key]) for key in expected]
    if min(values) < 0 or abs(sum(values) - 1) > 1e-9:
        raise ConfigError(f"{profile} weights {values}: must be >= 0 and sum to 1")
    return values


def _profile(score: F64, fingers: F64, irises: F64) -> ProfileScore:
    finger, iris = _present_mean(fingers), _present_mean(irises)
    confidence = (1 - np.abs(finger - iris)) * (finger + iris) / 2
    return ProfileScore(score, np.round(confidence, SCORE_DECIMALS), ~np.isnan(score))


def _captures(name: str, values: npt.ArrayLike) -> F64:
    """Similarities as an [n, positions] array, refused outside [0, 1]."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < 2:
        array = array.reshape(-1, 1)
    wrong = np.flatnonzero(((array < 0) | (array > 1)).any(axis=1))
    if wrong.size:
        row = int(wrong[0])
        raise ContractError(f"{name} similarity of pair {row} is {array[row]}: outside [0, 1]")
    return array


def _present_mean(columns: F64) -> F64:
    present = ~np.isnan(columns)
    count = present.sum(axis=1)
    total = np.where(present, columns, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(columns), np.nan), where=count > 0)


def _weighted_mean(parts: list[F64], weights: list[float]) -> F64:
    columns = np.column_stack(parts)
    present = ~np.isnan(columns)
    share = present @ np.asarray(weights)
    total = np.where(present, columns, 0.0) @ np.asarray(weights)
    mean = np.divide(total, share, out=np.full(len(columns), np.nan), where=share > 0)
    return np.round(mean, SCORE_DECIMALS)
