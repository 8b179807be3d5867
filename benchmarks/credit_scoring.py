"""Our side of the scoring benchmark: one scorecard, one Parquet folder, no sink.

python credit_scoring.py DATA ROUNDS OUT

Both ways to score are timed from the folder to rows in Spark: those of a stored table, whose files
the tasks read (`bulk.py`), and `by expressions` those of any frame. `score` is raw score, score and
probability, `score and reasons` adds the reasons, `all columns` everything that the job writes.
`arrays in memory` is what a task does between reading and sending, with the rows of one file in
memory, on one core and without Spark: the pair of a peer that is given a frame.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from pipelines.core.delta_tables import Place
from pipelines.core.spark import build_session
from pipelines.credit.arrow_scorer import ArrowScorer
from pipelines.credit.bulk import score_stored
from pipelines.credit.calibration import probability_table
from pipelines.credit.catalog import FeatureSpec
from pipelines.credit.config import CreditConfig
from pipelines.credit.expressions import score_frame
from pipelines.credit.fitting import fit_scorecard
from pipelines.credit.scorecard import Scorecard
from pipelines.credit.steps import SESSION
from pipelines.credit.stored_features import StoredFeatures
from pipelines.credit.training import to_sample

PLAIN = ["raw_score", "score", "pd"]
FULL = [*PLAIN, "reasons", "other_shortfall"]


def main(data: Path, rounds: int, out: Path) -> None:
    """Fit once, then score all rows in every way, `rounds` times after an uncounted round."""
    card = fit(data)
    session = build_session("bench", SESSION)
    folder = data / "rows.parquet"
    rows = session.read.parquet(str(folder))
    frames: dict[str, Callable[[], DataFrame]] = {
        "score": lambda: stored_scores(session, folder, card, False).select(PLAIN),
        "score and reasons": lambda: stored_scores(session, folder, card, True).select(FULL),
        "score, all columns": lambda: stored_scores(session, folder, card, True),
        "read alone in tasks": lambda: read_alone(session, folder, card),
        "score by expressions": lambda: score_frame(rows, card, with_reasons=False).select(PLAIN),
        "score and reasons by expressions": lambda: score_frame(rows, card).select(FULL),
        "read alone": lambda: rows,
    }
    count = open_table(folder, card).rows
    rates: dict[str, list[float]] = {}
    for counted in range(rounds + 1):
        for name, frame in frames.items():
            start = time.monotonic()
            frame().write.format("noop").mode("overwrite").save()
            if counted:
                rates.setdefault(name, []).append(count / (time.monotonic() - start))
    session.stop()
    rates["arrays in memory"] = rates_in_memory(folder, card, rounds)
    out.write_text(json.dumps({"rates": rates}))


def rates_in_memory(folder: Path, card: Scorecard, rounds: int) -> list[float]:
    """Rows a second of each round, the rows of the first file in memory; one is not counted."""
    batches = list(open_table(folder, card).read(0))
    chances = np.array(probability_table(card.calibration, card.min_points, card.max_points))
    scorer, rates = ArrowScorer(card, with_reasons=False), []
    for _ in range(rounds + 1):
        start = time.monotonic()
        for batch in batches:
            raw = scorer.score(batch).raw_score
            np.clip(raw, card.scale.lowest, card.scale.highest)
            chances[raw - card.min_points]
        rates.append(sum(batch.num_rows for batch in batches) / (time.monotonic() - start))
    return rates[1:]


def fit(data: Path) -> Scorecard:
    """A scorecard of the sample."""
    sample = pd.read_parquet(data / "sample.parquet")
    names = [name for name in sample.columns if name != "is_bad"]
    specs = [FeatureSpec(n, "number" if n[0] == "n" else "category", (f"t.{n}",), n) for n in names]
    return fit_scorecard(to_sample(sample, specs), specs, CreditConfig())[0]


def stored_scores(
    session: SparkSession, folder: Path, card: Scorecard, with_reasons: bool
) -> DataFrame:
    """Scores of a table that tasks read; finding its files is part of the time."""
    return score_stored(session, open_table(folder, card), card, with_reasons=with_reasons)


def read_alone(session: SparkSession, folder: Path, card: Scorecard) -> DataFrame:
    """Batches read by tasks as for scoring; only their sizes go to Spark."""
    stored = open_table(folder, card)

    def count(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for part in parts:
            for number in part.column("id").to_pylist():
                sizes = [batch.num_rows for batch in stored.read(number)]
                yield pa.RecordBatch.from_pydict({"rows": pa.array(sizes)})

    groups = len(stored.groups)
    return session.range(0, groups, 1, groups).mapInArrow(count, "rows bigint")


def open_table(folder: Path, card: Scorecard) -> StoredFeatures:
    """The rows of the benchmark as files."""
    stored = StoredFeatures.open(Place(str(folder)), card, ())
    assert stored is not None, f"{folder}: no plain Parquet files"
    return stored


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
