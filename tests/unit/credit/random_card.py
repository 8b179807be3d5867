"""Scorecards with random bins, and columns of values that try them."""

import math
from random import Random

import pyarrow as pa

from pipelines.credit.scorecard import Bin, CardFeature
from tests.unit.credit.example_card import example_card

HOSTILE = (None, math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, -5e-324, 1e-300, 2.0**53)
WORDS = ("", " ", "SALARIED", "salaried", "OTHER", "x" * 300, "O'Neil\\", "NaN", "é", "null")


def random_card(rng: Random):
    """One to nine features of two to twelve bins, some with a bin for missing values."""
    make = {"number": _number_bins, "category": _category_bins}
    features = []
    for place in range(rng.randint(1, 9)):
        kind = rng.choice(list(make))
        bins = make[kind](rng)
        if rng.random() < 0.5:
            bins.append(_bin(rng, "missing", is_missing=True))
        name = f"f{place}"
        features.append(
            CardFeature(name, kind, ("t.x",), name.upper(), "Text", "auto", -1.0, tuple(bins))
        )
    return example_card(features=tuple(features), base_points=rng.randint(-500, 1500))


def random_column(rng: Random, feature: CardFeature, rows: int) -> pa.Array:
    """Values in and between the bins, and hostile ones now and then."""
    if feature.kind == "category":
        known = [name for one in feature.bins for name in one.categories]
        odd = (None, *WORDS) if rng.random() < 0.3 else (known[0],)
        column = pa.array(
            [rng.choice(odd if rng.random() < 0.1 else known) for _ in range(rows)], pa.string()
        )
        return _coded(rng, column)
    near = [
        x for cut in feature.cuts for x in (cut, math.nextafter(cut, -math.inf), cut + 0.5, cut - 7)
    ]
    kind = rng.choice([pa.float64(), pa.float64(), pa.float32(), pa.int64(), pa.int32()])
    odd = HOSTILE if rng.random() < 0.3 else (0.0, -0.0)
    values = [rng.choice(odd if rng.random() < 0.1 else near) for _ in range(rows)]
    if pa.types.is_integer(kind):
        values = [
            None if x is None or not math.isfinite(x) or abs(x) > 2**31 - 1 else int(x)
            for x in values
        ]
    return (
        pa.array(values, pa.float64()).cast(kind, safe=False)
        if kind == pa.float32()
        else pa.array(values, kind)
    )


def _coded(rng: Random, column: pa.Array) -> pa.Array:
    form = rng.choice(["plain", "coded", "short codes"])
    if form == "plain":
        return column
    coded = column.dictionary_encode()
    if form == "coded":
        return coded
    return pa.DictionaryArray.from_arrays(coded.indices.cast(pa.int8()), coded.dictionary)


def _bin(rng: Random, label: str, lo=None, hi=None, categories=(), is_missing=False) -> Bin:
    return Bin(label, lo, hi, tuple(categories), is_missing, 90, 10, 0.0, 0.0, rng.randint(-60, 60))


def _number_bins(rng: Random) -> list[Bin]:
    cuts = sorted(
        {
            rng.choice([0.0, 1.0, float(rng.randint(-9, 9)), rng.uniform(-5, 5)])
            for _ in range(rng.randint(1, 11))
        }
    )
    ends = [None, *cuts, None]
    return [_bin(rng, f"b{i}", ends[i], ends[i + 1]) for i in range(len(cuts) + 1)]


def _category_bins(rng: Random) -> list[Bin]:
    words = rng.sample(WORDS, rng.randint(2, 8))
    half = rng.randint(1, len(words) - 1)
    return [
        _bin(rng, "first", categories=words[:half]),
        _bin(rng, "second", categories=words[half:]),
    ]
