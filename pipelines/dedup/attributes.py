"""Compared fields of all records as memory-mapped columns, shared by the tasks of a machine.

Records stand in node-id order; a field is a column of dictionary codes. Tasks map the same files,
so a machine holds one copy however many tasks compare pairs.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.compare import Attributes
from pipelines.dedup.mapping import TEXT, Mapping
from pipelines.dedup.templates import Templates
from pipelines.dedup.vocabulary import Vocabulary, encode_together

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

VOCABULARY = ("length", "masks", "sound", "initials", "is_initials")

# Fields whose values may stand in each other's place share one vocabulary.
_SHARED = {"given_name": "names", "surname": "names", "address_1": "lines", "address_2": "lines"}


@dataclass(frozen=True)
class RecordStore:
    """Attributes of records in node-id order.

    Attributes:
        nodes: sorted node ids, [records].
        attributes: codes and vocabularies of the compared fields.
        tokens: record tokens in the same order.
        content: content hashes in the same order.
        enrolled_us: moments of enrolment, microseconds since 1970 UTC; 0 where unknown.
        templates: captures in the same order, or None.
        sources: number of the source of each record, or None.
    """

    nodes: I64
    attributes: Attributes
    tokens: pa.Array
    content: I64
    enrolled_us: I64
    templates: Templates | None
    sources: I32 | None

    def rows_of(self, nodes: I64) -> I64:
        """Row of each node id."""
        return np.searchsorted(self.nodes, nodes)


def vocabulary_groups(mapping: Mapping) -> dict[str, list[str]]:
    """Fields by the vocabulary they share."""
    groups: dict[str, list[str]] = {}
    for name, spec in mapping.fields.items():
        groups.setdefault(_SHARED.get(spec.comparator, name), []).append(name)
    return groups


def encode_attributes(columns: pa.Table, mapping: Mapping) -> Attributes:
    """Attributes of a table of normalised fields, one column per field of the mapping."""
    codes: dict[str, I32] = {}
    vocabularies: dict[str, Vocabulary] = {}
    for fields in vocabulary_groups(mapping).values():
        words, encoded = encode_together({name: columns.column(name) for name in fields})
        is_text = any(mapping.fields[name].comparator in TEXT for name in fields)
        vocabulary = Vocabulary.of(words, is_text)
        for name in fields:
            codes[name], vocabularies[name] = encoded[name], vocabulary
    return Attributes(codes, vocabularies)


def write_store(records: pa.Table, mapping: Mapping, folder: Path) -> RecordStore:
    """Write the store of a table of prepared records, sorted by node.

    Args:
        records: `node_id`, `record_token`, `content_hash`, `enrolled_at` and the mapped fields;
            `captures` and `source` are kept when the table has them.
        mapping: compared fields.
        folder: where the files go; it must not exist yet.
    """
    folder.mkdir(parents=True)
    records = records.take(np.argsort(records.column("node_id").to_numpy()))
    attributes = encode_attributes(records, mapping)
    for file, column in (("nodes", "node_id"), ("content", "content_hash")):
        np.save(folder / f"{file}.npy", records.column(column).to_numpy())
    for name, codes in attributes.codes.items():
        np.save(folder / f"codes-{name}.npy", codes)
    groups = vocabulary_groups(mapping)
    for group, fields in groups.items():
        save_vocabulary(folder, group, attributes.vocabularies[fields[0]])
    save_words(
        folder / "tokens.arrow", flat_column(records.column("record_token"), pa.large_string())
    )
    moments = records.column("enrolled_at").cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    np.save(folder / "enrolled.npy", moments.fill_null(0).to_numpy())
    if "source" in records.column_names:
        names, numbers = encode_together({"s": records.column("source")})
        save_sources(folder, names, numbers["s"])
    if "captures" in records.column_names:
        packed = flat_column(records.column("captures"), pa.large_binary())
        save_words(folder / "captures.arrow", packed)
    (folder / "groups.json").write_text(json.dumps(groups))
    return open_store(str(folder))


def save_vocabulary(folder: Path, group: str, vocabulary: Vocabulary) -> None:
    """Write one vocabulary of a store."""
    for part in VOCABULARY:
        np.save(folder / f"words-{group}-{part}.npy", getattr(vocabulary, part))
    save_words(folder / f"words-{group}.arrow", vocabulary.words)


def save_sources(folder: Path, names: pa.Array, codes: I32) -> None:
    """Write where the records of a store come from: distinct names, and their number per record."""
    save_words(folder / "sources.arrow", names)
    np.save(folder / "sources.npy", codes)


@lru_cache(maxsize=2)
def open_store(folder: str) -> RecordStore:
    """Map the store; cached, so the tasks of one worker process open it once."""
    root = Path(folder)
    groups = json.loads((root / "groups.json").read_text())
    codes: dict[str, I32] = {}
    vocabularies: dict[str, Vocabulary] = {}
    for group, fields in groups.items():
        parts = {part: _mapped(root / f"words-{group}-{part}.npy") for part in VOCABULARY}
        vocabulary = Vocabulary(open_words(root / f"words-{group}.arrow"), **parts)
        for name in fields:
            codes[name] = _mapped(root / f"codes-{name}.npy")
            vocabularies[name] = vocabulary
    captures, sources = root / "captures.arrow", root / "sources.npy"
    return RecordStore(
        _mapped(root / "nodes.npy"),
        Attributes(codes, vocabularies),
        open_words(root / "tokens.arrow"),
        _mapped(root / "content.npy"),
        _mapped(root / "enrolled.npy"),
        Templates.from_packed(open_words(captures)) if captures.exists() else None,
        np.load(sources) if sources.exists() else None,
    )


def random_pairs(records: int, pairs: int, seed: int) -> tuple[I64, I64]:
    """Rows of random record pairs, the same for the same number of records and seed.

    Rows follow node ids, which are pseudo-random, so pairing each row with the row a random shift
    away samples pairs uniformly.
    """
    if records < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    shifts = np.random.default_rng(seed).permutation(records - 1)[: -(-pairs // records)] + 1
    left = np.tile(np.arange(records, dtype=np.int64), len(shifts))
    right = (left + np.repeat(shifts, records)) % records
    return left[:pairs], right[:pairs]


def value_shares(codes: I32, weights: F64, words: int) -> F64:
    """Share of records that show each value, [words]; sums to 1 over the values present."""
    present = codes >= 0
    counts = np.bincount(codes[present], weights=weights[present], minlength=words)
    shares: F64 = counts / max(counts.sum(), 1.0)
    return shares


def _mapped(path: Path) -> npt.NDArray[Any]:
    has_values = path.stat().st_size > 128  # the header alone cannot be mapped
    values: npt.NDArray[Any] = np.load(path, mmap_mode="r" if has_values else None)
    return values


def save_words(path: Path, values: pa.Array) -> None:
    """Write a column as an Arrow file that can be mapped."""
    with pa.OSFile(str(path), "wb") as sink:
        table = pa.table({"values": values})
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=max(len(values), 1))


def open_words(path: Path) -> pa.Array:
    """Map a column of `save_words`."""
    chunks = pa.ipc.open_file(pa.memory_map(str(path))).read_all().column("values").chunks
    return chunks[0] if chunks else pa.array([], pa.large_string())


def flat_column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    """A column in one piece."""
    chunks = column.cast(kind).chunks  # a cast drops empty chunks
    return pa.concat_arrays(chunks) if chunks else pa.array([], kind)
