"""The synthetic register as a whole: bytes, contract, ids, truth (D1, K25)."""

import base64
import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.core.errors import ConfigError
from pipelines.dedup.generate import main, write_synthetic
from pipelines.dedup.synthetic.config import LaterModel, SyntheticConfig
from tests.unit.dedup.synthetic_register import large_register, read_register

SMALL = SyntheticConfig(block_records=400, part_records=300, plain_part_records=300)
SCHEMA = Path(__file__).parents[3] / "schemas" / "identity" / "enrolment.v1.avsc"


def digest(folder: Path) -> str:
    """Names and bytes of all files of a folder."""
    found = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return found.hexdigest()


def test_bytes_do_not_depend_on_workers(tmp_path: Path) -> None:
    digests = set()
    for workers in (1, 2):  # two share three blocks, so none has its own share
        write_synthetic(1_100, tmp_path / str(workers), workers=workers, config=SMALL)
        digests.add(digest(tmp_path / str(workers)))
    assert len(digests) == 1


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


def test_identity_numbers_cannot_be_real() -> None:
    numbers = large_register()[1]["identity_number"]
    assert numbers.str.fullmatch("[01][0-9]{11}").all()
    assert numbers.is_unique
    expected = {n: n[:-1] + str((verhoeff(n[:-1]) + 1) % 10) for n in numbers.head(5_000)}
    assert all(number == right for number, right in expected.items())


def verhoeff(digits: str) -> int:
    """Check digit by multiplying symmetries of a pentagon, each written as a permutation."""
    turns = [tuple((corner + k) % 5 for corner in range(5)) for k in range(5)]
    flips = [tuple((k - corner) % 5 for corner in range(5)) for k in range(5)]
    symmetries = turns + flips
    step = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    product = symmetries[0]
    for place, digit in enumerate(reversed(digits), start=1):
        value = int(digit)
        for _ in range(place % 8):
            value = step[value]
        product = tuple(product[corner] for corner in symmetries[value])
    inverse = tuple(product.index(corner) for corner in range(5))
    return symmetries.index(inverse)


def test_verhoeff_oracle() -> None:
    assert verhoeff("236") == 3
    assert verhoeff("01234567890") == 6


def test_ids_and_order_tell_nothing() -> None:
    _, rows, pairs = large_register()
    assert rows["enrolment_id"].str.fullmatch("E[A-Z2-7]{13}").all()
    for name in ("enrolment_id", "event_id"):
        assert rows[name].is_unique
    bodies = [set(rows[name].str[1:]) for name in ("enrolment_id", "event_id", "entity_id")]
    assert not any(a & b for a, b in itertools.combinations(bodies, 2))
    place = pd.Series(np.arange(len(rows)), index=rows["enrolment_id"])
    left, right = place[pairs["id_a"]].to_numpy(), place[pairs["id_b"]].to_numpy()
    near = np.mean(np.abs(left - right) < len(rows) // 100)
    assert near == pytest.approx(0.02, abs=0.005)
    shared = [
        base32_bits(a) ^ base32_bits(b) for a, b in pairs[["id_a", "id_b"]].head(4_000).to_numpy()
    ]
    assert np.mean([value.bit_count() for value in shared]) == pytest.approx(32, abs=0.5)
    entity = dict(zip(rows["enrolment_id"], rows["entity_id"], strict=True))
    own = [base32_bits(a) ^ base32_bits(b) for a, b in itertools.islice(entity.items(), 4_000)]
    assert np.mean([value.bit_count() for value in own]) == pytest.approx(32, abs=0.5)
    first_share = rows["kind"].eq("first").groupby(np.arange(len(rows)) // 10_000).mean()
    assert first_share.between(0.78, 0.82).all()


def base32_bits(identifier: str) -> int:
    """The 64 bits behind the letter of an id (13 characters hold 65, the first is 0)."""
    return int.from_bytes(base64.b32decode("AAA" + identifier[1:]), "big")


def test_truth_is_complete() -> None:
    _, rows, pairs = large_register()
    rank = {"exact": 1, "noisy": 2, "moved": 3, "identity_change": 4}
    expected = {}
    by_time = rows.sort_values("event_time")[["entity_id", "enrolment_id", "kind"]]
    assert not rows.duplicated(["entity_id", "event_time"]).any()
    assert (by_time.duplicated("entity_id") == (by_time["kind"] != "first")).all()
    shared = by_time[by_time.duplicated("entity_id", keep=False)]
    groups: dict[str, list[tuple[str, str]]] = {}
    for entity, *record in zip(*(shared[name].tolist() for name in shared), strict=True):
        groups.setdefault(entity, []).append(tuple(record))
    for records in groups.values():
        assert len(records) <= 3
        for (a, kind_a), (b, kind_b) in itertools.combinations(records, 2):
            kind = max(kind_a, kind_b, key=lambda kind: rank.get(kind, 0))
            expected[min(a, b), max(a, b)] = kind
    found = {(a, b): kind for a, b, kind in pairs.to_numpy().tolist()}
    assert found == expected
    assert len(found) == len(pairs)


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
