"""Quality of one peer on German credit: AUC of every fold and KS of each seed's pooled scores.

python credit_quality.py PEER GERMAN_JSON ROUNDS OUT; runs in the peers' environment.
"""

import json
import sys
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedKFold

warnings.filterwarnings("ignore")


def without_wrong_signs(train: pd.DataFrame, y: Any, test: pd.DataFrame, sign: float) -> Any:
    """Logistic regression on WoE columns; the worst column of the wrong sign goes, as in ours."""
    kept = list(train.columns)
    while True:
        model = LogisticRegression(C=1.0, max_iter=2000).fit(train[kept], y)
        weights = sign * model.coef_[0]
        if weights.max() < 0:
            return model.decision_function(test[kept])
        kept.pop(int(np.argmax(weights)))


def optbinning(train: pd.DataFrame, y: Any, test: pd.DataFrame) -> Any:
    """Optimal binning with its defaults; its WoE is positive for good."""
    from optbinning import BinningProcess

    names = list(train.columns)
    texts = [name for name in names if train[name].dtype == object]
    process = BinningProcess(names, categorical_variables=texts)
    return without_wrong_signs(process.fit_transform(train, y), y, process.transform(test), 1.0)


def scorecardpy(train: pd.DataFrame, y: Any, test: pd.DataFrame) -> Any:
    """Its tree binning; its WoE is positive for bad."""
    import scorecardpy as sc

    bins = sc.woebin(train.assign(y=y), y="y", print_info=False, no_cores=1)
    made = [sc.woebin_ply(f, bins, print_info=False, no_cores=1) for f in (train, test)]
    names = [name for name in made[0].columns if name.endswith("_woe")]
    return without_wrong_signs(made[0][names].fillna(0), y, made[1][names].fillna(0), -1.0)


def xgboost(train: pd.DataFrame, y: Any, test: pd.DataFrame) -> Any:
    """Depth 3, 300 trees, rate .03."""
    import xgboost as xgb

    model = xgb.XGBClassifier(
        n_estimators=300, max_depth=3, learning_rate=0.03, enable_categorical=True, n_jobs=1
    )
    train, test = as_categories(train, test)
    return model.fit(train, y).predict_proba(test)[:, 1]


def lightgbm(train: pd.DataFrame, y: Any, test: pd.DataFrame) -> Any:
    """Small trees: 8 leaves, 300 rounds, rate .03."""
    import lightgbm as lgb

    model = lgb.LGBMClassifier(
        n_estimators=300, num_leaves=8, learning_rate=0.03, n_jobs=1, verbose=-1
    )
    train, test = as_categories(train, test)
    return model.fit(train, y).predict_proba(test)[:, 1]


def as_categories(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Texts as categories with the levels of both parts."""
    both = pd.concat([train, test])
    for name in both.columns:
        if not pd.api.types.is_numeric_dtype(both[name]):
            both[name] = both[name].astype("category")
    return both.iloc[: len(train)], both.iloc[len(train) :]


FITTERS: dict[str, Callable[[pd.DataFrame, Any, pd.DataFrame], Any]] = {
    "optbinning": optbinning, "scorecardpy": scorecardpy, "xgboost": xgboost, "lightgbm": lightgbm,
}  # fmt: skip
PACKAGES = {"xgboost": "xgboost-cpu"}


def main(peer: str, told: Path, out: Path) -> None:
    """Run all folds."""
    asked = json.loads(told.read_text())
    frame = pd.read_csv(asked["table"])
    y = frame.pop("creditability").astype(str).isin(("bad", "1")).astype(int).to_numpy()
    for name in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        frame[name] = (
            frame[name].astype(float if numeric else str).astype(float if numeric else object)
        )
    areas, distances = [], []
    for seed in asked["seeds"]:
        scores = np.zeros(len(y))
        folds = StratifiedKFold(asked["splits"], shuffle=True, random_state=seed)
        for inside, outside in folds.split(frame, y):
            scores[outside] = FITTERS[peer](frame.iloc[inside], y[inside], frame.iloc[outside])
            areas.append(float(roc_auc_score(y[outside], scores[outside])))
        false, true, _ = roc_curve(y, scores)
        distances.append(float((true - false).max()))
    package = PACKAGES.get(peer, peer)
    versions = {package: metadata.version(package)}
    out.write_text(json.dumps({"auc": areas, "ks": distances, "versions": versions}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[4]))
