"""Blocking keys of records against the definition of each family."""

import itertools
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.dedup.attributes import encode_attributes
from pipelines.dedup.config import SignatureSettings
from pipelines.dedup.entries import key_entries
from pipelines.dedup.keys import TAIL, KeyLayout, RecordKeys, record_keys
from pipelines.dedup.mapping import Mapping

MAPPING = Mapping.model_validate(
    {
        "id": "id",
        "fields": {
            "first": {"column": "first", "comparator": "given_name"},
            "last": {"column": "last", "comparator": "surname"},
            "dob": {"column": "dob", "comparator": "date_of_birth"},
            "town": {"column": "town", "comparator": "town"},
        },
        "keys": [
            {"signature": "person", "fields": ["first", "last", "dob"]},
            {"signature": "place", "fields": ["town"]},
            {"exact": ["dob", "sound(last)"]},
        ],
    }
)
LAYOUT = KeyLayout(MAPPING, SignatureSettings(bands=4, rows=4))
PEOPLE = [
    ("suresh", "patil", "19800512", "pune"),
    ("patil", "suresh", "19800512", "goa"),  # names exchanged
    ("suresh", "patil", "19800512", None),
    (None, None, None, None),
    ("meera", "lakshmi", "19800512", "pune"),
    ("meera", "laxmi", "19800512", "pune"),
    ("meera", "laxmi", None, "pune"),
]


def keys_of(people: list[tuple[str | None, ...]], rows: slice = slice(None)) -> RecordKeys:
    columns = zip(*people, strict=True)
    table = pa.table(
        {n: pa.array(c, pa.string()) for n, c in zip(MAPPING.fields, columns, strict=True)}
    )
    return record_keys(encode_attributes(table, MAPPING), rows, LAYOUT)


PERSON, PLACE, EXACT = slice(0, 4), slice(4, 8), 8


def test_layout() -> None:
    assert LAYOUT.names == ("person", "place", "dob+sound(last)")
    assert LAYOUT.family_of_key.tolist() == [0] * 4 + [1] * 4 + [2]
    assert LAYOUT.is_banded.tolist() == [True] * 8 + [False]
    assert LAYOUT.hashes == 16


def test_exchanged_names_share_every_band() -> None:
    prefixes = keys_of(PEOPLE).prefixes
    assert (prefixes[0, PERSON] == prefixes[1, PERSON]).all()
    assert (prefixes[0, PLACE] != prefixes[1, PLACE]).all()


def test_families_never_share_a_key() -> None:
    prefixes = keys_of(PEOPLE).prefixes[:3, :8]
    assert not set(prefixes[:, PERSON].ravel()) & set(prefixes[:, PLACE].ravel()) - {0}


def test_nothing_to_hash_makes_no_key() -> None:
    prefixes = keys_of(PEOPLE).prefixes
    assert not prefixes[3].any()
    assert not prefixes[2, PLACE].any()
    assert prefixes[2, PERSON].all()


def test_exact_key_needs_all_parts_and_takes_sounds() -> None:
    exact = keys_of(PEOPLE).prefixes[:, EXACT]
    assert exact[4] == exact[5] != 0, "lakshmi and laxmi sound alike"
    assert exact[6] == 0
    assert len({int(key) for key in exact[[0, 1, 4]]}) == 3


def test_a_run_of_records_has_the_keys_of_the_whole() -> None:
    whole, part = keys_of(PEOPLE), keys_of(PEOPLE, slice(2, 5))
    assert (whole.prefixes[2:5] == part.prefixes).all()
    assert (whole.tails[2:5] == part.tails).all()


def test_keys_do_not_depend_on_the_other_records() -> None:
    whole, alone = keys_of(PEOPLE), keys_of([PEOPLE[4]])
    assert (whole.prefixes[4] == alone.prefixes[0]).all()


def entries_of(
    keys: RecordKeys, depth: int = 2, first_row: int = 0, every: int = 1, skipped: Any = None
) -> np.ndarray:
    none = np.zeros(len(keys.prefixes), dtype=bool)
    return key_entries(keys, LAYOUT, depth, first_row, none if skipped is None else skipped, every)


def test_entries_hold_each_key_once() -> None:
    keys = keys_of(PEOPLE)
    entries = entries_of(keys, first_row=100)
    found = sorted(zip(entries["row"].tolist(), entries["key"].tolist(), strict=True))
    expected = [
        (100 + row, int(key)) for row in range(len(PEOPLE)) for key in keys.prefixes[row] if key
    ]
    assert found == sorted(expected)
    assert not entries["probe"].any()


def test_skipped_records_stand_in_no_bucket() -> None:
    keys, skipped = keys_of(PEOPLE), np.zeros(len(PEOPLE), dtype=bool)
    skipped[[0, 3]] = True
    whole, some = entries_of(keys), entries_of(keys, skipped=skipped)
    assert set(some["row"].tolist()) == set(whole["row"].tolist()) - {0, 3}


def test_deeper_prefixes_part_buckets_and_never_join_them() -> None:
    people = [(f"name{i}", "patil", "19800512", "pune") for i in range(40)]
    parts = [entries_of(keys_of(people), depth) for depth in (2, 3, 4)]
    for shallow, deep in itertools.pairwise(parts):
        above = dict(zip(deep["key"].tolist(), shallow["key"].tolist(), strict=True))
        pairs = set(zip(deep["key"].tolist(), shallow["key"].tolist(), strict=True))
        assert len(pairs) == len(above), "a deep key lies under one shallow key"
    exact = [part["key"][LAYOUT.family_of_key[part["column"]] == 2] for part in parts]
    assert (exact[0] == exact[2]).all(), "an exact key has no depth"


def test_buckets_are_cut_by_the_next_hashes_of_the_family() -> None:
    keys = keys_of(PEOPLE)
    positions = LAYOUT.cutting_bytes(2)
    own, other = keys.tails[0, 16:], keys.tails[0, :16]
    for band, column in enumerate(np.flatnonzero(LAYOUT.family_of_key == 1)):
        cutting = keys.tails[0, positions[column]]
        assert cutting[:TAIL].tolist() == [own[(4 * band + 2 + i) % 16] for i in range(TAIL)]
        assert cutting[TAIL:].tolist() == [other[(4 * band + i) % 16] for i in range(TAIL)]


def test_a_sample_of_prefixes_keeps_whole_buckets() -> None:
    people = [(f"name{i % 5}", "patil", "19800512", "pune") for i in range(60)]
    keys = keys_of(people)
    every, some = (entries_of(keys, every=n) for n in (1, 2))
    kept = set(some["key"].tolist())
    assert 0 < len(kept) < len(set(every["key"].tolist()))
    assert len(some) == sum(key in kept for key in every["key"].tolist())
