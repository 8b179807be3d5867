"""Train the operator's model on generated payments with labels, as plain JSON with a model card.

    python -m pipelines.upi_fraud.train --out models/upi

Features are those the operator computes, recorded while a plain loop decides; the last part of the
days calibrates the scores and chooses `p_verify`.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.core.boosting import load_xgboost
from pipelines.core.cli import main_guard
from pipelines.core.privacy import key_from_env
from pipelines.core.wire import Wire
from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.calibrate import cost_optimal, isotonic, verify_threshold
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.curves import precision_recall
from pipelines.upi_fraud.decider import Kind
from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.features import FEATURES, RISING, model_features
from pipelines.upi_fraud.model import write_model
from pipelines.upi_fraud.sources import Source, open_source

TREES, DEPTH, RATE, HELD_OUT = 80, 4, 0.15, 0.3


@dataclass
class Recorder:
    """A model slot that answers nothing and keeps what it was asked."""

    version: str = "recorder"
    p_verify: float = 1.0
    rows: list[list[float]] = field(default_factory=list)

    def score(self, facts: Facts) -> tuple[float | None, str]:
        """Keep the features of a payment."""
        self.rows.append(model_features(facts))
        return None, "NONE"


def record_features(source: Source, config: UpiConfig) -> tuple[FloatArray, IntArray]:
    """Features and labels of the decided payments, in the order of their arrival."""
    decider, recorder = DeciderPlan(config, "strict", key_from_env(True), "train")(), Recorder()
    decider.model = recorder
    wire, truth, labels = Wire("upi.Decision"), source.truth or {}, []
    for one in decider.handle(source.raws(), {}):
        if one.kind <= Kind.ALERT:
            labels.append(wire.decode(one.value)["transaction_id"] in truth)
    return np.array(recorder.rows), np.array(labels, np.int64)


def fit(features: FloatArray, labels: IntArray, config: UpiConfig) -> tuple[dict[str, Any], Any]:
    """Fit the trees and calibrate them; returns the model's content and (p_verify, figures)."""
    xgboost = load_xgboost()
    cut = round(len(labels) * (1 - HELD_OUT))
    rising = "(" + ",".join(str(int(name in RISING)) for name in FEATURES) + ")"
    options = {"objective": "binary:logistic", "max_depth": DEPTH, "eta": RATE, "seed": 0,
               "monotone_constraints": rising, "base_score": 0.5, "nthread": 2}  # fmt: skip
    booster = xgboost.train(options, xgboost.DMatrix(features[:cut], labels[:cut]), TREES)
    margins = booster.predict(xgboost.DMatrix(features[cut:]), output_margin=True)
    scores, probabilities = isotonic(margins.astype(float), labels[cut:])
    costs = config.costs
    best = cost_optimal(costs.false_positive_rs, costs.missed_fraud_rs)
    chosen = np.searchsorted(scores, margins, "right") - 1
    served = np.array(probabilities)[np.maximum(chosen, 0)]
    p_verify = max(best, verify_threshold(served, labels[cut:], 0.01))
    recall, precision = precision_recall(labels[cut:], margins)
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    trees = [_flatten(tree) for tree in booster.get_dump(dump_format="json")]
    content = {"base": 0.0, "trees": trees, "scores": scores, "probabilities": probabilities}
    return content, (p_verify, {"average_precision": area, "cost_optimal_p": best})


def _flatten(text: str) -> list[list[float]]:
    """Nodes of a dumped tree, the root first."""
    import json

    nodes: list[list[float]] = []

    def add(node: dict[str, Any]) -> int:
        place = len(nodes)
        if "leaf" in node:
            nodes.append([-1, node["leaf"], 0, 0])
            return place
        limit = float(np.float32(node["split_condition"]))  # the dump rounds what it prints
        nodes.append([int(node["split"][1:]), limit, 0, 0])
        children = {child["nodeid"]: child for child in node["children"]}
        nodes[place][2] = add(children[node["yes"]])
        nodes[place][3] = add(children[node["no"]])
        return place

    add(json.loads(text))
    return nodes


def main() -> int:
    """Parse the arguments, train, write the folder."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.upi_fraud.train")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--transactions", type=int, default=100_000, metavar="N")
    given = parser.parse_args()
    return main_guard(lambda: _main(given))


def _main(given: argparse.Namespace) -> None:
    config = UpiConfig()
    settings = config.generator.model_copy(update={"fraud_share": 0.02})
    config = config.model_copy(update={"generator": settings, "seed": 101})
    source = open_source(f"synthetic:{given.transactions}", None, config)
    features, labels = record_features(source, config)
    content, (p_verify, figures) = fit(features, labels, config)
    version = f"upi-{source.digest[:8]}"
    write_model(given.out, content, version, p_verify, {"data": source.digest, "metrics": figures})
    card = (
        f"# Model card: {version}\n\nBoosted trees on what the operator knows of a payer, trained"
        f" on {len(labels):,} generated payments with {int(labels.sum()):,} frauds; made for trying"
        " the slot, not for real payments.\n\n"
        f"Average precision on the last days: {figures['average_precision']:.3f}. A payment is"
        f" verified from p = {p_verify:.4f}; the cheapest p is {figures['cost_optimal_p']:.5f}.\n"
    )
    (given.out / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    print(card)


if __name__ == "__main__":
    sys.exit(main())
