"""Levels of the comparators, and packing of patterns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.comparators import (
    LABELS,
    Comparator,
    comparators_of,
    pack_patterns,
    radix,
    unpack_patterns,
)
from pipelines.dedup.mapping import bundled_mapping
from tests.unit.dedup.random_rows import SEEDS


@given(st.lists(st.sampled_from(sorted(LABELS)), min_size=1, max_size=10), SEEDS)
@settings(max_examples=30, deadline=None)
def test_patterns_unpack_to_what_was_packed(kinds: list[str], seed: int) -> None:
    comparators = [Comparator(str(i), kind) for i, kind in enumerate(kinds)]
    most = [c.levels - 1 for c in comparators]
    drawn = np.random.default_rng(seed).integers(-1, most, (30, len(most)), endpoint=True)
    rows = [tuple(row) for row in [*drawn.tolist(), [-1] * len(most), most]]
    levels, places = np.array(rows, dtype=np.int8), radix(comparators)
    packed = pack_patterns(levels, places)
    assert unpack_patterns(packed, comparators, places).tolist() == levels.tolist()
    assert len(set(packed.tolist())) == len(set(rows)), "unlike patterns stay apart"


def test_too_many_comparators_are_refused() -> None:
    with pytest.raises(ValueError, match="40 comparators"):
        radix([Comparator(str(i), "given_name") for i in range(40)])


def test_all_captures_of_a_person_fit_one_word() -> None:
    positions = [f"LEFT_{i}" for i in range(10)] + ["LEFT_IRIS", "RIGHT_IRIS"]
    assert (radix(comparators_of(bundled_mapping("identity_in"), positions[-4:])) > 0).all()


def test_comparators_follow_the_mapping() -> None:
    found = {
        c.name: c for c in comparators_of(bundled_mapping("febrl"), ["LEFT_THUMB", "LEFT_IRIS"])
    }
    assert found["address_1"].group == found["postcode"].group == "address"
    assert (found["postcode"].kind, found["suburb"].kind) == ("exact", "text")
    assert (found["LEFT_THUMB"].group, found["LEFT_IRIS"].group) == ("fingers", "irises")
    assert list(found)[-2:] == ["LEFT_THUMB", "LEFT_IRIS"], "captures stand last"


def test_agreement_is_a_level_that_exists() -> None:
    for kind in LABELS:
        comparator = Comparator("one", kind)
        assert 0 < comparator.agrees < comparator.levels
