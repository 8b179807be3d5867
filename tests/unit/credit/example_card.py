"""The scorecard of the worked example in the specification (vectors V10 to V16)."""

from pipelines.credit.calibration import scaled_calibration
from pipelines.credit.config import CreditConfig
from pipelines.credit.fitting import make_scale
from pipelines.credit.scorecard import Bin, CardFeature, Scorecard


def _bin(label, points, lo=None, hi=None, categories=(), is_missing=False):
    return Bin(label, lo, hi, tuple(categories), is_missing, 90, 10, 0.0, 0.0, points)


def example_card(**changes):
    """Utilization 52, -6, -78; missed 36, -50, -137; employment 17, -12, -35; base 568."""
    features = (
        CardFeature("utilization", "number", ("t.credit_utilization",), "UTILIZATION", "Use", "falling", -0.9,
                    (_bin("[0, .3)", 52, None, 0.3), _bin("[.3, .6)", -6, 0.3, 0.6), _bin("[.6, inf)", -78, 0.6, None))),
        CardFeature("missed", "number", ("t.kind",), "MISSED", "Missed", "falling", -1.0,
                    (_bin("0", 36, None, 1.0), _bin("1-2", -50, 1.0, 3.0), _bin(">=3", -137, 3.0, None))),
        CardFeature("employment", "category", ("a.employment",), "EMPLOYMENT", "Work", "auto", -0.8,
                    (_bin("SALARIED", 17, categories=["SALARIED"]), _bin("SELF_EMPLOYED", -12, categories=["SELF_EMPLOYED"]),
                     _bin("OTHER", -35, categories=["OTHER"]))),
    )  # fmt: skip
    scale = make_scale(CreditConfig().scale)
    given = {
        "id": "example", "version": 1, "segment": "MAIN", "is_benchmark_only": False, "scale": scale,
        "intercept": -2.5, "base_points": 568, "features": features, "calibration": scaled_calibration(scale),
        "score_edges": (450, 550), "score_counts": (10, 20, 30), "training": {"rows": 60},
    }  # fmt: skip
    return Scorecard(**given | changes)


def row(utilization=0.45, missed=1.0, employment="SELF_EMPLOYED"):
    return {"utilization": utilization, "missed": missed, "employment": employment}
