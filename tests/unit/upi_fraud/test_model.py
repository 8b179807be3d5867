"""The model slot: plain JSON equals the trainer, calibration, and what happens when it fails."""

import json

import numpy as np
import pytest

from pipelines.core.boosting import load_xgboost
from pipelines.upi_fraud.calibrate import cost_optimal, isotonic, verify_threshold
from pipelines.upi_fraud.errors import ModelError
from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.features import FEATURES, model_features
from pipelines.upi_fraud.model import GuardedModel, TreeModel, open_model, read_model, write_model
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.state import EMPTY
from pipelines.upi_fraud.train import _flatten, fit
from tests.unit.upi_fraud.samples import CONFIG, SETTINGS, judge, known, payment


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(3_000, len(FEATURES)))
    labels = (features[:, 0] + features[:, 3] + rng.normal(size=3_000) > 2.5).astype(np.int64)
    return features, labels


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    content, (p_verify, figures) = fit(*data, CONFIG)
    write_model(place, content, "test-1", p_verify, figures)
    return place


def test_served_scores_equal_the_trainers(data):
    xgboost = load_xgboost()
    features, labels = data
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 4, "base_score": 0.5, "nthread": 1},
        xgboost.DMatrix(features, labels),
        20,
    )
    trees = [_flatten(one) for one in booster.get_dump(dump_format="json")]
    model = TreeModel(
        "x", 0.5, 0.0, [[tuple(node) for node in tree] for tree in trees], [-1e300], [0.5]
    )
    wanted = booster.predict(xgboost.DMatrix(features[:300]), output_margin=True)
    served = [model.margin([float(v) for v in row]) for row in features[:300]]
    assert served == pytest.approx(wanted.tolist(), abs=1e-5)
    chance = 1 / (1 + np.exp(-np.array(served)))
    assert np.abs(chance - 1 / (1 + np.exp(-wanted))).max() < 1e-6


def test_a_written_model_is_read_back(folder, data):
    model = read_model(folder)
    assert model.version == "test-1"
    chances = [model.probability(row.tolist()) for row in data[0][:200]]
    assert 0 <= min(chances) < max(chances) <= 1


def test_calibration_rises_and_keeps_the_mean():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=2_000)
    labels = (rng.random(2_000) < 1 / (1 + np.exp(-scores))).astype(np.int64)
    begins, chances = isotonic(scores, labels)
    assert chances == sorted(chances)
    served = np.array(chances)[np.searchsorted(begins, scores, "right") - 1]
    assert served.mean() == pytest.approx(labels.mean())


def test_thresholds():
    assert cost_optimal(50, 5_000) == pytest.approx(0.00990, abs=1e-5)
    chances, labels = np.arange(1_000) / 1_000, np.zeros(1_000, np.int64)
    limit = verify_threshold(chances, labels, 0.01)
    assert (chances >= limit).sum() <= 10


@pytest.mark.parametrize("state", [EMPTY, known(), known(n=10, mean=0.01, deviation=0)])
def test_features_are_finite(state):
    found = model_features(
        Facts(state, payment(200_000, lat=None, lon=None), Reference(0), SETTINGS.capacity)
    )
    assert len(found) == len(FEATURES)
    assert np.isfinite(found).all()


def damage(folder, tmp_path, name, change):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = json.loads((tmp_path / name).read_text())
    (tmp_path / name).write_text(json.dumps(change(content)))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("model.json", lambda content: {**content, "base": 1}),
        ("manifest.json", lambda content: {**content, "features": ["other"]}),
        ("manifest.json", lambda content: {k: v for k, v in content.items() if k != "version"}),
    ],
)  # fmt: skip
def test_an_altered_model_is_refused_and_decisions_go_on(folder, tmp_path, name, change):
    broken = damage(folder, tmp_path, name, change)
    with pytest.raises(ModelError):
        read_model(broken)
    slot = open_model(broken, 20, 5, 60, lambda: 0.0)
    decision = judge("strict", payment(60_000), model=slot)
    assert (decision.degraded, decision.points) == ("MODEL_MISSING", 30)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Slow:
    version, p_verify = "slow", 0.5

    def __init__(self, clock, seconds):
        self.clock, self.seconds, self.calls = clock, seconds, 0

    def probability(self, features):
        self.calls += 1
        self.clock.now += self.seconds
        if self.seconds < 0:
            raise ValueError
        return 0.9


def test_a_slow_model_is_paused_and_tried_again():
    clock = Clock()
    slow = Slow(clock, 0.05)
    slot = GuardedModel(slow, 20, 5, 60, clock)
    reasons = {judge("strict", payment(500), model=slot).degraded for _ in range(9)}
    assert (reasons, slow.calls) == ({"MODEL_LATE"}, 5)
    clock.now, slow.seconds = clock.now + 60, 0.0
    decision = judge("strict", payment(500), model=slot)
    assert (decision.degraded, decision.model_score, decision.action) == ("NONE", 0.9, "BLOCK")


def test_a_raising_model_degrades():
    slot = GuardedModel(Slow(Clock(), -1), 20, 5, 60, lambda: 0.0)
    assert judge("strict", payment(500), model=slot).degraded == "MODEL_ERROR"
