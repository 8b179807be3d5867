"""Whole runs that several tests look at, each made once a session."""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pipelines.core.delta_tables import Place, read_arrow, version_of
from pipelines.core.privacy import is_valid_identity_number
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.dedup.cli import PLANS
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.model import Model
from pipelines.dedup.pipeline import run
from pipelines.dedup.request import Request

AS_OF = date(2026, 1, 1)
KEY = {"SANGAM_TOKEN_KEY": "key-of-the-tests-0123456789", "SANGAM_TOKEN_KEY_ID": "1"}

MAPPING = """
id: customer_no
fields:
  name: {column: full_name, comparator: full_name}
  dob: {column: born, comparator: date_of_birth, format: dd/MM/yyyy}
  mobile: {column: mobile, comparator: phone}
  birth_place: {column: birth_place, comparator: town}
  occupation: {column: occupation, comparator: free_text}
  passport: {column: passport, comparator: code}
keys:
  - {signature: person, fields: [given_name, surname, dob]}
  - {exact: [dob, sound(surname)]}
  - {exact: [mobile]}
"""


@dataclass
class Finished:
    """A run, where it left its tables and its report, and the model it trained."""

    summary: RunSummary
    lake: Path
    report: Path
    session: SparkSession
    models: list[Model] = field(default_factory=list)

    def table(self, name: str) -> pd.DataFrame:
        """Rows of a table as published."""
        place = Place(str(self.lake / f"{name}_v1"))
        version = version_of(place)
        assert version is not None, f"there is no table {name}"
        return read_arrow(place, version).to_pandas(maps_as_pydicts="strict")

    def digests(self) -> dict[str, int]:
        """Digest of every table, runs left out."""
        return {name: one["digest"] for name, one in self.summary.tables.items() if name != "runs"}

    def clusters(self) -> set[frozenset[str]]:
        """Member tokens of the clusters of two and more."""
        rows = self.table("clusters")
        groups = rows[rows["valid_to_run"].isna()].groupby("cluster_id")["record_token"]
        return {frozenset(tokens) for _, tokens in groups if len(tokens) > 1}


Deduplicate = Callable[..., Finished]


@contextmanager
def planning(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """The shared session, set as the command line sets its own."""
    before = {key: spark.conf.get(key) for key in settings}
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)


@pytest.fixture(scope="session")
def deduplicate(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deduplicate]:
    """Run the job: `deduplicate(input, config={}, report=False, lake=<its own>, plans={}, **request)`."""
    from pipelines.dedup import transform

    original, trained = transform.fit_model, []

    def remember(*arguments: Any) -> Model:
        trained.append(original(*arguments))
        return trained[-1]

    def start(
        name: str, config: dict[str, Any] | None = None, report: bool = False,
        lake: Path | None = None, plans: Mapping[str, str] | None = None, **rest: Any,
    ) -> Finished:  # fmt: skip
        folder = tmp_path_factory.mktemp("run")
        lake = lake or folder / "lake"
        trained.clear()
        request = Request(
            name, lake=str(lake), as_of=AS_OF, report=folder if report else None, **rest
        )
        log = RunLog("dedup", "", AS_OF, stream=StringIO())
        with planning(spark, {**PLANS, **(plans or {})}):
            summary = run(spark, DedupConfig.model_validate(config or {}), request, log)
        return Finished(summary, lake, folder, spark, list(trained))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transform, "fit_model", remember)
        for name, value in KEY.items():
            patch.setitem(os.environ, name, value)
        yield start


@pytest.fixture(scope="session")
def febrl1(deduplicate: Deduplicate) -> Finished:
    """FEBRL 1 on one partition."""
    return deduplicate("febrl1", {"partitions": 1}, report=True)


@dataclass
class Customers:
    """A table of another shape than any bundled one, with planted duplicates and bad rows.

    Attributes:
        path: CSV file.
        mapping: YAML file.
        rows: rows of the file, header not counted.
        groups: ids of each planted person with several records.
        bad: number of rows by what is wrong with them.
        identity_number: valid number that stands in a text field.
    """

    path: Path
    mapping: Path
    rows: int
    groups: dict[str, list[str]]
    bad: dict[str, int]
    identity_number: str


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Customers:
    """Two hundred people; some twice, some thrice, some broken."""
    rng = random.Random(17)
    syllables = ["ka", "ri", "sho", "de", "van", "mu", "lat", "pre", "gon", "bi", "ther", "ya"]

    def word(parts: int) -> str:
        return "".join(rng.choices(syllables, k=parts)).title()

    def customer() -> list[str]:
        born = f"{rng.randint(1, 28):02}/{rng.randint(1, 12):02}/{rng.randint(1940, 2005)}"
        return [
            f"{word(2)} {word(3)}",
            born,
            f"9{rng.randint(10**8, 10**9 - 1)}",
            word(3),
            word(2),
            "",
        ]

    taken = iter(range(345678901201, 345678909999))
    lines: list[tuple[str, list[str]]] = []
    groups: dict[str, list[str]] = {}

    def add(row: list[str]) -> str:
        lines.append((str(next(taken)), row))
        return lines[-1][0]

    people = [customer() for _ in range(200)]
    for person in people:
        add(person)
    for number in range(40):  # moved, other work and a respelt name
        given_name, surname = people[number][0].split()
        changed = [
            f"{given_name}h {surname}",
            people[number][1],
            people[number][2],
            word(3),
            word(2),
            "",
        ]
        groups[f"moved {number}"] = [lines[number][0], add(changed)]
    for number in range(40, 60):
        groups[f"exact {number}"] = [lines[number][0], add(list(people[number]))]
    for number in range(60, 70):  # one record between two others
        name, born, mobile, place, work, _ = people[number]
        between = add([name.split()[0] + "a " + name.split()[1], born, mobile, place, work, ""])
        far = add([name.split()[0] + "ai " + name.split()[1], born, mobile, place, word(2), ""])
        groups[f"chain {number}"] = [lines[number][0], between, far]
    number = next(
        f"23456789012{d}" for d in range(10) if is_valid_identity_number(f"23456789012{d}")
    )
    script = "<script>alert(1)</script> Kumar"
    groups["script"] = [
        add([script, "05/06/1980", "9812345678", "Pune", "Clerk", ""]),
        add([script, "05/06/1980", "9812345678", "Pune", "Clerks", ""]),
    ]
    add(["Number Bearer", "07/08/1970", "", "Delhi", f"clerk {number}", ""])
    add(["Wrong Birthday", "31/02/1990", "", "Delhi", "Cook", ""])
    add(["Future Birthday", "01/01/2190", "", "Delhi", "Baker", ""])
    add(["Ancient Birthday", "01/01/1790", "", "Goa", "Tailor", ""])
    add(["Missing Birthday", "", "", "Kochi", "Driver", "K1234567"])
    add(["Wrong Phone", "09/10/1975", "12345", "Patna", "Smith", ""])
    add(["", "", "", "", "", ""])  # nothing to compare
    lines.append((" ", ["No Id", "01/02/1960", "", "Agra", "Nurse", ""]))
    lines.append((lines[150][0], list(lines[150][1])))  # same id, same content
    lines.append((lines[151][0], [*lines[151][1][:4], "Another Occupation", ""]))
    text = "customer_no,full_name,born,mobile,birth_place,occupation,passport\n"
    text += "".join(",".join((name, *row)) + "\n" for name, row in lines)
    text += "345678909999,Ragged Row,01/02/1990,,Pune,Cook,,9876543210,one,cell,too,many\n"
    folder = tmp_path_factory.mktemp("customers")
    (folder / "people.csv").write_text(text, "utf-8")
    (folder / "people.yaml").write_text(MAPPING, "utf-8")
    bad = {
        "BAD_DOB": 3, "BAD_PHONE": 1, "NO_EVIDENCE": 1, "MISSING_ID": 1, "DUPLICATE_ROW": 1,
        "SUPERSEDED": 1, "UNREADABLE_ROW": 1,
    }  # fmt: skip
    return Customers(
        folder / "people.csv", folder / "people.yaml", len(lines) + 1, groups, bad, number
    )


@pytest.fixture(scope="session")
def customer_run(deduplicate: Deduplicate, customers: Customers) -> Finished:
    """The customers, deduplicated by the mapping alone."""
    return deduplicate(str(customers.path), report=True, mapping=customers.mapping)
