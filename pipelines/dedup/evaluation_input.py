"""What the evaluation reads: tables of a published run, and files of truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import csv
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.errors import ConfigError
from pipelines.core.privacy import Tokeniser, key_from_env
from pipelines.dedup.labelled import Labelled

I64 = npt.NDArray[np.int64]

RECORD_COLUMNS = ("record_token", "record_id", "enrolment_id")


@dataclass(frozen=True)
class RunTables:
    """Current content of a lake.

    Attributes:
        records: record_token, cluster_id, enrolled_at, state (null where the table has none).
        edges: token_a, token_b, families, score_bits, posterior of the stored pairs.
        reviews: token_a, token_b of the open reviews.
    """

    records: pa.Table
    edges: pa.Table
    reviews: pa.Table


def read_run(session: SparkSession, lake: str) -> RunTables:
    """Read the tables of the newest published run.

    Raises:
        ConfigError: no published run under the lake root.
    """
    try:
        runs = session.read.format("delta").load(f"{lake}/runs_v1")
        newest = (
            runs.orderBy(F.desc("started_at"), F.desc("run_id")).select("table_versions").head()
        )
    except AnalysisException as error:
        raise ConfigError(f"--lake {lake}: no table runs_v1; run jobs/dedup.py first") from error
    if newest is None:
        raise ConfigError(f"--lake {lake}: runs_v1 lists no published run; run jobs/dedup.py first")
    versions: dict[str, int] = newest["table_versions"]

    def table(name: str) -> DataFrame:
        reader = session.read.format("delta")
        if name in versions:
            reader = reader.option("versionAsOf", versions[name])
        return reader.load(f"{lake}/{name}")

    state = F.col("fields")["state"].alias("state")
    times = table("enrolments_v1").select("record_token", "enrolled_at", state)
    members = table("clusters_v1").where(F.col("valid_to_run").isNull())
    records = members.select("record_token", "cluster_id").join(times, "record_token", how="left")
    edges = table("candidate_edges_v1").select(
        "token_a", "token_b", "families", "score_bits", "posterior"
    )
    reviews = table("review_queue_v1").where(F.col("state") == "OPEN").select("token_a", "token_b")
    return RunTables(records.toArrow(), edges.toArrow(), reviews.toArrow())


def read_table(path: Path) -> pa.Table:
    """Read a CSV file, a Parquet file or a directory of Parquet files.

    Raises:
        ConfigError: no such file, or not readable as that format.
    """
    try:
        if path.suffix == ".csv":
            return csv.read_csv(path)
        return ds.dataset(path, format="parquet").to_table()
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise ConfigError(f"{path}: cannot be read as CSV (.csv) or Parquet: {error}") from error


def read_truth(path: Path, tokeniser: Tokeniser) -> pd.DataFrame:
    """Read which entity each record belongs to.

    Args:
        path: CSV or Parquet with entity_id and one of record_id, enrolment_id, record_token.
        tokeniser: makes tokens of plain ids.

    Returns:
        Columns record_token and entity_id, one row per record.

    Raises:
        ConfigError: a column is missing, or one record belongs to two entities.
    """
    table = read_table(path)
    key = next((name for name in RECORD_COLUMNS if name in table.column_names), None)
    if key is None or "entity_id" not in table.column_names:
        raise ConfigError(
            f"--truth {path}: columns entity_id and one of {', '.join(RECORD_COLUMNS)} are needed;"
            f" the file has {', '.join(table.column_names)}"
        )
    tokens = table[key] if key == "record_token" else tokeniser.token_columns(table[key])[0]
    truth = pd.DataFrame(
        {"record_token": tokens.to_pandas(), "entity_id": table["entity_id"].to_pandas()}
    ).drop_duplicates()
    repeated = truth["record_token"].duplicated()
    if repeated.any():
        token = truth.loc[repeated, "record_token"].iloc[0]
        raise ConfigError(f"--truth {path}: {token} belongs to more than one entity_id; keep one")
    return truth


def rows_of(tokens: pd.Index, pairs: pa.Table) -> tuple[I64, I64, npt.NDArray[np.bool_]]:
    """Rows of both sides of pairs among `tokens`, and which pairs have both sides there."""
    sides = [tokens.get_indexer(pairs[name].to_pandas()) for name in ("token_a", "token_b")]
    is_known = (sides[0] >= 0) & (sides[1] >= 0)
    return sides[0][is_known], sides[1][is_known], is_known


def label_run(tables: RunTables, truth_path: Path) -> tuple[Labelled, int]:
    """Put a run beside its truth.

    Returns:
        The labelled records, and how many records of the run have no truth.

    Raises:
        ConfigError: not one record of the run has a truth.
    """
    tokeniser = _tokeniser_of(tables.records)
    truth = read_truth(truth_path, tokeniser)
    everyone = tables.records.to_pandas()
    records = everyone.merge(truth, on="record_token", how="inner")
    if records.empty:
        raise ConfigError(
            f"--truth {truth_path}: none of its {len(truth):,} records is in the lake; are these"
            " the ids of that input, and is the token key the one of the run?"
        )
    records = records.sort_values(
        ["enrolled_at", "record_token"], na_position="first", ignore_index=True
    )
    tokens = pd.Index(records["record_token"])
    left, right, is_known = rows_of(tokens, tables.edges)
    families = tables.edges["families"].combine_chunks().filter(pa.array(is_known))
    has_state = records["state"].notna().any()
    slices = {"state": records["state"].fillna("unknown").to_numpy(str)} if has_state else {}
    labelled = Labelled(
        cluster=pd.factorize(records["cluster_id"])[0],
        entity=pd.factorize(records["entity_id"])[0],
        order=np.arange(len(records)),
        reviews=rows_of(tokens, tables.reviews)[:2],
        slices=slices,
        edges=(left, right),
        families=_seen_by(families),
    )
    return labelled, len(everyone) - len(records)


def _seen_by(families: pa.ListArray) -> dict[str, npt.NDArray[np.bool_]]:
    """Per key family, whether it saw each pair."""
    pairs = pc.list_parent_indices(families).to_numpy()
    names = pc.list_flatten(families).to_numpy(zero_copy_only=False)
    seen = {}
    for name in sorted(set(names)):
        seen[str(name)] = np.zeros(len(families), dtype=np.bool_)
        seen[str(name)][pairs[names == name]] = True
    return seen


def _tokeniser_of(records: pa.Table) -> Tokeniser:
    """The key whose id stands in the tokens of the run: the public one, or that of the machine."""
    public = key_from_env(is_public_data=True)
    is_public = pc.all(pc.starts_with(records["record_token"], f"t{public.key_id}_")).as_py()
    return public if is_public else key_from_env(is_public_data=False)
