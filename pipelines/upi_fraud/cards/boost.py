"""Gradient boosting that corrects the posterior: a few shallow trees on top of its log odds."""

from collections.abc import Sequence

import numpy as np

from pipelines.core.boosting import load_xgboost
from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.cards.config import BoostSettings
from pipelines.upi_fraud.cards.features import FEATURES, RISING

MARGIN = FEATURES.index("posterior_logit")


def train_members(
    features: FloatArray, fraud: IntArray, settings: BoostSettings, seed: int
) -> list[bytes]:
    """Train the models of the ensemble; returns each as xgboost's JSON.

    Args:
        features: training payments, columns `FEATURES`.
        fraud: their labels.
        settings: size and strength of the trees.
        seed: of the first model.
    """
    xgboost = load_xgboost()
    rising = "(" + ",".join(str(int(name in RISING)) for name in FEATURES) + ")"
    data = xgboost.DMatrix(features, fraud, base_margin=features[:, MARGIN])
    members = []
    for number in range(settings.members):
        options = {
            "objective": "binary:logistic", "seed": seed + number, "max_depth": settings.depth,
            "eta": settings.rate, "subsample": settings.rows, "reg_lambda": settings.l2,
            "colsample_bytree": settings.columns, "monotone_constraints": rising,
            "min_child_weight": settings.min_child_weight,
        }  # fmt: skip
        booster = xgboost.train(options, data, settings.rounds)
        members.append(bytes(booster.save_raw("json")))
    return members


def score(members: Sequence[bytes], features: FloatArray) -> FloatArray:
    """Mean log odds of the models, one value per row."""
    xgboost = load_xgboost()
    data = xgboost.DMatrix(features, base_margin=features[:, MARGIN])
    total = np.zeros(len(features))
    for raw in members:
        booster = xgboost.Booster()
        booster.load_model(bytearray(raw))
        total += booster.predict(data, output_margin=True)
    return total / len(members)
