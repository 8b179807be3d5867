"""From source rows to comparable records: tokens, normalised fields, captures, in one pass."""

from collections.abc import Mapping as Mapping_
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
from pipelines.dedup.checks import Checked
from pipelines.dedup.hashing import fold
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.normalise import IDENTITY_NUMBER_IN_TEXT, Normaliser
from pipelines.dedup.vocabulary import hash_words

U64 = npt.NDArray[np.uint64]

ID, TIME, STATUS, CAPTURES, CORRUPT = "_id", "enrolled_at", "_status", "captures", "_corrupt_record"

_DAYS = (T.DateType, T.TimestampType, T.TimestampNTZType)

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
    for name, spec in mapping.fields.items():
        is_day = isinstance(frame.schema[spec.column].dataType, _DAYS)
        columns.append(F.col(spec.column).cast("date" if is_day else "string").alias(name))
    return frame.select(*columns)


def prepare_batch(
    checked: Checked, stage: RecordStage, normalisers: dict[str, Normaliser]
) -> pa.RecordBatch:
    """Prepare the rows of a checked batch, good or not; one row in, one row out."""
    columns = checked.columns
    fields, found_number = _normalise(columns, stage, normalisers)
    tokens, nodes = stage.tokeniser.token_columns(columns[ID])
    prepared: dict[str, pa.Array] = {
        "record_token": tokens,
        "node_id": nodes,
        "source": columns["_source"],
        "enrolled_at": columns[TIME],
    }
    hashes = [_hashes(fields[name]) for name in stage.fields]
    flags = [mark(rows, code) for code, rows in checked.flags.items() if rows.any()]
    if found_number.any():
        flags.append(mark(found_number, IDENTITY_NUMBER_IN_TEXT))
    if stage.source_mapping.captures:
        prepared["captures"], capture_flags = pack_captures(columns[CAPTURES], stage.limits)
        flags.append(capture_flags)
        hashes.append(_hashes(prepared["captures"]))
    prepared["content_hash"] = pa.array(fold(0, hashes).view(np.int64))
    prepared["dq_flags"] = _join_flags(flags, len(found_number))
    schema = stage.arrow_schema()
    arrays = [(prepared | fields)[name].cast(schema.field(name).type) for name in schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def make_normalisers(stage: RecordStage) -> dict[str, Normaliser]:
    """A normaliser per field; each remembers values, so a task keeps them across its batches."""
    return {name: Normaliser(spec.comparator) for name, spec in stage.source_mapping.fields.items()}


def _normalise(
    columns: Mapping_[str, pa.Array], stage: RecordStage, normalisers: dict[str, Normaliser]
) -> tuple[dict[str, pa.Array], npt.NDArray[np.bool_]]:
    """Normalised fields, and the rows with an identity number in any of them."""
    fields: dict[str, pa.Array] = {}
    found = np.zeros(len(columns[ID]), dtype=bool)
    relations = []
    for name, spec in stage.source_mapping.fields.items():
        cleaned = normalisers[name].parse(columns[name])
        if spec.comparator == "full_name":
            fields["given_name"], fields["surname"] = normalisers[name].split(columns[name])
        else:
            fields[name] = cleaned.text
        found |= np.asarray(cleaned.has_identity_number)
        relations.append(cleaned.relation_name)
    for name in (
        n for n, spec in stage.mapping.fields.items() if spec.comparator == "relation_name"
    ):
        fields[name] = pc.coalesce(fields[name], *relations)
    return fields, found


def mark(rows: npt.NDArray[np.bool_], code: str) -> pa.ListArray:
    """A flag on some rows, as lists."""
    return pa.array([[], [code]], pa.list_(pa.string())).take(pa.array(rows.astype(np.int8)))


def _hashes(column: pa.Array) -> U64:
    """A 64-bit hash per row, computed once per distinct value; 0 where missing."""
    encoded = column.dictionary_encode()
    hashed = hash_words(encoded.dictionary)
    codes = encoded.indices.fill_null(len(hashed)).to_numpy()
    by_row: U64 = np.append(hashed, np.uint64(0))[codes]
    return by_row


def _join_flags(lists: list[pa.ListArray], rows: int) -> pa.ListArray:
    lists = [flags for flags in lists if len(flags.flatten())] or [
        mark(np.zeros(rows, dtype=bool), "")
    ]
    if len(lists) == 1:
        return lists[0]
    parents = np.concatenate([pc.list_parent_indices(flags).to_numpy() for flags in lists])
    values = pa.concat_arrays([pc.list_flatten(flags) for flags in lists])
    order = np.argsort(parents, kind="stable")
    offsets = np.append(0, np.cumsum(np.bincount(parents, minlength=rows))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.take(pa.array(order)))
