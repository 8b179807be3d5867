"""From blocks of people to a register in an order that tells nothing.

A block is written as one Arrow file with one batch per part of the register; a part then collects
its batches from all blocks, sorts them by the hash that also makes the record id, and adds the
captures. Memory is bounded by one block and one part, whatever the number of records.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.dedup.synthetic.captures import PLAN_FIELDS, make_captures, plan_captures
from pipelines.dedup.synthetic.config import SyntheticConfig
from pipelines.dedup.synthetic.duplicates import KINDS, make_rows
from pipelines.dedup.synthetic.forms import (
    write_addresses,
    write_envelope,
    write_names,
    write_person,
)
from pipelines.dedup.synthetic.gazetteer import load_gazetteer
from pipelines.dedup.synthetic.identifiers import encode_words, to_strings
from pipelines.dedup.synthetic.names import load_names
from pipelines.dedup.synthetic.people import Block, make_people
from pipelines.dedup.synthetic.streams import Purpose, mark
from pipelines.dedup.synthetic.truth import pair_rows

_CAPTURE_ROWS = 2_500
_ROW_GROUP = 25_000
_PLAIN_COLUMNS = ("event_id", "enrolment_id", "identity_number", "phone", "full_name")
_HIDDEN = ("order", "kind", "entity_id")


@dataclass(frozen=True)
class Layout:
    """What is made and where.

    Attributes:
        folder: root of the data set; work files live in `folder/.blocks`.
        config: shares and sizes.
        fingers: fingers per record, 0 for demographics only (then there are no captures at all).
        parts: Parquet parts of the register.
        blocks: their numbers, people and records.
    """

    folder: Path
    config: SyntheticConfig
    fingers: int
    parts: int
    blocks: tuple[Block, ...]

    @property
    def work(self) -> Path:
        """Folder of the work files."""
        return self.folder / ".blocks"

    def block_file(self, number: int) -> Path:
        """Rows of one block."""
        return self.work / f"block-{number:05d}.arrow"

    def pairs_file(self, number: int) -> Path:
        """True pairs of one block."""
        return self.work / f"pairs-{number:05d}.arrow"

    def entities_file(self, number: int) -> Path:
        """Entities of the records of one part."""
        return self.work / f"entities-{number:05d}.arrow"

    def part_file(self, number: int) -> Path:
        """One part of the register."""
        return self.folder / "enrolments" / f"part-{number:05d}.parquet"


def write_block(layout: Layout, number: int) -> None:
    """Make the people and records of one block and lay them out by part."""
    block, config = layout.blocks[number], layout.config
    names = load_names(config.names)
    gazetteer = load_gazetteer(names.communities)
    rows = make_rows(block, config, names, gazetteer, make_people(block, config, names, gazetteer))
    count = len(rows["person"])
    records = np.uint64(block.first_record) + np.arange(count, dtype=np.uint64)
    envelope, enrolled_at = write_envelope(block, config, gazetteer, rows, records)
    people = np.uint64(block.first_person) + rows["person"].astype(np.uint64)
    entities = encode_words("P", mark(block.seed, Purpose.ENTITY_ID, people))
    arrays = {
        **envelope,
        **write_names(block.stream(Purpose.MISTAKES), config.later, names, rows),
        **write_person(rows, enrolled_at),
        **write_addresses(gazetteer, rows),
        "order": pa.array(mark(block.seed, Purpose.RECORD_ID, records)),
        "kind": pa.array(KINDS).take(pa.array(rows["kind"])),
        "entity_id": to_strings(entities),
    }
    if layout.fingers:
        plan = plan_captures(block, config, rows, records, layout.fingers)
        arrays |= {name: pa.array(plan[name]) for name in PLAN_FIELDS}
    _spill(layout, number, pa.table(arrays))
    _write_batches(layout.pairs_file(number), [pair_rows(rows, arrays["enrolment_id"])])


def write_part(layout: Layout, number: int) -> None:
    """Collect one part of the register from all blocks and write it as Parquet."""
    batches = [
        pa.ipc.open_file(pa.memory_map(str(layout.block_file(block.number)))).get_batch(number)
        for block in layout.blocks
    ]
    rows = pa.Table.from_batches(batches).combine_chunks()
    rows = rows.take(pa.array(np.argsort(rows["order"].to_numpy(), kind="stable")))
    truth = rows.select(["enrolment_id", "entity_id", "kind"])
    _write_batches(layout.entities_file(number), [truth])
    shown = rows.drop_columns([n for n in (*_HIDDEN, *PLAN_FIELDS) if n in rows.column_names])
    if layout.fingers:
        plan = {name: rows[name].to_numpy() for name in PLAN_FIELDS}
        chunks = [
            make_captures(
                layout.config,
                {k: v[at : at + _CAPTURE_ROWS] for k, v in plan.items()},
                layout.fingers,
            )
            for at in range(0, len(rows), _CAPTURE_ROWS)
        ]
        shown = shown.append_column("captures", pa.chunked_array(chunks))
    dictionary = [n for n in shown.column_names if n not in (*_PLAIN_COLUMNS, "captures")]
    pq.write_table(
        shown, layout.part_file(number), row_group_size=_ROW_GROUP, use_dictionary=dictionary
    )


def write_truth(layout: Layout) -> tuple[Path, Path]:
    """Join the truth of all parts and blocks into two Parquet files: entities and pairs."""
    entities, pairs = (
        layout.folder / "truth" / f"{name}.parquet" for name in ("entities", "pairs")
    )
    _join(entities, [layout.entities_file(number) for number in range(layout.parts)])
    _join(pairs, [layout.pairs_file(block.number) for block in layout.blocks])
    return entities, pairs


def _spill(layout: Layout, number: int, rows: pa.Table) -> None:
    """Write the rows of a block as one batch per part; the part follows from the hash."""
    order = rows["order"].to_numpy()
    part = (order >> np.uint64(32)) * np.uint64(layout.parts) >> np.uint64(32)
    rows = rows.take(pa.array(np.argsort(part, kind="stable")))
    edges = np.append(0, np.cumsum(np.bincount(part.astype(np.int64), minlength=layout.parts)))
    slices = [
        rows.slice(low, high - low)
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    _write_batches(layout.block_file(number), slices)


def _write_batches(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write each table as exactly one batch, empty ones too."""
    tables = list(tables)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, tables[0].schema) as writer:
        for table in tables:
            writer.write_batch(_to_batch(table))


def _to_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def _join(path: Path, files: list[Path]) -> None:
    """Stream the batches of Arrow files into one Parquet file."""
    with pq.ParquetWriter(path, pa.ipc.open_file(str(files[0])).schema) as writer:
        for file in files:
            writer.write_table(pa.ipc.open_file(str(file)).read_all())
