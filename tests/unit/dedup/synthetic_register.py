"""Synthetic registers that several tests read; each is made once."""

import hashlib
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from pipelines.dedup.generate import SyntheticSet, write_synthetic
from pipelines.dedup.synthetic.config import SyntheticConfig

NAMES = ["full_name", "given_name", "surname"]
RELATION = ["relation_type", "relation_name"]
ADDRESS = ["house", "street", "locality", "town", "district", "state", "pincode"]
BIRTH = ["date_of_birth", "is_dob_estimated"]
SMALL = SyntheticConfig(block_records=400, part_records=300, plain_part_records=300)
"""Several blocks and parts out of few records."""


def read_register(made: SyntheticSet) -> pd.DataFrame:
    """Register in file order with the truth beside it."""
    rows = pq.read_table(made.enrolments).to_pandas()
    truth = pq.read_table(made.entities).to_pandas()
    assert truth["enrolment_id"].tolist() == rows["enrolment_id"].tolist()
    return rows.assign(entity_id=truth["entity_id"], kind=truth["kind"])


def digest(folder: Path) -> str:
    """Names and bytes of all files of a folder."""
    found = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return found.hexdigest()


@cache
def large_register() -> tuple[SyntheticSet, pd.DataFrame, pd.DataFrame]:
    """100,000 records: what was written, the register, the true pairs.

    All kinds of duplicates are in it; only writing the captures down is left out, it takes long.
    """
    shares = SyntheticConfig.usual(has_captures=True)
    with tempfile.TemporaryDirectory() as folder:
        made = write_synthetic(
            100_000, Path(folder), modalities="demographic", workers=1, config=shares
        )
        return made, read_register(made), pq.read_table(made.pairs).to_pandas()


def pair_with_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Each later enrolment beside the first one of its person (suffix _1)."""
    first = rows[rows["kind"] == "first"]
    return rows[rows["kind"] != "first"].merge(first, on="entity_id", suffixes=("", "_1"))
