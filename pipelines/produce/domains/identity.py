"""Enrolments of the synthetic register that dedup searches."""

import importlib
from pathlib import Path

from pipelines.produce.domains import Records
from pipelines.produce.files import read_records


def make_records(number: int, seed: int, folder: Path) -> Records:
    """`number` enrolments."""
    generate = importlib.import_module("pipelines.dedup.generate")
    made = generate.write_synthetic(number, folder, seed)
    return {"identity.enrolments.v1": read_records(made.enrolments, "identity.Enrolment")}
