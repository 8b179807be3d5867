"""Backtest: a past business day again, from what its run left behind.

Scores are made again from the stored features, and features from the customer-days at the table
version that the run published. Rows that arrived later are in neither.
"""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.delta_tables import read_arrow
from pipelines.core.errors import ConfigError
from pipelines.core.lake_format import RUNS, VERSIONS
from pipelines.credit.applications import applicants_on
from pipelines.credit.features import FeatureInputs, build_features
from pipelines.credit.lake import APPLICATIONS, DAYS, FEATURES, SCORES, TRADELINES
from pipelines.credit.result import Run
from pipelines.credit.scoring import score_applications
from pipelines.credit.training import registered


def backtest(state: Run) -> None:
    """Repeat scores and features of `--as-of` and count the rows that differ.

    Raises:
        ConfigError: no run scored that day, or its scorecard is not registered.
    """
    row = _run_of(state)
    versions: dict[str, int] = dict(row[VERSIONS])
    stored = {
        name: state.lake.read(name, versions[name]).where(F.col("as_of_date") == F.lit(state.as_of))
        for name in (SCORES, APPLICATIONS, FEATURES)
    }
    known = registered(state.lake, row["scorecard_id"]).get(row["scorecard_version"])
    if known is None:
        raise ConfigError(
            f"lake {state.lake.root}: there is no scorecard version {row['scorecard_version']};"
            " give --as-of the day of another run"
        )
    state.card = known
    with state.log.step("scores"):
        made, _ = score_applications(
            stored[APPLICATIONS], stored[FEATURES], known, state.as_of, row["run_id"]
        )
        state.findings.backtest["scores"] = compare_rows(stored[SCORES], made)
    with state.log.step("features"):
        number = versions.get(TRADELINES)
        lines = None if number is None else state.lake.read(TRADELINES, number)
        who, count = applicants_on(state.lake, state.as_of, versions[APPLICATIONS])
        inputs = FeatureInputs(state.lake.read(DAYS, versions[DAYS]), who, lines, count)
        again = build_features(inputs, state.as_of, state.config, row["run_id"])
        state.findings.backtest["features"] = compare_rows(stored[FEATURES], again)


def _run_of(state: Run) -> Any:
    """The newest run that scored the business day."""
    if not state.lake.exists(RUNS):
        raise ConfigError(f"lake {state.lake.root}: no run has been published; run `score` first")
    runs = read_arrow(state.lake.place(RUNS), state.lake.version(RUNS)).to_pylist()
    scored = [
        row for row in runs if row["as_of"] == state.as_of and row["command"] in ("run", "score")
    ]
    if not scored:
        raise ConfigError(f"no run scored {state.as_of}; give --as-of the day of a run")
    return max(scored, key=lambda row: row["started_at"])


def compare_rows(stored: DataFrame, again: DataFrame) -> tuple[int, int]:
    """Rows of the stored frame, and rows that are in one of both only; both are made once."""
    names = [name for name in stored.columns if name != "run_id"]
    one, other = (
        rows.select(*names, F.lit(sign).alias("_sign")) for rows, sign in ((stored, 1), (again, -1))
    )
    by_row = (
        one.unionByName(other)
        .groupBy(*names)
        .agg(F.count_if(F.col("_sign") > 0).alias("stored"), F.sum("_sign").alias("surplus"))
    )
    found = by_row.agg(F.sum("stored"), F.sum(F.abs("surplus"))).collect()[0]
    return int(found[0] or 0), int(found[1] or 0)
