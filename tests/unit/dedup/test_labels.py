"""Component labels on the driver against a plain union-find, and the figures per component."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.bridges import component_stats
from pipelines.dedup.components import label_components, spread_labels
from tests.unit.dedup.graphs import union_find
from tests.unit.dedup.random_rows import SEEDS

pytestmark = pytest.mark.unit


def columns(edges):
    ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def labelled(edges):
    nodes, labels = label_components(*columns(edges))
    assert np.all(np.diff(nodes) > 0)
    return dict(zip(nodes.tolist(), labels.tolist(), strict=True))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 60), st.integers(1, 31), SEEDS, st.integers(1, 2**62 // 31))
def test_labels_equal_union_find(count, nodes, seed, stretch):
    ends = np.random.default_rng(seed).integers(0, nodes, (count, 2)) * stretch
    edges = [(a, b) for a, b in ends.tolist()]
    assert labelled(edges) == union_find(edges)


@pytest.mark.parametrize(
    "edges",
    [
        [(i, i + 1) for i in range(9_999)],
        [(0, i) for i in range(1, 2_000)],
        [(2_000 - i, 5_000) for i in range(2_000)],
        [(a, b) for a in range(60) for b in range(a + 1, 60)],
    ],
    ids=["path", "star from its least", "star from its greatest", "clique"],
)
def test_one_component_of_any_shape(edges):
    assert set(labelled(edges).values()) == {min(min(edge) for edge in edges)}


def test_chain_of_two_matches_is_one_cluster_of_three():
    """K13: A~B and B~C are one person, also where A and C were never compared."""
    assert labelled([(11, 22), (22, 33)]) == {11: 11, 22: 11, 33: 11}


def test_register_keeps_records_without_an_edge():
    nodes, labels = label_components(*columns([(5, 9), (9, 7)]))
    register = np.array([9, 1, 5, 100, 7])
    assert spread_labels(register, nodes, labels).tolist() == [5, 1, 5, 100, 5]
    nothing = label_components(*columns([]))
    assert spread_labels(register, *nothing).tolist() == register.tolist()


def bridges_by_removal(edges):
    whole = len(set(union_find(edges).values()))
    nodes = [(node, node) for edge in edges for node in edge]
    return [
        edge
        for edge in edges
        if len(set(union_find(nodes + [e for e in edges if e != edge]).values())) > whole
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), SEEDS)
def test_figures_equal_the_slow_way(count, seed):
    pairs = np.random.default_rng(seed).integers(0, 13, (count, 2)).tolist()
    edges = sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]})
    bits = {edge: float((7 * edge[0] + 13 * edge[1]) % 11) for edge in edges}
    found = component_stats(*columns(edges), np.array([bits[edge] for edge in edges]))
    label, bridges = union_find(edges), bridges_by_removal(edges)
    for row in found.itertuples():
        members = [node for node in label if label[node] == row.component]
        inside = [edge for edge in edges if label[edge[0]] == row.component]
        weakest = [bits[edge] for edge in inside if edge in bridges]
        assert row.size == len(members)
        assert row.density == pytest.approx(2 * len(inside) / len(members) / (len(members) - 1))
        assert row.weakest_bridge_bits == min(weakest) if weakest else True
        assert bool(weakest) == (not np.isnan(row.weakest_bridge_bits))
    assert found["component"].tolist() == sorted(set(label.values()))


def test_unscored_decision_is_no_weakest_bridge():
    stats = component_stats(*columns([(1, 2), (2, 3)]), np.array([np.nan, 6.0]))
    expected = {"component": [1], "size": [3], "weakest_bridge_bits": [6.0], "density": [2 / 3]}
    pd.testing.assert_frame_equal(stats, pd.DataFrame(expected))


def test_a_million_edges_take_seconds():
    rng = np.random.default_rng(7)
    node_a, node_b = rng.integers(0, 2**62, (2, 1_000_000))
    started = time.monotonic()
    nodes, labels = label_components(node_a, node_b)
    assert time.monotonic() - started < 20
    assert len(nodes) == len(labels) > 1_990_000
