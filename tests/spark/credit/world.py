"""A small generated population, and runs of the job on it."""

import pyarrow as pa

from pipelines.core.runlog import RunLog
from pipelines.credit.config import CreditConfig
from pipelines.credit.generate import AS_OF
from pipelines.credit.lake import CreditLake
from pipelines.credit.pipeline import run
from pipelines.credit.request import Request

CONFIG = CreditConfig().model_copy(
    update={
        "fit": CreditConfig().fit.model_copy(update={"min_class_rows": 50, "folds": 3}),
        "max_reject_share": 0.1,  # a single small day is delivered again below
    }
)


def execute(spark, **request):
    log = RunLog("credit_score", "", AS_OF)
    return run(spark, CONFIG, Request(**request), log)


def published(spark, lake, name) -> pa.Table:
    """Rows of a table that a run has published."""
    return CreditLake(spark, str(lake)).arrow(name)


def plain_rows(table, without=("run_id",)):
    """Rows in an order of their own, to compare."""
    kept = sorted(set(table.column_names) - set(without))
    return sorted(map(repr, table.select(kept).to_pylist()))
