"""The record store of earlier runs with new records in it: only what is new is computed.

Words of earlier runs keep their codes, new ones come after them.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup.attributes import (
    VOCABULARY,
    RecordStore,
    encode_attributes,
    flat_column,
    open_store,
    open_words,
    save_sources,
    save_vocabulary,
    save_words,
    vocabulary_groups,
)
from pipelines.dedup.key_files import append_keys
from pipelines.dedup.keys import KeyLayout, record_keys
from pipelines.dedup.leaf_files import append_leaves
from pipelines.dedup.mapping import TEXT, Mapping
from pipelines.dedup.vocabulary import Vocabulary, encode_together

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Union:
    """How rows of the union follow from the earlier store and the new records.

    Attributes:
        folder: the earlier store.
        kept: earlier rows that stay, [earlier].
        order: per row of the union its place in the kept rows followed by the new ones.
        records: the new records in node order.
    """

    folder: Path
    kept: Bool
    order: I64
    records: pa.Table

    @classmethod
    def of(cls, folder: Path, kept: Bool, records: pa.Table) -> "Union":
        """Plan the union of an earlier store, less some rows, with new records."""
        records = records.take(np.argsort(records["node_id"].to_numpy()))
        nodes = open_store(str(folder)).nodes[kept]
        order = np.argsort(np.append(nodes, records["node_id"].to_numpy()), kind="stable")
        return cls(folder, kept, order, records)

    def rows(self, earlier: Array, new: Array) -> Array:
        """A column of the union."""
        kept = earlier if self.kept.all() else earlier[self.kept]
        merged: Array = np.concatenate([kept, new])[self.order]
        return merged

    def words(self, earlier: pa.Array, new: pa.Array) -> pa.Array:
        """An Arrow column of the union."""
        kept = earlier if self.kept.all() else earlier.filter(pa.array(self.kept))
        return pa.concat_arrays([kept, new]).take(pa.array(self.order))


def write_union(union: Union, mapping: Mapping, folder: Path) -> RecordStore:
    """Write the store of a union into an empty folder."""
    base, records = open_store(str(union.folder)), union.records
    moments = records["enrolled_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    columns = {
        "nodes": (base.nodes, records["node_id"].to_numpy()),
        "content": (base.content, records["content_hash"].to_numpy()),
        "enrolled": (base.enrolled_us, moments.fill_null(0).to_numpy()),
    }
    for name, (earlier, new) in columns.items():
        np.save(folder / f"{name}.npy", union.rows(earlier, new))
    groups = vocabulary_groups(mapping)
    with ThreadPoolExecutor(1, "fields") as beside:
        jobs = [
            beside.submit(_write_fields, union, base, mapping, group, folder)
            for group in groups.items()
        ]
        _write_words(union, base, folder)
        for job in jobs:
            job.result()
    (folder / "groups.json").write_text(json.dumps(groups))
    return open_store(str(folder))


def _write_words(union: Union, base: RecordStore, folder: Path) -> None:
    """Write tokens, sources and captures."""
    records = union.records
    tokens = flat_column(records["record_token"], pa.large_string())
    save_words(folder / "tokens.arrow", union.words(base.tokens, tokens))
    if base.sources is not None:
        names, found = encode_together({"s": records["source"]})
        known = open_words(union.folder / "sources.arrow")
        names, places = _extend(known, names)
        save_sources(folder, names, union.rows(base.sources, places[found["s"]]))
    if "captures" in records.column_names:
        captures = flat_column(records["captures"], pa.large_binary())
        packed = union.words(open_words(union.folder / "captures.arrow"), captures)
        save_words(folder / "captures.arrow", packed)


def write_union_keys(union: Union, mapping: Mapping, layout: KeyLayout, folder: Path) -> None:
    """Lay the keys of a union beside its store; only those of the new records are made."""
    records = union.records
    keys = record_keys(encode_attributes(records, mapping), slice(0, records.num_rows), layout)
    gone = open_store(str(union.folder)).nodes[~union.kept]
    append_keys(str(union.folder), str(folder), gone, records["node_id"].to_numpy(), keys)
    append_leaves(str(union.folder), str(folder))


def _write_fields(
    union: Union, base: RecordStore, mapping: Mapping, group: tuple[str, list[str]], folder: Path
) -> None:
    """Write the fields of one vocabulary."""
    name, fields = group
    words, codes = encode_together({field: union.records[field] for field in fields})
    earlier = base.attributes.vocabularies[fields[0]]
    every, places = _extend(earlier.words, words)
    is_text = any(mapping.fields[field].comparator in TEXT for field in fields)
    added = Vocabulary.of(every[len(earlier.words) :], is_text)
    parts = {part: np.append(getattr(earlier, part), getattr(added, part)) for part in VOCABULARY}
    save_vocabulary(folder, name, Vocabulary(every, **parts))
    for field in fields:
        merged = union.rows(base.attributes.codes[field], places[codes[field]])
        np.save(folder / f"codes-{field}.npy", merged)


def _extend(earlier: pa.Array, words: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """Earlier words followed by unseen ones, and the place of each of `words`; -1 stays -1."""
    at = pc.index_in(words, earlier.cast(words.type))
    unseen = words.filter(at.is_null())
    places = np.append(np.asarray(at.fill_null(0)), -1).astype(np.int32)
    places[:-1][np.asarray(at.is_null())] = len(earlier) + np.arange(len(unseen))
    return pa.concat_arrays([earlier.cast(words.type), unseen]), places
