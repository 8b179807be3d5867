"""What the evaluation reads: tables of a published run, and files of truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import csv

from pipelines.core.delta_tables import Place, columns_of, read_arrow, version_of
from pipelines.core.endpoints import ObjectStore, object_store
from pipelines.core.errors import ConfigError
from pipelines.core.lake_format import RUNS, VERSIONS
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


def read_run(lake: str) -> RunTables:
    """Read the tables of the newest published run.

    Raises:
        ConfigError: no published run under the lake root, or one without a table.
    """
    store = object_store("dedup") if lake.startswith("s3a://") else None
    versions = _newest_run(lake, store)

    def table(name: str, columns: Sequence[str], where: pc.Expression | None = None) -> pa.Table:
        return read_arrow(_place(lake, name, store), versions[name], columns, where=where)

    is_current = pc.field("valid_to_run").is_null()
    members = table("clusters", ["record_token", "cluster_id"], is_current)
    enrolments = _place(lake, "enrolments", store)
    has_state = "state" in columns_of(enrolments)
    state = ["state"] if has_state else []
    times = table("enrolments", ["record_token", "enrolled_at", *state])
    if not has_state:
        times = times.append_column("state", pa.nulls(times.num_rows, pa.string()))
    edges = ["token_a", "token_b", "families", "score_bits", "posterior"]
    is_open = pc.field("state") == "OPEN"
    return RunTables(
        members.join(times, "record_token"),
        table("candidate_edges", edges),
        table("review_queue", ["token_a", "token_b"], is_open),
    )


def _place(lake: str, table: str, store: ObjectStore | None) -> Place:
    return Place(f"{lake.rstrip('/')}/{table}_v1", store)


def _newest_run(lake: str, store: ObjectStore | None) -> dict[str, int]:
    """Table versions of the newest run."""
    place = _place(lake, RUNS, store)
    newest = version_of(place)
    if newest is None:
        raise ConfigError(f"--lake {lake}: no table runs_v1; run jobs/dedup.py first")
    runs = read_arrow(place, newest, ["started_at", "run_id", VERSIONS])
    if not runs.num_rows:
        raise ConfigError(f"--lake {lake}: runs_v1 lists no published run; run jobs/dedup.py first")
    last = runs.sort_by([("started_at", "descending"), ("run_id", "descending")])
    versions = dict(last[VERSIONS][0].as_py())
    missing = sorted({"enrolments", "clusters", "candidate_edges", "review_queue"} - set(versions))
    if missing:
        raise ConfigError(f"--lake {lake}: the last run lists no {missing[0]}; is it one of dedup?")
    return versions


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
