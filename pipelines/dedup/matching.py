"""Transform: candidate pairs, their agreement patterns, a trained or loaded model, scored edges."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyspark.sql import SparkSession

from pipelines.core.local_rows import LocalRows, Rows, join_rows, to_batches
from pipelines.core.packed import SCHEMA, Records, of_kind, pack, pack_by_partition, unpack
from pipelines.dedup.candidates import (
    COUNTS,
    CUT,
    PAIR,
    SIZE_BINS,
    bucket_entries,
    bucket_pairs,
    pair_partition,
)
from pipelines.dedup.capture_candidates import capture_buckets, capture_pairs
from pipelines.dedup.capture_keys import capture_entries, indexed_finger_keys
from pipelines.dedup.capture_levels import CaptureComparison
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.edges import EDGE, Scoring, score_stage
from pipelines.dedup.fresh import Fresh, know_leaves
from pipelines.dedup.increment import Increment
from pipelines.dedup.intake import Intake
from pipelines.dedup.key_files import chunks_of, open_keys, write_cuts, write_keys
from pipelines.dedup.key_source import KeySource, Plan
from pipelines.dedup.leaf_files import make_leaf_table
from pipelines.dedup.membership import HashSet
from pipelines.dedup.model import Model, TermFrequencies, layout_of
from pipelines.dedup.pairs import (
    IDENTICAL,
    PATTERN,
    Comparison,
    compare_stage,
    merge_counts,
)
from pipelines.dedup.templates import POSITIONS
from pipelines.dedup.training import (
    Marginals,
    measure_frequencies,
    store_frequencies,
    train_model,
)

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Candidates:
    """What making the candidate pairs has told.

    Attributes:
        made: pairs inside the buckets, before distinct.
        skipped: pairs given up where nothing was left to cut by.
        largest: records in the largest bucket after splitting.
        buckets: sums of `COUNTS` over all tasks.
        plan: the plan with its cut nodes.
    """

    made: int
    skipped: int
    largest: int
    buckets: pd.DataFrame
    plan: Plan


@dataclass(frozen=True)
class Compared:
    """Compared pairs (persisted packed rows) and their pattern counts."""

    rows: Rows
    counts: Records


def make_keys(
    session: SparkSession, intake: Intake, partitions: int, increment: Increment | None = None
) -> KeySource:
    """Make the keys of this input; tasks find them beside its records. An increment has its own."""
    if increment is None:
        write_keys(session, str(intake.folder), len(intake.store.nodes), intake.layout)
        make_leaf_table(str(intake.folder))
    return KeySource(str(intake.folder), intake.layout, intake.groups.hidden, partitions)


def make_candidates(
    session: SparkSession, intake: Intake, source: KeySource, plan: Plan,
    increment: Increment | None = None,
) -> Rows:  # fmt: skip
    """Candidate pairs under a plan, packed; of an increment, those with a fresh record.

    Spark computes nothing yet: pairs are compared as they come, and rows that count go beside them.
    """
    partitions, is_local = source.partitions, increment is not None and increment.is_local
    fresh = None
    if increment is not None:
        know_leaves(session, source, plan, is_local)
        fresh = Fresh.of(increment.fresh, source, plan)
    elif plan.cuts is not None:
        write_cuts(source.folder, plan.cuts)
    chunks = chunks_of(session, len(open_keys(source.folder).nodes), is_local)
    made = bucket_pairs(bucket_entries(chunks, source, plan, fresh), source, plan, fresh)
    if intake.store.templates is not None:
        chunks = chunks_of(session, len(intake.store.nodes), is_local)
        made = join_rows(made, _capture_pairs(chunks, intake, source, fresh))
    groups = intake.groups
    stars = (groups.hidden, groups.leader) if increment is None else increment.stars
    made = join_rows(made, _star_pairs(stars, partitions, made))
    return made.repartitionById(partitions, "partition")


def _candidates(told: pd.DataFrame, plan: Plan) -> Candidates:
    """Add up what the tasks counted."""
    counts = _records(told, "counts", COUNTS)
    cuts = plan.cuts
    if cuts is None:
        cuts = np.unique(_records(told, "cut", CUT)["key"])
    return Candidates(
        int(counts["made"].sum()),
        int(counts["skipped"].sum()),
        int(counts["largest"].max(initial=0)),
        _bucket_table(counts),
        Plan(plan.depth, plan.split_size, cuts),
    )


def _bucket_table(counts: Records) -> pd.DataFrame:
    """Buckets and their pairs by size, one row per power of two that occurs."""
    low = 2 ** np.arange(SIZE_BINS)
    table = pd.DataFrame({"low": low, "high": 2 * low - 1})
    for name, column in (("buckets", ""), ("pairs", "pairs_")):
        for when in ("before", "after"):
            table[f"{name}_{when}"] = counts[f"{column}{when}"].sum(axis=0)
    return table[table["buckets_before"] + table["buckets_after"] > 0].reset_index(drop=True)


def _records(rows: pd.DataFrame, kind: str, dtype: np.dtype[np.void]) -> Records:
    payload = b"".join(rows.loc[rows["kind"] == kind, "payload"])
    return np.frombuffer(payload, dtype=dtype)


def _capture_pairs(chunks: Rows, intake: Intake, source: KeySource, fresh: Fresh | None) -> Rows:
    templates = intake.store.templates
    assert templates is not None  # noqa: S101 (the caller has asked)
    wanted, met = indexed_finger_keys(templates, intake.layout), None
    if fresh is not None:
        rows = intake.store.rows_of(fresh.nodes)
        entries = capture_entries(fresh.nodes, templates.take(rows), intake.layout, wanted)
        met = HashSet(np.unique(entries["key"]))
    return capture_pairs(capture_buckets(chunks, source, wanted, met), source.partitions, fresh)


def _star_pairs(stars: tuple[I64, I64], partitions: int, like: Rows) -> Rows:
    """Each hidden record with its representative: exact duplicates stay, and stay linear."""
    hidden, leader = stars
    pairs = np.zeros(len(hidden), dtype=PAIR)
    pairs["a"], pairs["b"] = np.minimum(hidden, leader), np.maximum(hidden, leader)
    pairs["families"], pairs["votes"] = np.uint32(1) << np.uint32(IDENTICAL), 1
    batch = pack_by_partition("pair", pairs, pair_partition(pairs["a"], pairs["b"], partitions))
    if isinstance(like, LocalRows):
        return LocalRows(((batch,),))
    return like.sparkSession.createDataFrame(pa.Table.from_batches([batch]), SCHEMA)


def make_comparison(intake: Intake, config: DedupConfig) -> Comparison:
    """How this input's pairs are compared."""
    captures = None
    templates = intake.store.templates
    if templates is not None:
        used = (templates.quality >= 0).any(axis=0)
        positions = tuple(name for name, any_ in zip(POSITIONS, used, strict=True) if any_)
        captures = CaptureComparison(positions, config.captures) if positions else None
    return Comparison(
        str(intake.folder), intake.mapping, captures, config.tf,
        representatives=intake.groups.leaders, group_sizes=intake.groups.sizes,
        votes=intake.layout.votes, link_only=config.link_only,
    )  # fmt: skip


def compare_candidates(
    pairs: Rows, comparison: Comparison, plan: Plan
) -> tuple[Candidates, Compared]:
    """Make the candidates and compare each distinct pair of them."""
    rows = compare_stage(pairs, comparison).persist()
    told = pa.Table.from_batches(to_batches(of_kind(rows, "counts", "cut", "pattern"))).to_pandas()
    counts = merge_counts(_records(told, "pattern", PATTERN))
    return _candidates(told, plan), Compared(rows, counts)


def prepare_comparison(
    intake: Intake, comparison: Comparison, model: Model | None
) -> Mapping[str, TermFrequencies]:
    """Lay the value shares beside the store: the model's, or those of this input."""
    frequencies = (
        model.frequencies
        if model is not None
        else measure_frequencies(intake.store, comparison, intake.weights)
    )
    store_frequencies(intake.store, intake.folder, frequencies)
    return frequencies


def fit_model(
    compared: Compared, marginals: Marginals, frequencies: Mapping[str, TermFrequencies],
    intake: Intake, comparison: Comparison, plan: Plan, config: DedupConfig,
) -> Model:  # fmt: skip
    """Train on this run's pattern counts."""
    records = int(intake.weights.sum())
    trained = train_model(compared.counts, marginals, comparison, records, config)
    layout = layout_of(intake.mapping, config)
    return Model(trained.weights, records, plan, frequencies, layout)


def score_candidates(compared: Compared, scoring: Scoring) -> Rows:
    """Packed rows of kind `edge`, persisted: few of the compared pairs are left."""
    return score_stage(of_kind(compared.rows, "compared"), scoring).persist()


def collect_edges(edges: Rows, least_band: int) -> Records:
    """Edges of a band and above, on the driver, sorted by pair."""

    def keep(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records = unpack([batch], EDGE)
            yield pack("edge", records[records["band"] >= least_band])

    records = unpack(to_batches(edges.mapInArrow(keep, edges.schema)), EDGE)
    ordered: Records = records[np.lexsort((records["b"], records["a"]))]
    return ordered
