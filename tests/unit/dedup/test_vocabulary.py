"""Dictionaries of field values against plain Python."""

import itertools
import re

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.vocabulary import Vocabulary, encode_together, letter_masks, string_buffers
from tests.unit.dedup.random_rows import SEEDS, random_rows, random_words


def vocabulary(values: list[str], is_text: bool = True) -> Vocabulary:
    return Vocabulary.of(pa.array(values, pa.large_string()), is_text)


def make_words(seed: int, count: int) -> list[str]:
    return random_words(seed, count, "abzé 1", (0, 6))


@given(SEEDS, st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=20, deadline=None)
def test_encoding_can_be_undone(seed: int, first: int, second: int) -> None:
    words = [None, None, *make_words(seed, 30)]  # few, so that many are met on both sides
    one, two = (
        [row["word"] for row in random_rows(seed + side, count, {"word": words})]
        for side, count in enumerate((first, second))
    )
    columns = {
        "one": pa.array(one, pa.string()),
        "two": pa.chunked_array([pa.array(two, pa.string())]),
    }
    found, codes = encode_together(columns)
    values = found.to_pylist()
    assert values == sorted(set(one + two) - {None}, key=lambda word: word.encode())
    for name, given_ in (("one", one), ("two", two)):
        assert [values[code] if code >= 0 else None for code in codes[name].tolist()] == given_


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_masks_hold_letters_once_and_twice_and_digits(seed: int) -> None:
    values = make_words(seed, 40)
    for mask, word in zip(
        letter_masks(pa.array(values, pa.large_string())).tolist(), values, strict=True
    ):
        expected = 0
        for letter in "abcdefghijklmnopqrstuvwxyz":
            bit = ord(letter) - ord("a")
            expected |= (word.count(letter) >= 1) << bit | (word.count(letter) >= 2) << (bit + 26)
        for digit in range(10):
            expected |= (str(digit) in word) << (52 + digit)
        assert mask == expected


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_initials(seed: int) -> None:
    values = [" ".join(word.split()) or "a" for word in random_words(seed, 20, "ab ", (1, 8))]
    found = vocabulary(values)
    firsts = ["".join(token[0] for token in value.split()) for value in values]
    for i, value in enumerate(values):
        assert found.is_initials[i] == all(len(token) == 1 for token in value.split())
        for j in range(len(values)):
            assert (found.initials[i] == found.initials[j]) == (firsts[i] == firsts[j])


def test_sounds_join_spellings() -> None:
    found = vocabulary(["chaudhary", "choudhury", "lakshmi", "laxmi", "patil"]).sound
    assert found[0] == found[1] != found[2] == found[3] != found[4]


def test_codes_have_no_sounds() -> None:
    found = vocabulary(["560001", "560002"], is_text=False)
    assert (len(found.sound), len(found.initials), len(found.masks)) == (0, 0, 2)


def test_lengths_are_characters() -> None:
    assert vocabulary(["josé", "asha"]).length.tolist() == [4, 4]


def test_buffers_of_a_selection() -> None:
    found = vocabulary(["asha", "bela", "chitra"])
    data, bounds = found.buffers(np.array([2, 0], dtype=np.int32))
    text = [bytes(data[a:b]).decode() for a, b in itertools.pairwise(bounds)]
    assert text == found.take(np.array([2, 0])) == ["chitra", "asha"]
    assert string_buffers(pa.array([], pa.large_string()))[1].tolist() == [0]
    assert re.fullmatch("asha|bela|chitra", found.words[1].as_py())
