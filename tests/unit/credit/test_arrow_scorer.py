"""Scores of whole columns are those of plain Python, whatever the card, the types and the values."""

from random import Random

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.credit.arrow_scorer import ArrowScorer
from pipelines.credit.errors import ScoringError
from pipelines.credit.packing import PLACES, SHIFT, told_codes
from pipelines.credit.scorer import score_row
from tests.unit.credit.example_card import example_card
from tests.unit.credit.random_card import random_card, random_column

ROWS = 40


def wanted(card, row):
    """Raw score and reasons in plain Python, or the reason why there is none."""
    try:
        found = score_row(card, row)
    except ScoringError as error:
        return f"{error.code} {error.feature}"
    return found.raw_score, [(r.feature, r.bin, r.shortfall) for r in found.reasons]


def told(card, points, row):
    """The same of a scored batch."""
    if points.code[row]:
        return told_codes(card)[-1 - points.code[row]]
    places = [(f.name, one.label) for f in reversed(card.features) for one in f.bins]
    worst = [int(packed) for packed in points.worst[:, row] if packed > PLACES]
    return points.raw_score[row], [(*places[one & PLACES], one >> SHIFT) for one in worst]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_random_cards_score_hostile_columns_as_plain_python_does(seed):
    rng = Random(seed)
    card = random_card(rng)
    columns = {one.name: random_column(rng, one, ROWS) for one in card.features}
    batch = pa.RecordBatch.from_pydict(columns)
    points = ArrowScorer(card).score(batch)
    for row, values in enumerate(batch.to_pylist()):
        assert told(card, points, row) == wanted(card, values), values


def test_blocks_and_slices_make_no_difference():
    rng, card = Random(3), example_card()
    rows = 5000
    columns = {one.name: random_column(rng, one, rows) for one in card.features}
    batch = pa.RecordBatch.from_pydict(columns)
    whole = ArrowScorer(card).score(batch)
    for start, size in ((0, 1024), (1023, 2), (1025, 3000), (4999, 1), (2000, 0)):
        part = ArrowScorer(card).score(batch.slice(start, size))
        for name in ("raw_score", "worst", "code"):
            assert np.array_equal(
                getattr(part, name), getattr(whole, name)[..., start : start + size]
            )


def test_a_scorer_follows_a_dictionary_that_changes_from_batch_to_batch():
    card = example_card()
    scorer = ArrowScorer(card)
    words = ["SALARIED", "OTHER", "PILOT"]
    for codes, known in (
        ([0, 1, 0], words), ([0, 1, 0], words[::-1]), ([1, None, 0], words), ([2, 1], words),
        ([0, 0], words[:1]),
    ):  # fmt: skip
        coded = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), known)
        columns = {"utilization": [0.1] * len(codes), "missed": [1.0] * len(codes)}
        batch = pa.RecordBatch.from_pydict(columns | {"employment": coded})
        points = scorer.score(batch)
        for row, values in enumerate(batch.to_pylist()):
            assert told(card, points, row) == wanted(card, values), values


def test_without_reasons_the_raw_score_is_the_same():
    rng, card = Random(4), example_card()
    batch = pa.RecordBatch.from_pydict(
        {one.name: random_column(rng, one, 300) for one in card.features}
    )
    short, full = (ArrowScorer(card, with_reasons=told).score(batch) for told in (False, True))
    assert np.array_equal(short.raw_score, full.raw_score)
    assert short.worst.shape == (0, 300)


def test_the_first_feature_without_a_bin_is_told():
    batch = pa.RecordBatch.from_pydict(
        {
            "utilization": [0.1, float("nan"), None],
            "missed": [None, None, 1.0],
            "employment": ["PILOT", "PILOT", None],
        }
    )
    card = example_card()
    codes = ArrowScorer(card).score(batch).code
    assert [told_codes(card)[-1 - code] for code in codes] == [
        "MISSING_NOT_BINNED missed", "NOT_FINITE utilization", "MISSING_NOT_BINNED utilization",
    ]  # fmt: skip
