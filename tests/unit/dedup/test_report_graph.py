import math
from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.report import graph as graphs

Edges = list[tuple[int, int, float]]


@st.composite
def small_graphs(draw: Callable[[st.SearchStrategy[Edges]], Edges]) -> tuple[int, Edges]:
    size = draw(st.integers(2, 6))
    couples = [(a, b) for a in range(size) for b in range(a + 1, size)]
    chosen = draw(st.lists(st.sampled_from(couples), unique=True, min_size=1))
    return size, [(a, b, draw(st.integers(0, 20)) / 2) for a, b in chosen]


def strongest(size: int, edges: Edges) -> list[float]:
    """Weakest link of the best path of each pair, over one more node at a time; -1 without a path."""
    bits = np.full((size, size), -1.0)
    for a, b, weight in edges:
        bits[a, b] = bits[b, a] = weight
    for middle in range(size):
        bits = np.maximum(bits, np.minimum(bits[:, [middle]], bits[[middle]]))
    return bits[np.triu_indices(size, 1)].tolist()


def test_strongest_oracle() -> None:
    assert strongest(4, [(0, 1, 5.0), (1, 2, 2.0), (0, 2, 1.0)]) == [
        5.0,
        2.0,
        -1.0,
        2.0,
        -1.0,
        -1.0,
    ]


@settings(max_examples=40, deadline=None)
@given(small_graphs())
def test_tree_and_bridge_equal_the_slow_way(drawn: tuple[int, Edges]) -> None:
    size, edges = drawn
    tree = [edges[place] for place in graphs.spanning_tree(size, edges)]
    assert strongest(size, tree) == strongest(size, edges)

    def joined(some: Edges) -> list[bool]:
        return [bits >= 0 for bits in strongest(size, some)]

    cuts = [edge[2] for edge in edges if joined([e for e in edges if e != edge]) != joined(edges)]
    bridge = graphs.weakest_bridge(size, edges)
    assert (None if bridge is None else edges[bridge][2]) == min(cuts, default=None)


@settings(max_examples=25, deadline=None)
@given(small_graphs())
def test_the_drawing_fits_and_is_the_same_each_time(drawn: tuple[int, Edges]) -> None:
    places = graphs.place_nodes(*drawn)
    assert (places == graphs.place_nodes(*drawn)).all()
    assert places.shape == (drawn[0], 2)
    assert abs(places).max() <= 1.0
    gaps = [math.dist(p, q) for i, p in enumerate(places) for q in places[:i]]
    assert min(gaps) > 0.02
