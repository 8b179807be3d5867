"""Golden cases and properties of normalisation; the oracles here share no code with the job."""

import re
import unicodedata
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.yaml_text import read_yaml
from pipelines.dedup import normalise as n
from tests.unit.dedup.random_rows import SEEDS, random_words

CASES = Path(__file__).parents[2] / "cases" / "dedup" / "normalise"
GOLDEN = [
    case for file in sorted(CASES.glob("*.yaml")) for case in read_yaml(file.read_text(), "cases")
]


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


def make_texts(count: int, seed: int) -> list[str]:
    """Texts of up to seven words; drawn one by one the words would take most of the time."""
    rng = np.random.default_rng(seed)
    words, places = WORDS.split(), rng.integers(0, len(WORDS.split()), (count, 7)).tolist()
    signs, sizes = rng.integers(0, 4, count).tolist(), rng.integers(0, 8, count).tolist()
    return [
        (" ", ".", ", ", "  ")[sign].join(words[place] for place in row[:size])
        for sign, row, size in zip(signs, places, sizes, strict=True)
    ]


@given(st.integers(0, 50), SEEDS)
@settings(max_examples=40, deadline=None)
def test_columns_agree_with_single_values(count: int, seed: int) -> None:
    texts = make_texts(count, seed)
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


@given(st.lists(st.text(max_size=25), min_size=4, max_size=4))
@settings(max_examples=50, deadline=None)
def test_any_text_gives_tidy_results(texts: list[str]) -> None:
    parse = n.Normaliser("town").apply
    twice = parse(pa.array(texts * 2)).to_pylist()
    for place, text in enumerate(texts):
        for result in (n.normalise_name(text).text, n.normalise_address(text).text):
            assert result == " ".join(result.split())
            assert not re.search(r"[A-Z!-/:-@\[-`{-~\x00-\x1f]", result)
        assert n.Normaliser("town").apply(pa.array([text]))[0].as_py() == twice[place + 4]


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_normalising_twice_changes_nothing(seed: int) -> None:
    for text in ["aa.s.t", *random_words(seed, 20, "abhkmrst .", (0, 20))]:
        once = n.normalise_name(text).text
        assert n.normalise_name(once).text == once
        address = n.normalise_address(text).text
        assert n.normalise_address(address).text == address


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_honorifics_alone_are_kept(count: int) -> None:
    for words in product(["dr", "mr", "shri", "late", "smt."], repeat=count):
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


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_sound_follows_the_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("aouwxkshcpbdtgjzqvyhinmé1"), (50, 12))
    for size, row in zip(rng.integers(0, 13, 50).tolist(), letters.tolist(), strict=True):
        token = "".join(row[:size])
        assert n.sound(token) == slow_sound(token)
        assert n.sound_of_name(token) == slow_sound(token)


def test_sounds_of_a_column() -> None:
    column = pa.array(["skip", "lakshmi devi", None, "", "krishna", "lakshmi"]).slice(1)
    assert n.sounds_of_names(column).to_pylist() == ["lksm db", None, "", "krsn", "lksm"]
