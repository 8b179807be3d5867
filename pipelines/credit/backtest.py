"""Backtest: a past business day again, from what its run left behind.

Scores are made again from the stored features, and features from the customer-days at the table
version that the run published. Rows that arrived later are in neither.
"""

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.errors import ConfigError
from pipelines.core.lake_format import RUNS
from pipelines.credit.applications import applicants
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
    versions: dict[str, int] = row["table_versions"]
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
        state.findings.backtest["scores"] = _compare(stored[SCORES], made)
    with state.log.step("features"):
        number = versions.get(TRADELINES)
        lines = None if number is None else state.lake.read(TRADELINES, number)
        who = applicants(stored[APPLICATIONS])
        inputs = FeatureInputs(state.lake.read(DAYS, versions[DAYS]), who, lines)
        again = build_features(inputs, state.as_of, state.config, row["run_id"])
        state.findings.backtest["features"] = _compare(stored[FEATURES], again)


def _run_of(state: Run) -> Any:
    """The newest run that scored the business day."""
    if not state.lake.exists(RUNS):
        raise ConfigError(f"lake {state.lake.root}: no run has been published; run `score` first")
    runs = state.lake.read(RUNS).where(
        (F.col("as_of") == F.lit(state.as_of)) & F.col("command").isin("run", "score")
    )
    found = runs.orderBy(F.desc("started_at")).limit(1).collect()
    if not found:
        raise ConfigError(f"no run scored {state.as_of}; give --as-of the day of a run")
    return found[0]


def _compare(stored: DataFrame, again: DataFrame) -> tuple[int, int]:
    """Rows of the stored frame, and rows that are in one of both only."""
    names = [name for name in stored.columns if name != "run_id"]
    one, other = stored.select(names), again.select(names)
    differing = one.exceptAll(other).count() + other.exceptAll(one).count()
    return one.count(), differing
