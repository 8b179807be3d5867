"""From source rows to comparable records: tokens, normalised fields, captures, in one pass."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.core.privacy import Tokeniser
from pipelines.dedup.captures import CaptureLimits, pack_captures
from pipelines.dedup.hashing import fold
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.normalise import IDENTITY_NUMBER_IN_TEXT, Normaliser
from pipelines.dedup.vocabulary import hash_words

U64 = npt.NDArray[np.uint64]

ID, TIME, STATUS, CAPTURES, CORRUPT = "_id", "enrolled_at", "_status", "captures", "_corrupt_record"

FIXED = (
    ("record_token", pa.string(), T.StringType()),
    ("node_id", pa.int64(), T.LongType()),
    ("source", pa.string(), T.StringType()),
    ("enrolled_at", pa.timestamp("us", "UTC"), T.TimestampType()),
    ("content_hash", pa.int64(), T.LongType()),
    ("dq_flags", pa.list_(pa.string()), T.ArrayType(T.StringType())),
)


@dataclass(frozen=True)
class RecordStage:
    """What a task needs to prepare records."""

    source_mapping: Mapping
    mapping: Mapping
    tokeniser: Tokeniser
    limits: CaptureLimits

    @property
    def fields(self) -> tuple[str, ...]:
        """Columns of the normalised fields."""
        return tuple(self.mapping.fields)

    def spark_schema(self) -> T.StructType:
        """Schema of the prepared records."""
        columns = [T.StructField(name, kind) for name, _, kind in FIXED]
        if self.source_mapping.captures:
            columns.append(T.StructField("captures", T.BinaryType()))
        columns += [T.StructField(name, T.StringType()) for name in self.fields]
        return T.StructType(columns)

    def arrow_schema(self) -> pa.Schema:
        """The same schema in Arrow."""
        columns = [(name, kind) for name, kind, _ in FIXED]
        if self.source_mapping.captures:
            columns.append(("captures", pa.binary()))
        return pa.schema(columns + [(name, pa.string()) for name in self.fields])


def select_columns(frame: DataFrame, mapping: Mapping) -> DataFrame:
    """The columns of the mapping under the names the job uses; text stays as written."""
    columns = [F.col(mapping.id).cast("string").alias(ID), F.col("_source").cast("string")]
    time = F.col(mapping.time).cast("timestamp") if mapping.time else F.lit(None).cast("timestamp")
    columns.append(time.alias(TIME))
    if mapping.captures:
        columns.append(F.col(mapping.captures).alias(CAPTURES))
    if mapping.status:
        columns.append(F.col(mapping.status).cast("string").alias(STATUS))
    if CORRUPT in frame.columns:
        columns.append(F.col(CORRUPT))
    return frame.select(
        *columns, *(F.col(spec.column).alias(n) for n, spec in mapping.fields.items())
    )


def prepare_records(frame: DataFrame, stage: RecordStage) -> DataFrame:
    """Prepared records of the selected columns; one row in, one row out."""
    return frame.mapInArrow(prepare_task(stage), stage.spark_schema())


def prepare_task(
    stage: RecordStage,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Function of one task; normalisers remember values across its batches."""

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        normalisers = {
            name: _normaliser(spec.comparator) for name, spec in stage.source_mapping.fields.items()
        }
        for batch in batches:
            if batch.num_rows:
                yield prepare_batch(batch, stage, normalisers)

    return emit


def _normaliser(comparator: str) -> Normaliser:
    if comparator != "date_of_birth":
        return Normaliser(comparator)
    # The checks have turned birth dates of any pattern into dates.
    return Normaliser(comparator, date_format="yyyy-MM-dd")


def prepare_batch(
    batch: pa.RecordBatch, stage: RecordStage, normalisers: dict[str, Normaliser]
) -> pa.RecordBatch:
    """Prepare one batch."""
    fields, flags = _normalise(batch, stage, normalisers)
    tokens, nodes = stage.tokeniser.token_columns(batch.column(ID))
    columns: dict[str, pa.Array] = {
        "record_token": tokens,
        "node_id": nodes,
        "source": batch.column("_source"),
        "enrolled_at": batch.column(TIME),
    }
    hashes = [_hashes(fields[name]) for name in stage.fields]
    if stage.source_mapping.captures:
        columns["captures"], capture_flags = pack_captures(batch.column(CAPTURES), stage.limits)
        flags.append(capture_flags)
        hashes.append(_hashes(columns["captures"]))
    columns["content_hash"] = pa.array(fold(0, hashes).view(np.int64))
    columns["dq_flags"] = _join_flags([batch.column("dq_flags"), *flags])
    schema = stage.arrow_schema()
    arrays = [(columns | fields)[name].cast(schema.field(name).type) for name in schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _normalise(
    batch: pa.RecordBatch, stage: RecordStage, normalisers: dict[str, Normaliser]
) -> tuple[dict[str, pa.Array], list[pa.Array]]:
    """Normalised fields, and the flags found on the way."""
    fields: dict[str, pa.Array] = {}
    found = np.zeros(batch.num_rows, dtype=bool)
    relations = []
    for name, spec in stage.source_mapping.fields.items():
        cleaned = normalisers[name].parse(batch.column(name))
        if spec.comparator == "full_name":
            fields["given_name"], fields["surname"] = normalisers[name].split(batch.column(name))
        else:
            fields[name] = cleaned.text
        found |= np.asarray(cleaned.has_identity_number)
        relations.append(cleaned.relation_name)
    for name in (
        n for n, spec in stage.mapping.fields.items() if spec.comparator == "relation_name"
    ):
        fields[name] = pc.coalesce(fields[name], *relations)
    marks = pa.array([[], [IDENTITY_NUMBER_IN_TEXT]], pa.list_(pa.string()))
    return fields, [marks.take(pa.array(found.astype(np.int8)))] if found.any() else []


def _hashes(column: pa.Array) -> U64:
    """A 64-bit hash per row, computed once per distinct value; 0 where missing."""
    encoded = column.dictionary_encode()
    hashed = hash_words(encoded.dictionary)
    codes = encoded.indices.fill_null(len(hashed)).to_numpy()
    by_row: U64 = np.append(hashed, np.uint64(0))[codes]
    return by_row


def _join_flags(lists: list[pa.Array]) -> pa.Array:
    if len(lists) == 1:
        return lists[0]
    tables = [pc.list_parent_indices(flags).to_numpy() for flags in lists]
    rows, values = np.concatenate(tables), pa.concat_arrays([pc.list_flatten(f) for f in lists])
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=len(lists[0]))
    offsets = np.append(0, np.cumsum(counts)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.take(pa.array(order)))
