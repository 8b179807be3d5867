"""Scoring rate of one peer on the rows of the benchmark.

python credit_scoring.py PEER DATA ROUNDS OUT; runs in the peers' environment. Rates are told with
the rows in memory, and from the Parquet file, as ours are. optbinning uses one core: what a process
for each core does is told as well.
"""

import json
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

warnings.filterwarnings("ignore")

WORK: list[Callable[[pd.DataFrame], Any]] = []
"""What the processes inherit; a scorer is not sent to them."""


def optbinning(frame: pd.DataFrame, y: Any) -> dict[str, Callable[[pd.DataFrame], Any]]:
    """A scorecard scaled to points."""
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    names = list(frame.columns)
    process = BinningProcess(names, categorical_variables=[n for n in names if n[0] == "c"])
    scaling = {"min": 300, "max": 900}
    card = Scorecard(
        binning_process=process, estimator=LogisticRegression(), scaling_method="min_max",
        scaling_method_params=scaling,
    )  # fmt: skip
    card.fit(frame, y)
    return {"score": card.score}


def lightgbm(frame: pd.DataFrame, y: Any) -> dict[str, Callable[[pd.DataFrame], Any]]:
    """Boosted trees, 300 rounds of 8 leaves."""
    import lightgbm as lgb

    def typed(rows: pd.DataFrame) -> pd.DataFrame:
        names = [n for n in rows.columns if n[0] == "c"]
        return rows.assign(**{n: rows[n].astype("category") for n in names})

    model = lgb.LGBMClassifier(n_estimators=300, num_leaves=8, learning_rate=0.03, verbose=-1)
    model.fit(typed(frame), y)
    return {"predict": lambda rows: model.predict_proba(typed(rows))}


def read(file: Path) -> pd.DataFrame:
    """Rows of a file, texts as objects."""
    frame = pd.read_parquet(file)
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype(object)
    return frame


def rate(rows: int, rounds: int, work: Callable[[], Any]) -> list[float]:
    """Rows a second of each round; a first one is not counted."""
    rates = []
    for _ in range(rounds + 1):
        start = time.monotonic()
        work()
        rates.append(rows / (time.monotonic() - start))
    return rates[1:]


def rate_of_processes(
    files: list[Path], rounds: int, score: Callable[[pd.DataFrame], Any]
) -> list[float]:
    """Rows a second of a process for each core, each with a file of its own."""
    chosen = files[: len(os.sched_getaffinity(0))]
    rows = sum(pq.ParquetFile(file).metadata.num_rows for file in chosen)
    WORK.append(score)
    with multiprocessing.get_context("fork").Pool(len(chosen)) as pool:
        return rate(rows, rounds, lambda: pool.map(read_and_score, chosen, 1))


def read_and_score(file: Path) -> None:
    """Work of one process."""
    WORK[0](read(file))


def main(peer: str, data: Path, rounds: int, out: Path) -> None:
    """Fit on the sample, then time scoring."""
    sample = read(data / "sample.parquet")
    y = sample.pop("is_bad").to_numpy()
    files = sorted((data / "rows.parquet").glob("*.parquet"))
    rows = read(files[0])
    rates: dict[str, list[float]] = {}
    for name, score in {"optbinning": optbinning, "lightgbm": lightgbm}[peer](sample, y).items():
        rates[name] = rate(len(rows), rounds, partial(score, rows))
        rates[f"read and {name}"] = rate(
            len(rows), rounds, lambda score=score: score(read(files[0]))
        )
    if peer == "optbinning":
        rates["read and score, a process for each core"] = rate_of_processes(files, rounds, score)
    out.write_text(json.dumps({"rates": rates, "versions": {peer: metadata.version(peer)}}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
