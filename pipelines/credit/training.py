"""Training: the labelled sample of earlier snapshots, the scorecard, its registration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.contracts import spark_schema
from pipelines.core.lake_arrow import merge_driver_rows
from pipelines.credit.applications import NOT_THIN, join_features
from pipelines.credit.catalog import CATALOG, FeatureSpec
from pipelines.credit.config import CreditConfig
from pipelines.credit.errors import InsufficientSample, ScorecardParityError
from pipelines.credit.expressions import score_frame
from pipelines.credit.fitting import fit_scorecard
from pipelines.credit.lake import APPLICATIONS, FEATURES, SCORECARDS, CreditLake
from pipelines.credit.samples import I64, Sample
from pipelines.credit.scorecard import Scorecard, parse_scorecard
from pipelines.credit.scorer import score_row

PARITY_ROWS = 2_000
"""Rows of the sample that are also scored in plain Python before a scorecard is exported."""

_USABLE = f"is_default IS NOT NULL AND thin_file_reason = '{NOT_THIN}'"


@dataclass(frozen=True)
class Training:
    """A finished training.

    Attributes:
        card: the scorecard.
        sample: what it was fitted on.
        unseen: out-of-fold raw scores of the sample.
        indeterminate: outcomes that cannot be told, left out.
        thin: labelled applicants with too little history, left out.
    """

    card: Scorecard
    sample: Sample
    unseen: I64
    indeterminate: int
    thin: int


def train(
    lake: CreditLake, outcomes: DataFrame, snapshots: Sequence[date], as_of: date,
    config: CreditConfig,
) -> Training:  # fmt: skip
    """Fit a scorecard on the snapshots whose outcomes are known.

    Raises:
        InsufficientSample: too few defaults or goods.
        ScorecardParityError: Spark and plain Python disagree; nothing is exported.
    """
    labelled = _labelled_rows(lake, outcomes, snapshots, as_of)
    tally = labelled.agg(
        F.count_if(F.col("is_default").isNull()).alias("indeterminate"),
        F.count_if(F.col("thin_file_reason") != NOT_THIN).alias("thin"),
        F.count_if(F.expr(_USABLE)).alias("rows"),
    ).collect()[0]
    if not tally["rows"]:
        raise InsufficientSample(
            f"no outcome was known by {as_of}; bring a table `outcomes` of earlier applications"
        )
    sample = collect_sample(labelled.where(_USABLE), tally["rows"], CATALOG, config)
    told = {"as_of_dates": [day.isoformat() for day in snapshots], "sample": sample_hash(sample)}
    card, unseen = fit_scorecard(sample, CATALOG, config, training=told)
    check_parity(lake.session, card, sample)
    return Training(card, sample, unseen, tally["indeterminate"], tally["thin"])


def _labelled_rows(
    lake: CreditLake, outcomes: DataFrame, snapshots: Sequence[date], as_of: date
) -> DataFrame:
    """Applications of the snapshots with features and outcome."""
    days = F.col("as_of_date").isin(list(snapshots))
    applications, features = (lake.staged_or_published(t) for t in (APPLICATIONS, FEATURES))
    assert applications is not None  # noqa: S101 - extract wrote both
    assert features is not None  # noqa: S101
    parts = [
        join_features(
            applications.where(F.col("as_of_date") == F.lit(day)),
            features.where(F.col("as_of_date") == F.lit(day)),
        )
        for day in snapshots
    ]
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.unionByName(part)
    known = outcomes.where(days & (F.col("observed_date") <= F.lit(as_of)))
    labels = known.groupBy("application_id").agg(F.max("is_default").alias("is_default"))
    return rows.join(labels, "application_id", how="inner")


def collect_sample(
    labelled: DataFrame, rows: int, specs: Sequence[FeatureSpec], config: CreditConfig
) -> Sample:
    """Bring labelled rows to the driver, at most `fit.sample_rows`, both classes alike.

    Which rows are taken depends on their ids and the seed alone.
    """
    share = min(1.0, config.fit.sample_rows / max(rows, 1))
    steps = 1_000_000
    place = F.pmod(F.xxhash64("application_id", F.lit(config.seed)), F.lit(steps))
    names = [spec.name for spec in specs]
    taken = labelled.where(place < int(share * steps)).select(
        "application_id", F.col("is_default").cast("long").alias("is_bad"), *names
    )
    found: pd.DataFrame = taken.toPandas()
    return to_sample(found.sort_values("application_id"), specs)


def to_sample(frame: pd.DataFrame, specs: Sequence[FeatureSpec]) -> Sample:
    """A frame with a column per feature and `is_bad` as arrays."""
    columns = {}
    for spec in specs:
        values = frame[spec.name]
        if spec.kind == "number":
            columns[spec.name] = values.astype("float64").to_numpy()
        else:
            texts = values.astype(object)
            columns[spec.name] = texts.where(texts.notna(), None).to_numpy()
    return Sample(columns, frame["is_bad"].to_numpy(dtype=np.int64))


def sample_hash(sample: Sample) -> str:
    """Digest of the sample's content."""
    frame = pd.DataFrame({**sample.columns, "is_bad": sample.is_bad})
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return f"{int(hashes.sum(dtype=np.uint64)):016x}"


def sample_rows(card: Scorecard, sample: Sample, most: int) -> pd.DataFrame:
    """The first rows of a sample, with the columns a scorecard reads and None for missing."""
    columns = {f.name: sample.columns[f.name][:most] for f in card.features}
    frame = pd.DataFrame(columns).astype(object)
    return frame.where(frame.notna(), None)


def check_parity(session: SparkSession, card: Scorecard, sample: Sample) -> None:
    """Score rows of the sample in Spark and in plain Python; both must be equal in every column.

    Raises:
        ScorecardParityError: they are not.
    """
    frame = sample_rows(card, sample, PARITY_ROWS)
    types = ["double" if f.kind == "number" else "string" for f in card.features]
    schema = ", ".join(f"`{f.name}` {t}" for f, t in zip(card.features, types, strict=True))
    rows = frame.to_dict("records")
    # Without a step between, Spark would score the rows while it plans, unlike those of files.
    given = session.createDataFrame(frame, schema).coalesce(1)
    scored: pd.DataFrame = score_frame(given, card).toPandas()
    for place, (row, found) in enumerate(zip(rows, scored.to_dict("records"), strict=True)):
        wanted = score_row(card, row)
        same = all(found[name] == getattr(wanted, name) for name in (
            "score", "raw_score", "other_shortfall", "pd", "risk_category"))  # fmt: skip
        told = [(r["code"], r["bin"], r["shortfall"]) for r in found["reasons"]]
        if not same or told != [(r.code, r.bin, r.shortfall) for r in wanted.reasons]:
            raise ScorecardParityError(
                f"row {place} of the training sample scores {found['raw_score']} in Spark and"
                f" {wanted.raw_score} in plain Python; nothing is exported"
            )


def register(lake: CreditLake, card: Scorecard, as_of: date, run_id: str) -> Scorecard:
    """Give the scorecard its version: the registered one of equal content, else the next.

    Raises:
        InsufficientSample: the scorecard was made for a comparison only.
    """
    if card.is_benchmark_only:
        raise InsufficientSample(f"scorecard {card.id} is BENCHMARK_ONLY and is never registered")
    versions = registered(lake, card.id)
    for number, known in versions.items():
        if card.with_version(number).sha256 == known.sha256:
            return known
    numbered = card.with_version(max(versions, default=0) + 1)
    row = {
        "run_id": run_id,
        "scorecard_id": numbered.id,
        "scorecard_version": numbered.version,
        "segment": numbered.segment,
        "as_of_date": as_of,
        "sha256": numbered.sha256,
        "json": numbered.to_json(),
    }
    rows, schema = pa.Table.from_pylist([row]), spark_schema("credit.ScorecardVersion")
    merge_driver_rows(lake, SCORECARDS, rows, schema, ["scorecard_id", "scorecard_version"])
    return numbered


def registered(lake: CreditLake, name: str) -> dict[int, Scorecard]:
    """Registered versions of a scorecard, each checked against its hash.

    Raises:
        ScorecardIntegrityError: a stored scorecard was changed.
    """
    if lake.seen(SCORECARDS) is None:
        return {}
    names = ["scorecard_id", "scorecard_version", "json"]
    rows = lake.arrow(SCORECARDS, names).sort_by("scorecard_version").to_pylist()
    return {
        row["scorecard_version"]: parse_scorecard(row["json"], f"{SCORECARDS} {name}")
        for row in rows
        if row["scorecard_id"] == name
    }
