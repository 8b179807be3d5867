"""Large-star and small-star in Spark: golden rounds, union-find, equal labels on any plan."""

import itertools
import logging
import random

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from pipelines.core.errors import GateError
from pipelines.dedup.components import (
    connected_components,
    label_components,
    large_star,
    small_star,
    star_components,
)
from tests.unit.dedup.graphs import union_find

pytestmark = pytest.mark.spark


def frame(spark, edges, partitions=2):
    ends = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2)
    table = pa.table({"node_a": ends[:, 0], "node_b": ends[:, 1]})
    return spark.createDataFrame(table).repartition(partitions)


def pairs(edges):
    return {(row["node_a"], row["node_b"]) for row in edges.collect()}


def kept(frame):
    """The frame with its rows computed, so that no further step computes them again."""
    return frame.localCheckpoint()


def digits(text):
    return {(int(pair[0]), int(pair[1])) for pair in text.split()}


def labels(frame_of_labels):
    rows = frame_of_labels.collect()
    assert len({row["node_id"] for row in rows}) == len(rows)
    return {row["node_id"]: row["component"] for row in rows}


def slow_rounds(edges):
    """Edge set after each round, of dicts of neighbours; the last one repeats."""
    while True:
        yield edges
        for larger in (True, False):
            near = {}
            for a, b in edges:
                near.setdefault(a, {a}).add(b)
                near.setdefault(b, {b}).add(a)
            edges = {
                (min(near[u]), v)
                for u in near
                for v in (near[u] if larger else {n for n in near[u] if n <= u})
                if (v > u if larger else v != min(near[u]))
            }


def test_golden_stars(spark):
    edges = frame(spark, digits("15 25 35 24")).withColumn("moved_in", F.lit(0))
    first = kept(large_star(edges, 1))
    assert pairs(first) == digits("15 25 35 24")
    assert {row["moved_in"] for row in first.collect()} == {0}
    second = kept(small_star(first, 1).distinct())
    assert pairs(second) == digits("12 13 15 24")
    third = kept(large_star(second, 2).distinct())
    assert pairs(third) == digits("12 13 14 15")
    assert pairs(small_star(third, 2)) == pairs(large_star(third, 3)) == pairs(third)


def test_golden_path_round_by_round(spark):
    rounds = [digits(text) for text in ("12 13 24 35 46", "12 13 14 15 26", "12 13 14 15 16")]
    edges = frame(spark, {(n, n + 1) for n in range(1, 6)}).withColumn("moved_in", F.lit(0))
    path = slow_rounds({(n, n + 1) for n in range(1, 6)})
    next(path)
    for number, expected in enumerate(rounds, start=1):
        moved = small_star(large_star(edges, number), number)
        edges = kept(moved.dropDuplicates(["node_a", "node_b"]))
        assert pairs(edges) == expected == next(path)
    assert next(path) == rounds[-1]
    _, count = star_components(frame(spark, {(n, n + 1) for n in range(1, 6)}), 10)
    assert count == 4  # three that change edges and the closing one


def test_path_of_ten_thousand_takes_fifteen_rounds(spark, caplog):
    edges = {(n, n + 1) for n in range(9_999)}
    with caplog.at_level(logging.INFO, logger="pipelines.dedup.components"):
        found, rounds = star_components(frame(spark, edges), 50)
    assert rounds == 15
    assert labels(found) == dict.fromkeys(range(10_000), 0)
    assert len(caplog.messages) == 8  # every second round is logged
    assert caplog.messages[-1] == "components: round 16, 9999 edges, last change in round 14"


def random_edges(seed, nodes, count):
    rng = random.Random(seed)
    ids = [rng.randrange(2**63) for _ in range(nodes)]
    return {tuple(rng.choices(ids, k=2)) for _ in range(count)}


SHAPES = {
    "random": random_edges(1, 300, 260),
    "sparse": random_edges(2, 400, 150),
    "star from its least": {(0, n) for n in range(1, 200)},
    "star from its greatest": {(n, 900) for n in range(200)},
    "cliques": set(itertools.combinations(range(20), 2))
    | set(itertools.combinations(range(40, 60), 2)),
    "loops and repeats": {(1, 1), (2, 3), (3, 2), (7, 7), (3, 3)},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_labels_equal_union_find(spark, shape):
    edges = SHAPES[shape]
    expected = union_find(edges)
    assert labels(star_components(frame(spark, edges), 50)[0]) == expected
    ends = np.array(sorted(edges), dtype=np.int64)
    local = label_components(ends[:, 0], ends[:, 1])
    assert dict(zip(*(column.tolist() for column in local), strict=True)) == expected


@pytest.mark.parametrize(("partitions", "adaptive"), [
    (1, "true"), (1, "false"), (2, "false"), (7, "true"), (7, "false"),
])  # fmt: skip
def test_same_labels_for_every_plan(spark, adaptive, partitions):
    """K16: ids that the engine deals out differ between plans, and strangers merge.

    Two partitions and an adaptive plan are what `test_labels_equal_union_find[random]` has.
    """
    edges = SHAPES["random"]
    before = {
        key: spark.conf.get(key)
        for key in ("spark.sql.adaptive.enabled", "spark.sql.shuffle.partitions")
    }
    spark.conf.set("spark.sql.adaptive.enabled", adaptive)
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
    try:
        found, _ = star_components(frame(spark, edges, partitions), 50)
        assert labels(found) == union_find(edges)
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)


def test_both_ways_give_equal_labels(spark):
    edges = frame(spark, SHAPES["random"])
    local, no_rounds = connected_components(edges, local_limit=1_000, max_rounds=50)
    stars, rounds = connected_components(edges, local_limit=10, max_rounds=50)
    assert (no_rounds, rounds > 1) == (0, True)
    assert local.schema.simpleString() == stars.schema.simpleString()
    assert labels(local) == labels(stars)


def test_no_edges(spark):
    none = frame(spark, set())
    assert labels(star_components(none, 10)[0]) == {}
    assert labels(connected_components(none, 10, 10)[0]) == {}


def test_endless_rounds_are_refused(spark):
    path = frame(spark, {(n, n + 1) for n in range(100)})
    with pytest.raises(GateError, match="still change after 2 rounds"):
        star_components(path, 2)
