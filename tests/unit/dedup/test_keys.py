"""Blocking keys of records against the definition of each family."""

import itertools

import numpy as np
import pyarrow as pa

from pipelines.dedup.attributes import encode_attributes
from pipelines.dedup.config import SignatureSettings
from pipelines.dedup.keys import TAIL, KeyLayout, RecordKeys, field_tag, key_entries, record_keys
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


def test_entries_hold_each_key_once() -> None:
    keys, nodes = keys_of(PEOPLE), np.arange(100, 100 + len(PEOPLE), dtype=np.int64)
    entries = key_entries(nodes, keys, LAYOUT, depth=2)
    found = sorted(zip(entries["node"].tolist(), entries["key"].tolist(), strict=True))
    expected = [
        (int(nodes[row]), int(key))
        for row in range(len(PEOPLE))
        for key in keys.prefixes[row]
        if key
    ]
    assert found == sorted(expected)
    assert not entries["probe"].any()


def test_deeper_prefixes_part_buckets_and_never_join_them() -> None:
    people = [(f"name{i}", "patil", "19800512", "pune") for i in range(40)]
    nodes = np.arange(40, dtype=np.int64)
    parts = [key_entries(nodes, keys_of(people), LAYOUT, depth) for depth in (2, 3, 4)]
    for shallow, deep in itertools.pairwise(parts):
        above = dict(zip(deep["key"].tolist(), shallow["key"].tolist(), strict=True))
        pairs = set(zip(deep["key"].tolist(), shallow["key"].tolist(), strict=True))
        assert len(pairs) == len(above), "a deep key lies under one shallow key"
    exact = [part["key"][part["family"] == 2] for part in parts]
    assert (exact[0] == exact[2]).all(), "an exact key has no depth"


def test_tails_cut_by_the_next_hashes_of_the_family() -> None:
    keys = keys_of(PEOPLE)
    entries = key_entries(np.arange(len(PEOPLE), dtype=np.int64), keys, LAYOUT, depth=2)
    first = entries[(entries["node"] == 0) & (entries["family"] == 1)]
    own, other = keys.tails[0, 16:], keys.tails[0, :16]
    for band, entry in enumerate(first):
        assert entry["tail"][:TAIL].tolist() == [own[(4 * band + 2 + i) % 16] for i in range(TAIL)]
        assert entry["tail"][TAIL:].tolist() == [other[(4 * band + i) % 16] for i in range(TAIL)]


def test_a_sample_of_prefixes_keeps_whole_buckets() -> None:
    people = [(f"name{i % 5}", "patil", "19800512", "pune") for i in range(60)]
    nodes = np.arange(60, dtype=np.int64)
    keys = keys_of(people)
    every, some = (key_entries(nodes, keys, LAYOUT, 2, every=n) for n in (1, 2))
    kept = set(some["key"].tolist())
    assert 0 < len(kept) < len(set(every["key"].tolist()))
    assert len(some) == sum(key in kept for key in every["key"].tolist())


def test_tags_part_unlike_fields() -> None:
    assert field_tag("given_name") == field_tag("surname") == 1
    assert len({field_tag(c) for c in ("surname", "relation_name", "town", "code")}) == 4
