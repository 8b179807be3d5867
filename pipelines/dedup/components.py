"""Connected components of the match edges: on the driver while they fit, else as stars in Spark.

Both ways name a component by its smallest node, so their labels are equal. Node ids come from the
record token; row numbers handed out by the engine would change when a stage is retried or
re-planned, and strangers would merge.
"""

import logging

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Observation, Window
from pyspark.sql import functions as F

from pipelines.core.errors import GateError

I64 = npt.NDArray[np.int64]

LINEAGE_ROUNDS = 2  # given: the plan is cut every second round, or it doubles with each

log = logging.getLogger(__name__)


def component_numbers(size: int, row: I64, column: I64) -> I64:
    """Number the components of a graph over 0..size-1 in the order of their least index."""
    return _number(size, row, column)


@nb.njit(cache=True, nogil=True)
def find_root(parent: I64, node: int) -> int:
    """Top above a node, which is its own parent; halves the way there for the next time."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@nb.njit(cache=True, nogil=True)
def _number(size: int, row: I64, column: I64) -> I64:
    """Join the ends of each edge below the smaller root, then number the roots in their order."""
    parent = np.arange(size)
    for edge in range(row.size):
        a, b = find_root(parent, row[edge]), find_root(parent, column[edge])
        parent[max(a, b)] = min(a, b)
    numbers, count = np.empty(size, dtype=np.int64), 0
    for node in range(size):
        if parent[node] == node:
            numbers[node] = count
            count += 1
        else:  # a parent is smaller, so it has its number
            numbers[node] = numbers[parent[node]]
    return numbers


def label_components(node_a: I64, node_b: I64) -> tuple[I64, I64]:
    """Label every node that has an edge with the smallest node of its component.

    Args:
        node_a: one end of each edge, any order, repeats allowed.
        node_b: the other end, same length.

    Returns:
        `(nodes, labels)`: the distinct nodes in ascending order and one label for each.
    """
    if len(node_a) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    nodes, index = np.unique(np.concatenate([node_a, node_b]), return_inverse=True)
    numbers = component_numbers(len(nodes), index[: len(node_a)], index[len(node_a) :])
    first = np.empty(int(numbers.max()) + 1, dtype=np.int64)
    first[numbers[::-1]] = nodes[::-1]  # the last write wins, which is the smallest node
    return nodes, first[numbers]


def spread_labels(register: I64, nodes: I64, labels: I64) -> I64:
    """Label a whole register: nodes without an edge are a component of their own.

    Args:
        register: distinct nodes of the register, any order.
        nodes: sorted nodes of `label_components`.
        labels: their labels.

    Returns:
        One label per entry of `register`.
    """
    if len(nodes) == 0:
        return register.copy()
    slot = np.minimum(np.searchsorted(nodes, register), len(nodes) - 1)
    return np.where(nodes[slot] == register, labels[slot], register)


def large_star(edges: DataFrame, number: int) -> DataFrame:
    """Hang every larger neighbour of a node on the smallest node of its neighbourhood.

    Args:
        edges: `node_a < node_b` (long), `moved_in` (int): the last round that changed the edge.
        number: the current round, written to `moved_in` of the edges that change.

    Returns:
        Same columns, one row per row of `edges`; repeats are possible.
    """
    both_ways = F.inline(F.array(_pair("node_a", "node_b"), _pair("node_b", "node_a")))
    least = F.least("u", _first("v", "u"))
    rows = edges.select(both_ways, "moved_in").withColumn("least", least).where("v > u")
    return rows.select(
        F.col("least").alias("node_a"), F.col("v").alias("node_b"), _moved("least <> u", number)
    )


def small_star(edges: DataFrame, number: int) -> DataFrame:
    """Hang a node and its smaller neighbours on the least of them.

    Args:
        edges: as for `large_star`, repeats allowed.
        number: the current round.

    Returns:
        Same columns, one row per row of `edges`; repeats are possible.
    """
    rows = edges.withColumn("least", _first("node_a", "node_b"))
    far = F.when(F.col("node_a") == F.col("least"), F.col("node_b")).otherwise(F.col("node_a"))
    return rows.select(
        F.col("least").alias("node_a"), far.alias("node_b"), _moved("node_a <> least", number)
    )


def _pair(u: str, v: str) -> Column:
    return F.struct(F.col(u).alias("u"), F.col(v).alias("v"))


def _first(neighbour: str, node: str) -> Column:
    """Least neighbour of a node: sorted, it comes first, so a hub needs no buffer and no join."""
    window = Window.partitionBy(node).orderBy(neighbour)
    running = window.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return F.first(neighbour).over(running)


def _moved(changed: str, number: int) -> Column:
    return F.when(F.expr(changed), F.lit(number)).otherwise(F.col("moved_in")).alias("moved_in")


def _merge_repeats(edges: DataFrame) -> DataFrame:
    return edges.groupBy("node_a", "node_b").agg(F.max("moved_in").alias("moved_in"))


def star_components(edges: DataFrame, max_rounds: int) -> tuple[DataFrame, int]:
    """Components by alternating large-star and small-star (Kiveris et al. 2014).

    A changed edge always has a smaller sum of ends, so a round without a changed row is the fixed
    point; no comparison of edge sets is needed.

    Args:
        edges: `node_a`, `node_b` (long), any orientation, repeats and loops allowed.
        max_rounds: refuse to go on after this many rounds.

    Returns:
        `(node_id long, component long)`, one row per node, and the rounds with the closing one.

    Raises:
        GateError: no fixed point within `max_rounds`.
    """
    low, high = F.least("node_a", "node_b"), F.greatest("node_a", "node_b")
    ends = edges.select(low.alias("node_a"), high.alias("node_b"), F.lit(0).alias("moved_in"))
    stars, last, rounds = _merge_repeats(ends.where("node_a < node_b")), 0, 0
    while rounds == last:
        if rounds >= max_rounds:
            raise GateError(
                f"components: edges still change after {rounds} rounds; raise max_rounds"
            )
        stars, edges_left, moved = _two_rounds(stars)
        last = rounds + moved if moved else last
        rounds += LINEAGE_ROUNDS
        log.info(
            "components: round %d, %d edges, last change in round %d", rounds, edges_left, last
        )
    return _star_labels(stars, ends.where("node_a = node_b")), last + 1


def _two_rounds(stars: DataFrame) -> tuple[DataFrame, int, int]:
    """The next rounds, counted from 1, so that Spark has the same code to compile each time.

    Returns:
        The edges, their number, and the last of these rounds that changed one; 0 if none did.
    """
    stars = stars.withColumn("moved_in", F.lit(0))
    for number in range(1, LINEAGE_ROUNDS + 1):
        stars = _merge_repeats(small_star(large_star(stars, number), number))
    seen = Observation()
    watched = stars.observe(seen, F.count("*").alias("edges"), F.max("moved_in").alias("moved_in"))
    cut = watched.localCheckpoint(eager=True)
    return cut, seen.get["edges"], seen.get["moved_in"] or 0


def _star_labels(stars: DataFrame, loops: DataFrame) -> DataFrame:
    leaves = stars.select(F.col("node_b").alias("node_id"), F.col("node_a").alias("component"))
    centres = stars.unionByName(loops).select(
        F.col("node_a").alias("node_id"), F.col("node_a").alias("component")
    )
    return leaves.unionByName(centres).groupBy("node_id").agg(F.min("component").alias("component"))


def connected_components(
    edges: DataFrame, local_limit: int, max_rounds: int
) -> tuple[DataFrame, int]:
    """Components on the driver up to `local_limit` edges, beyond it by stars; equal labels.

    Args:
        edges: `node_a`, `node_b` (long).
        local_limit: largest number of edges that is collected; 16 bytes each.
        max_rounds: see `star_components`.

    Returns:
        `(node_id long, component long)` and the rounds taken, 0 on the driver.
    """
    pairs = edges.select("node_a", "node_b").localCheckpoint(eager=True)
    if pairs.count() > local_limit:
        return star_components(pairs, max_rounds)
    table = pairs.toArrow()
    nodes, labels = label_components(table["node_a"].to_numpy(), table["node_b"].to_numpy())
    columns = {"node_id": pa.array(nodes), "component": pa.array(labels)}
    return edges.sparkSession.createDataFrame(pa.table(columns)), 0
