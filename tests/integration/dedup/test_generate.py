"""Small synthetic registers: bytes, contract, arguments (D1, K25)."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.core.errors import ConfigError
from pipelines.dedup.generate import main, write_synthetic
from pipelines.dedup.synthetic.config import LaterModel
from tests.unit.dedup.synthetic_register import SMALL, digest, read_register

SCHEMA = Path(__file__).parents[3] / "schemas" / "identity" / "enrolment.v1.avsc"


def test_seed_changes_everything_and_a_new_set_replaces_the_old(tmp_path: Path) -> None:
    first = read_register(write_synthetic(900, tmp_path, 1, workers=1, config=SMALL))
    before = digest(tmp_path)
    (tmp_path / "notes.txt").write_text("kept")
    other = read_register(write_synthetic(500, tmp_path, 2, workers=1, config=SMALL))
    assert (tmp_path / "notes.txt").exists()
    assert len(other) == 500
    for name in ("enrolment_id", "identity_number", "event_id", "phone"):
        assert not set(first[name]) & set(other[name]), name
    (tmp_path / "notes.txt").unlink()
    write_synthetic(900, tmp_path, 1, workers=1, config=SMALL)
    assert digest(tmp_path) == before


def test_demographics_are_the_same_without_captures(tmp_path: Path) -> None:
    whole = write_synthetic(700, tmp_path / "all", workers=1, config=SMALL)
    plain = write_synthetic(700, tmp_path / "plain", 7, "demographic", workers=1, config=SMALL)
    assert "captures" not in pq.read_table(plain.enrolments).column_names
    rows = pq.read_table(whole.enrolments).drop_columns(["captures"])
    assert rows.equals(pq.read_table(plain.enrolments))
    assert plain.pairs.read_bytes() == whole.pairs.read_bytes()


def test_without_captures_nobody_changes_the_whole_identity(tmp_path: Path) -> None:
    """Nothing but the body would tie the two records; the other kinds keep their proportions."""
    made = write_synthetic(4_000, tmp_path, modalities="demographic", workers=1)
    kinds = read_register(made)["kind"].value_counts().to_dict()
    wanted = {
        "first": 3_200,
        "exact": 800 * 10 / 95,
        "noisy": 800 * 60 / 95,
        "moved": 800 * 25 / 95,
    }
    assert kinds == pytest.approx(wanted, abs=1)


def test_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    made = write_synthetic(300, tmp_path, workers=1, config=SMALL)
    schema = json.loads(SCHEMA.read_text())
    rows = pq.read_table(made.enrolments)
    assert rows.column_names == [field["name"] for field in schema["fields"]]
    for field in schema["fields"]:
        if isinstance(field["type"], dict) and field["type"]["type"] == "enum":
            assert set(rows[field["name"]].to_pylist()) <= set(field["type"]["symbols"])
        if not isinstance(field["type"], list):
            assert rows[field["name"]].null_count == 0, field["name"]
    assert str(rows.schema.field("event_time").type) == "timestamp[us, tz=UTC]"
    moments = rows["event_time"].to_numpy().astype("datetime64[us]").astype(np.int64)
    assert (moments % 1000 == 0).all()  # Avro holds milliseconds


@pytest.mark.parametrize("records", [1, 2, 3, 5, 17])
def test_tiny_registers(tmp_path: Path, records: int) -> None:
    rows = read_register(write_synthetic(records, tmp_path, workers=1))
    assert len(rows) == records
    assert (rows["kind"] != "first").sum() == round(records * 0.2)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"records": 0}, "records"),
        ({"records": 5, "seed": -1}, "seed"),
        ({"records": 5, "modalities": "voice"}, "modalities"),
        ({"records": 5, "fingers": 11}, "fingers"),
        ({"records": 5, "workers": 0}, "workers"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, arguments: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        write_synthetic(folder=tmp_path / "out", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path), "--workers", "1"]
    assert main(["--records", "50", "--modalities", "demographic", *out]) == 0
    assert "50 records of 40 people" in capsys.readouterr().out
    assert main(["--records", "0", *out]) == 2
    assert "records is 0" in capsys.readouterr().err


def test_shares_must_sum_to_one() -> None:
    with pytest.raises(ValueError, match="must be 1"):
        LaterModel(exact=0.2)
