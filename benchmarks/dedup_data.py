"""Inputs of the dedup benchmark, made once: the same Parquet and the same truth for all."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipelines.dedup.generate import write_synthetic
from pipelines.dedup.sources import FEBRL_FILES, febrl_path


@dataclass(frozen=True)
class Data:
    """One input.

    Attributes:
        name: febrl1..febrl4, or identity_<records>.
        path: Parquet file or folder that the peers read.
        entity: true entity of each record, indexed by record id.
        is_link: two files, pairs across them only.
    """

    name: str
    path: Path
    entity: "pd.Series[str]"
    is_link: bool = False


def identity_data(records: int, seed: int, folder: Path) -> Data:
    """Synthetic Indian identities, demographics only."""
    target = folder / f"identity-on-paper-{records}-{seed}"
    truth = target / "truth" / "entities.parquet"
    if not truth.exists():
        write_synthetic(records, target, seed, modalities="demographic")
    entity = pd.read_parquet(truth).set_index("enrolment_id")["entity_id"]
    return Data(f"identity_{records}", target / "enrolments", entity)


def febrl_data(name: str, folder: Path) -> Data:
    """A FEBRL set as trimmed text, one Parquet file; `source` tells its two files apart."""
    parts = []
    for number in FEBRL_FILES[name]:
        part = pd.read_csv(febrl_path(number), dtype=str, skipinitialspace=True)
        parts.append(part.rename(columns=str.strip).assign(source=f"file_{number}"))
    people = pd.concat(parts, ignore_index=True)
    people = people.apply(lambda column: column.str.strip().replace({"": None}))
    target = folder / f"{name}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    people.to_parquet(target, index=False)
    entity = people["rec_id"].str.extract(r"^rec-(\d+)-", expand=False)
    return Data(name, target, entity.set_axis(people["rec_id"]), len(parts) > 1)
