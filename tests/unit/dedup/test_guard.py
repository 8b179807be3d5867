"""The chain guard: golden vectors, decisions, and a slow guard of sets as oracle."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError, SangamError
from pipelines.dedup.guard import Edges, GuardSettings, guard_components
from tests.unit.dedup.graphs import union_find
from tests.unit.dedup.random_rows import SEEDS

pytestmark = pytest.mark.unit

LIMITS = GuardSettings(match_bits=4.2479, seed=7)
NONE = np.empty((0, 2), dtype=np.int64)


def make_edges(scores, must=(), exact=()):
    pairs = np.array(list(scores), dtype=np.int64).reshape(-1, 2)
    return Edges(
        pairs[:, 0],
        pairs[:, 1],
        np.array(list(scores.values()), dtype=np.float64),
        np.array([pair in must for pair in scores], dtype=np.bool_),
        np.array([pair in exact for pair in scores], dtype=np.bool_),
    )


class Scorer:
    """Scores of pairs from a table; counts what it is asked."""

    def __init__(self, table, default=-10.0):
        self.table, self.default, self.asked = table, default, []

    def __call__(self, node_a, node_b):
        pairs = list(zip(node_a.tolist(), node_b.tolist(), strict=True))
        self.asked.append(pairs)
        return np.array([self.table.get(pair, self.default) for pair in pairs])


def run(scores, cannot=(), cross=None, default=-10.0, must=(), exact=(), limits=LIMITS):
    edges = make_edges(scores, must, exact)
    scorer = Scorer(cross or {}, default)
    links = np.array(list(cannot), dtype=np.int64).reshape(-1, 2)
    result = guard_components(edges, links, scorer, limits)
    pairs = list(scores)
    cuts = [(pairs[row["edge"]], str(row["reason"])) for row in result.cut]
    assert [pair for pair, keep in zip(pairs, result.keep, strict=True) if not keep] == [
        pair for pair in pairs if pair in dict(cuts)
    ]
    return cuts, result, scorer


def clique(nodes, bits):
    return dict.fromkeys(itertools.combinations(nodes, 2), bits)


A, B, C, D, E, F = range(6)
TRIANGLES = clique((A, B, C), 15.0) | clique((D, E, F), 15.0) | {(C, D): 5.1}
CROSS = dict(
    zip(
        [pair for pair in itertools.product((A, B, C), (D, E, F)) if pair != (C, D)],
        [-15.3, -14.0, -13.6, -12.2, -11.1, -9.5, -8.0, -7.4],
        strict=True,
    )
)


def test_golden_weak_bridge():
    cuts, result, scorer = run(TRIANGLES, cross=CROSS)
    assert cuts == [((C, D), "WEAK_BRIDGE")]
    assert result.cut["median_bits"][0] == pytest.approx(-11.1)
    assert result.cut["component"][0] == A
    assert sorted(scorer.asked[0]) == sorted(CROSS)  # in one call, and the bridge is known
    assert len(scorer.asked) == 1


def test_bridge_stays_when_the_sides_look_alike():
    assert run(TRIANGLES, default=0.0)[0] == []  # the median must be below zero


@pytest.mark.parametrize(("bits", "asked"), [(7.2478, 1), (7.2479, 0), (7.25, 0)])
def test_only_a_bridge_below_the_margin_is_suspicious(bits, asked):
    _, _, scorer = run(TRIANGLES | {(C, D): bits}, default=1.0)
    assert len(scorer.asked) == asked


def test_bridge_to_a_single_record_is_no_weak_bridge():
    scores = clique(range(5), 15.0) | {(4, 9): 4.3}
    assert run(scores)[0] == []


def test_planted_bridge_between_cliques_of_profile_v2():
    """D15: score .76 joins nothing when the cliques differ."""
    limits = GuardSettings(match_bits=0.75, seed=7, margin_bits=0.05, keep_bits=0.75)
    scores = clique((A, B, C), 0.95) | clique((D, E, F), 0.95) | {(C, D): 0.76}
    assert run(scores, default=0.3, limits=limits)[0] == [((C, D), "WEAK_BRIDGE")]
    assert run(scores, default=0.8, limits=limits)[0] == []


def test_the_worse_bridge_goes_first_and_saves_the_other():
    """Seen from the left bridge most cross pairs are wrong, through the fault of the right one."""
    left, middle, right = range(4), range(4, 8), range(8, 20)
    scores = clique(left, 15.0) | clique(middle, 15.0) | clique(right, 15.0)
    scores |= {(3, 4): 5.0, (7, 8): 6.0}
    cross = dict.fromkeys(itertools.product(left, middle), 9.0)
    cross |= {(a, b): -5.0 - (a + b) % 9 for a in range(8) for b in right}
    cuts, _, scorer = run(scores, cross=cross)
    assert len(scorer.asked) == 1  # the second look needs no new score
    assert cuts == [((7, 8), "WEAK_BRIDGE")]


def test_a_cut_exposes_the_next_bridge():
    """A detour over one record hides the weak bridge until a reviewer takes that record out."""
    detour = TRIANGLES | {(C, D): 7.0, (B, 9): 6.0, (E, 9): 6.0}
    assert run(detour)[0] == []
    cuts, result, _ = run(detour, cannot=[(A, 9)])
    assert cuts == [
        ((E, 9), "CANNOT_LINK"),
        ((B, 9), "CANNOT_LINK"),
        ((C, D), "WEAK_BRIDGE"),
    ]
    assert np.isnan(result.cut["median_bits"][:2]).all()


def test_golden_cannot_link():
    cuts, _, _ = run({(A, B): 12.0, (B, C): 6.0, (A, C): 5.0}, cannot=[(C, A)])
    assert cuts == [((A, C), "CANNOT_LINK"), ((B, C), "CANNOT_LINK")]


def test_cannot_links_of_an_unmerge_cut_nothing_inside_either_side():
    scores = {(A, B): 5.0, (B, C): 12.0, (C, D): 5.0}
    cuts, _, _ = run(scores, cannot=[(A, C), (B, C), (A, D), (B, D)])
    assert cuts == [((B, C), "CANNOT_LINK")]


def test_cannot_link_spares_must_links():
    scores = {(A, B): 5.0, (B, C): 30.0, (C, D): 9.0}
    cuts, _, _ = run(scores, cannot=[(A, D)], must={(A, B)})
    assert cuts == [((C, D), "CANNOT_LINK")]


def test_contradicting_decisions_name_both_sides():
    scores = {(A, B): 12.0, (B, C): np.nan, (C, D): 3.0}
    with pytest.raises(ConfigError) as caught:
        run(scores, cannot=[(C, A)], must={(A, B), (B, C)})
    assert caught.value.cannot_link == (A, C)
    assert caught.value.must_links == [(A, B), (B, C)]
    assert "DIFFERENT for 0 - 2 contradicts SAME for 0 - 1, 1 - 2" in str(caught.value)


def test_must_link_is_never_a_weak_bridge_nor_oversize():
    joined = TRIANGLES | {(C, D): -4.0}
    assert run(joined, must={(C, D)})[0] == []
    suspicious = joined | {(9, 10): 15.0, (F, 9): 5.0}
    assert run(suspicious, must={(C, D)})[0] == [((F, 9), "WEAK_BRIDGE")]
    path = {(i, i + 1): 4.5 for i in range(40)}
    assert run(path, must=set(path), default=9.0)[0] == []


def test_oversize_is_rethresholded_in_steps_until_it_fits():
    big = {(i, i + 1): 9.0 for i in range(40)} | {(13, 14): 7.5, (26, 27): 8.2}
    cuts, _, _ = run(big, default=9.0)
    assert cuts == [((13, 14), "OVERSIZE"), ((26, 27), "OVERSIZE")]
    small = {(i, i + 1): 4.5 for i in range(24)}
    assert run(small, default=9.0)[0] == []  # 25 members fit


def test_only_the_part_that_is_too_large_climbs_on():
    left = {(i, i + 1): 9.0 for i in range(19)}
    right = {(i, i + 1): 9.0 for i in range(20, 59)} | {(40, 41): 7.0}
    cuts, _, _ = run(left | {(19, 20): 5.0} | right, default=9.0)
    assert [pair for pair, _ in cuts] == [(19, 20), (40, 41)]


def test_equal_records_stay_one_cluster_of_any_size():
    stars = {(0, i): 40.0 for i in range(1, 500)}
    assert run(stars, exact=set(stars))[0] == []
    assert len(run(stars)[0]) == 499  # as ordinary edges none of them survives
    chain = {(n, n + 1): 8.0 for n in range(499, 523)}  # 24 more: 25 different contents
    joined = stars | chain
    assert run(joined, exact=set(stars), default=9.0)[0] == []
    assert len(run(joined | {(523, 524): 8.0}, exact=set(stars), default=9.0)[0]) == 25
    assert run(stars, exact=set(stars), cannot=[(0, 7)])[0] == [((0, 7), "CANNOT_LINK")]


def test_cross_pairs_are_capped_and_picked_the_same_way():
    scores = {(0, i): 20.0 for i in range(1, 12)} | {(12, i): 20.0 for i in range(13, 24)}
    scores |= {(0, 12): 5.0}
    limits = GuardSettings(match_bits=4.2479, seed=7, max_cross_pairs=40)
    cuts, _, scorer = run(scores, limits=limits)
    assert cuts == [((0, 12), "WEAK_BRIDGE")]
    assert 38 <= len(scorer.asked[0]) <= 39  # the bridge is known
    assert len({a for a, _ in scorer.asked[0]}) >= 9
    assert len({b for _, b in scorer.asked[0]}) >= 9
    assert run(scores, limits=limits)[2].asked == scorer.asked
    other = run(scores, limits=GuardSettings(match_bits=4.2479, seed=8, max_cross_pairs=40))[2]
    assert other.asked != scorer.asked


def test_long_chain_of_weak_bridges_ends():
    chain = {(i, i + 1): 4.3 + (i % 7) / 10 for i in range(3_000)}
    _, result, scorer = run(chain)
    assert sum(len(pairs) for pairs in scorer.asked) < 500_000
    nodes_left = result.keep.sum() + 1
    assert nodes_left < 3_000


@pytest.mark.parametrize(
    ("scores", "message"),
    [({(2, 1): 9.0}, "orient"), ({(1, 2): np.nan}, "no finite score")],
)
def test_broken_edges_are_refused(scores, message):
    with pytest.raises(SangamError, match=message):
        run(scores)


def test_repeated_pair_is_refused():
    twice = Edges(*np.array([[1, 1], [2, 2]]), np.ones(2), *np.zeros((2, 2), dtype=np.bool_))
    with pytest.raises(SangamError, match="twice"):
        guard_components(twice, NONE, Scorer({}), LIMITS)


@pytest.mark.parametrize("answer", [np.array([1.0]), np.full(8, np.nan)])
def test_broken_scorer_is_refused(answer):
    with pytest.raises(SangamError, match="score every pair"):
        guard_components(make_edges(TRIANGLES), NONE, lambda a, b: answer, LIMITS)


def test_no_edges():
    cuts, result, _ = run({}, cannot=[(1, 2)])
    assert (cuts, len(result.keep)) == ([], 0)


def reach(edges, start):
    found, size = {start}, 0
    while size < (size := len(found)):
        for a, b in edges:
            if a in found or b in found:
                found |= {a, b}
    return found


def bottleneck(scores, must, x, y):
    """Weakest edge of the strongest path, or None when the two are apart."""
    ranked = sorted(scores, key=lambda e: (e in must, scores[e], e), reverse=True)
    for count in range(1, len(ranked) + 1):
        if y in reach(ranked[:count], x):
            return ranked[count - 1]
    return None


def weak_bridges(alive, limits, scorer, must):
    found = []
    for edge in alive:
        if alive[edge] >= limits.match_bits + limits.margin_bits or edge in must:
            continue
        rest = [e for e in alive if e != edge]
        left, right = reach(rest, edge[0]), reach(rest, edge[1])
        if left != right and min(len(left), len(right)) >= 2:
            pairs = [tuple(sorted(pair)) for pair in itertools.product(left, right)]
            median = float(np.median([scorer(pair) for pair in pairs]))
            if median < limits.keep_bits:
                found.append((min(left | right), median, alive[edge], edge))
    groups = itertools.groupby(sorted(found), key=lambda row: row[0])
    per_component = [list(rows) for _, rows in groups]
    return [row[3] for rows in per_component for row in rows[: max(len(rows) // 2, 1)]]


def slow_guard(scores, cannot, scorer, must, limits):
    alive, cuts = dict(scores), set()

    def cut(edge, reason):
        del alive[edge]
        cuts.add((edge, reason))

    before = None
    while before != set(alive):
        before = set(alive)
        while bad := weak_bridges(alive, limits, scorer, must):
            for edge in bad:
                cut(edge, "WEAK_BRIDGE")
        for level in range(1, 40):
            label = union_find(alive)
            sizes = Counter(label.values())
            for edge in [
                e
                for e in alive
                if e not in must
                and alive[e] < limits.match_bits + level * limits.step_bits
                and sizes[label[e[0]]] > limits.max_size
            ]:
                cut(edge, "OVERSIZE")
        for edge in [e for e in alive if e in cannot]:
            cut(edge, "CANNOT_LINK")
        while refused := [e for x, y in cannot if (e := bottleneck(alive, must, x, y)) is not None]:
            cut(max(refused, key=lambda e: (scores[e], e)), "CANNOT_LINK")
    return cuts


ALL_PAIRS = list(itertools.combinations(range(12), 2))
PAIRS = st.sampled_from(ALL_PAIRS)


@st.composite
def graphs(draw, most_quarters):
    """Up to 22 edges of twelve nodes with quarter bits from 4.25 on, all from one seed."""
    count, rng = draw(st.integers(1, 22)), np.random.default_rng(draw(SEEDS))
    places = rng.choice(len(ALL_PAIRS), count, replace=False).tolist()
    quarters = rng.integers(17, most_quarters, count, endpoint=True).tolist()
    return {ALL_PAIRS[place]: n / 4 for place, n in zip(places, quarters, strict=True)}


def cross_scores(salt, nodes):
    """A whole number of bits from -18 to 14 for each pair of nodes."""
    pairs = list(itertools.combinations(range(nodes), 2))
    bits = np.random.default_rng(salt).integers(-18, 15, len(pairs)).astype(np.float64)
    return dict(zip(pairs, bits.tolist(), strict=True))


@settings(max_examples=100, deadline=None)
@given(
    graphs(48),
    st.sets(PAIRS, max_size=3),
    st.sets(st.integers(0, 21), max_size=4),
    SEEDS,
    st.randoms(use_true_random=True),
)
def test_equals_the_slow_guard_in_any_order(scores, cannot, must, salt, random):
    must = {pair for number, pair in enumerate(scores) if number in must}
    limits = GuardSettings(match_bits=4.25, seed=7, max_size=5)
    table = cross_scores(salt, 12) | scores
    if any(y in reach(list(must), x) for x, y in cannot):
        with pytest.raises(ConfigError):
            run(scores, cannot=cannot, must=must, cross=table, limits=limits)
        return
    expected = slow_guard(scores, cannot, table.get, must, limits)
    cuts, first, _ = run(scores, cannot=cannot, must=must, cross=table, limits=limits)
    assert set(cuts) == expected
    assert len(cuts) == len(expected)
    shuffled = list(scores.items())
    random.shuffle(shuffled)
    again, second, _ = run(dict(shuffled), cannot=cannot, must=must, cross=table, limits=limits)
    assert again == cuts  # the order of cutting as well
    assert second.cut["median_bits"].tobytes() == first.cut["median_bits"].tobytes()


@settings(max_examples=60, deadline=None)
@given(
    graphs(40),
    graphs(40),
    st.sets(PAIRS, max_size=2),
    SEEDS,
)
def test_what_becomes_of_a_component_follows_from_nothing_else(first, second, cannot, salt):
    """Nodes of two graphs lie between each other; few cross pairs are looked at, by their names."""
    limits = GuardSettings(match_bits=4.25, seed=7, max_size=6, max_cross_pairs=3)
    one = {(2 * a, 2 * b): bits for (a, b), bits in first.items()}
    other = {(2 * a + 1, 2 * b + 1): bits for (a, b), bits in second.items()}
    links = [(2 * a, 2 * b) for a, b in cannot] + [(2 * a + 1, 2 * b + 1) for a, b in cannot]
    table = cross_scores(salt, 24) | one | other
    whole = run(one | other, cannot=links, cross=table, limits=limits)[0]
    parts = [run(part, cannot=links, cross=table, limits=limits)[0] for part in (one, other)]
    assert sorted(whole) == sorted(parts[0] + parts[1])
