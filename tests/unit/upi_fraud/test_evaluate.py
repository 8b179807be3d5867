"""Figures of a run, curves, and the files it leaves."""

import fastavro
import numpy as np
import pytest

from pipelines.core.errors import ConfigError
from pipelines.core.wire import Wire
from pipelines.upi_fraud.config import CostSettings
from pipelines.upi_fraud.curves import cost_curve, precision_recall
from pipelines.upi_fraud.evaluate import amounts_only, evaluate
from pipelines.upi_fraud.files import write_container
from pipelines.upi_fraud.sources import open_source
from tests.unit.upi_fraud.samples import CONFIG, record


def decision(number, rupees, action, at=0):
    return {
        "transaction_id": f"T{number}",
        "amount_paise": rupees * 100,
        "recommended_action": action,
        "event_time": at,
    }


def test_an_episode_is_caught_by_half_of_its_value():
    truth = {
        "T1": ("takeover", 1),
        "T2": ("takeover", 1),
        "T3": ("takeover", 2),
        "T4": ("takeover", 2),
    }
    decisions = [
        decision(1, 50, "APPROVE", 0), decision(2, 50, "BLOCK", 90), decision(3, 51, "APPROVE"),
        decision(4, 50, "MANUAL_REVIEW"), decision(5, 10, "APPROVE"), decision(6, 10, "ADDITIONAL_VERIFICATION"),
    ]  # fmt: skip
    quality = evaluate(decisions, truth, CostSettings())
    figures = quality.kinds["takeover"]
    assert (figures.episodes, figures.caught, figures.first_flag_ms) == (2, 1, [90, 0])
    assert quality.metrics() == {
        "recall_takeover": 0.5, "false_positive_rate": 0.5, "payment_recall": 0.5, "precision": 2 / 3,
        "expected_cost_rupees": 50 + 2 * 5_000,
    }  # fmt: skip


def test_curves_of_a_small_ranking():
    fraud, score = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.8, 0.1])
    recall, precision = precision_recall(fraud, score)
    assert recall.tolist() == [0.5, 1.0, 1.0]
    assert precision == pytest.approx([1.0, 2 / 3, 0.5])
    thresholds, costs = cost_curve(fraud, score, 50, 5_000)
    assert dict(zip(thresholds.tolist(), costs.tolist(), strict=True)) == {
        0.9: 5_000,
        0.8: 50,
        0.1: 100,
    }


@pytest.mark.parametrize("number", [0, 1, 9_001])
def test_a_container_holds_the_messages_as_they_were(tmp_path, number):
    wire = Wire("upi.Transaction")
    values = [
        wire.encode(record(transaction_id=f"T{n}", event_time=1_767_254_400_000 + n))
        for n in range(number)
    ]
    assert write_container(tmp_path / "a.avro", "upi.Transaction", values) == number
    write_container(tmp_path / "b.avro", "upi.Transaction", values)
    assert (tmp_path / "a.avro").read_bytes() == (tmp_path / "b.avro").read_bytes()
    with (tmp_path / "a.avro").open("rb") as file:
        found = [one["transaction_id"] for one in fastavro.reader(file)]
    assert found == [f"T{n}" for n in range(number)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nowhere.parquet", "no such file"),
        ("synthetic:ten", "whole number"),
        ("synthetic:5", "from 100"),
    ],
)
def test_a_wrong_input_is_told(text, told):
    with pytest.raises(ConfigError, match=told):
        open_source(text, None, CONFIG)


def test_a_decision_by_the_amount_alone_sees_nothing_below_its_limit():
    payments = [
        {
            "transaction_id": str(n),
            "event_time": n,
            "amount_paise": paise,
            "recommended_action": "BLOCK",
        }
        for n, paise in enumerate((9_999_900, 10_000_100, 50_000_000, 50_000_100))
    ]
    actions = [one["recommended_action"] for one in amounts_only(payments)]
    assert actions == ["APPROVE", "APPROVE", "APPROVE", "BLOCK"]
