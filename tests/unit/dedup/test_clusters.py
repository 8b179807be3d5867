"""Cluster ids, the merge log, aliases and unmerge, with plain dicts as oracle."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError, GateError, SangamError
from pipelines.dedup.bridges import component_stats
from pipelines.dedup.changes import find_changes
from pipelines.dedup.clusters import CLUSTER_COLUMNS, assign_clusters, cluster_id
from pipelines.dedup.components import label_components, spread_labels
from pipelines.dedup.known_clusters import NEW, changed_rows, describe
from pipelines.dedup.merge_log import next_versions
from pipelines.dedup.unmerge import find_aliases, members_at, unmerge

pytestmark = pytest.mark.unit

KEY = ["cluster_id", "record_token", "valid_from_run"]
EDGE_COLUMNS = ["token_a", "token_b", "score_bits", "rule"]


def token(number):
    return f"t0_{number:026d}"


def name(number):
    return "c" + hashlib.sha256(token(number).encode()).hexdigest()[:20]


class Register:
    """A register that grows: record number -> enrolled_at, and match edges with their rule."""

    def __init__(self):
        self.enrolled, self.edges, self.rows, self.runs = {}, {}, None, []
        self.known = {}

    def measure(self):
        """Nodes, their labels, the figures of components, and the clusters: the state of a run."""
        numbers = list(self.enrolled)
        ends = np.array(list(self.edges), dtype=np.int64).reshape(-1, 2)
        bits = np.array([bits for bits, _ in self.edges.values()], dtype=np.float64)
        nodes = np.array(numbers, dtype=np.int64)
        labels = spread_labels(nodes, *label_components(ends[:, 0], ends[:, 1]))
        stats = component_stats(ends[:, 0], ends[:, 1], bits)
        tokens = np.array([token(n) for n in numbers], dtype=object)
        enrolled = np.array(list(self.enrolled.values()), dtype=np.int64)
        return nodes, labels, stats, assign_clusters(nodes, labels, enrolled, tokens, stats)

    def run(self, enrol=(), match=(), cut=(), drop=()):
        """One run; returns the change. `cut` edges are (a, b, bits, rule), `match` as well."""
        self.enrolled |= dict(enrol)
        self.edges |= {(a, b): (bits, rule) for a, b, bits, rule in match}
        for edge in [*((a, b) for a, b, _, _ in cut), *drop]:
            self.edges.pop(edge, None)
        links = [(token(a), token(b), *rest) for (a, b), rest in self.edges.items()]
        cuts = [(token(a), token(b), *rest) for a, b, *rest in cut]
        frames = [pd.DataFrame(rows, columns=EDGE_COLUMNS) for rows in (links, cuts)]
        self.runs.append(f"run-{997 * (len(self.runs) + 1) % 1000:03d}")  # order is not in the name
        previous = None if self.rows is None else self.rows[self.rows["valid_to_run"].isna()]
        state = self.measure()
        change = next_versions(previous, state[-1], *frames, self.runs[-1], "m1")
        self.check_narrowed(previous, frames, state, change)
        self.check_increment(previous, frames, state, change)
        self.write(change)
        return change

    def check_narrowed(self, previous, frames, state, change):
        """The same from the changed clusters alone, as the job does it."""
        table = None if previous is None else pa.Table.from_pandas(previous, preserve_index=False)
        _, labels, _, current = state
        changes = find_changes(table, current, labels)
        before = None if table is None else changes.previous.to_pandas()
        narrow = next_versions(before, changes.current, *frames, self.runs[-1], "m1")
        self.check_same(narrow, change)
        if previous is not None:
            assert len(changes.current) <= len(change.open)

    def check_increment(self, previous, frames, state, change):
        """The same from what a run keeps of each record, without reading all clusters."""
        nodes, labels, stats, current = state
        order = np.argsort(nodes)
        known = describe(nodes[order], labels[order], stats)
        before = known.copy()
        before["label"] = NEW
        for place, node in enumerate(nodes[order].tolist()):
            if node in self.known:
                before[place] = self.known[node]
        self.known = dict(zip(nodes[order].tolist(), known, strict=True))
        tokens = [token(node) for node in nodes[order][changed_rows(before, known)]]
        rows = current[current["record_token"].isin(tokens)]
        if previous is not None:
            previous = previous[previous["record_token"].isin(tokens)]
        narrow = next_versions(previous, rows, *frames, self.runs[-1], "m1")
        self.check_same(narrow, change)
        assert len(rows) == len(change.open)

    def check_same(self, narrow, change):
        for found, wanted in ((narrow.open, change.open), (narrow.close, change.close)):
            assert plain_rows(found) == plain_rows(wanted)

    def write(self, change):
        rows = self.rows if self.rows is not None else change.close
        closing = set(keys_of(change.close))
        is_closed = np.array([key in closing for key in keys_of(rows)], dtype=bool)
        assert is_closed.sum() == len(change.close)
        parts = [part for part in (rows[~is_closed], change.close, change.open) if len(part)]
        self.rows = pd.concat(parts, ignore_index=True)
        assert list(self.rows.columns) == CLUSTER_COLUMNS
        assert len(set(keys_of(self.rows))) == len(self.rows)
        tokens = self.rows.loc[self.rows["valid_to_run"].isna(), "record_token"]
        assert tokens.is_unique

    def clusters(self, run=None):
        rows = self.rows[self.rows["valid_to_run"].isna()]
        return as_sets(rows if run is None else members_at(self.rows, run, self.runs))

    def row(self, number):
        is_current = self.rows["valid_to_run"].isna() & (self.rows["record_token"] == token(number))
        return self.rows[is_current].iloc[0]


def keys_of(rows):
    return list(zip(*(rows[name].tolist() for name in KEY), strict=True))


def plain_rows(rows):
    """Rows as lists by record, None for everything that is null."""
    plain = [
        [None if value is None or value != value else value for value in row]  # NaN: not itself
        for row in rows.to_numpy(dtype=object).tolist()
    ]
    return sorted(plain, key=lambda row: row[CLUSTER_COLUMNS.index("record_token")])


def as_sets(rows):
    clusters = {}
    for key, record in zip(rows["cluster_id"], rows["record_token"], strict=True):
        clusters.setdefault(key, set()).add(int(record[3:]))
    return clusters


def match(a, b, bits=9.0, rule="MATCH"):
    return (a, b, bits, rule)


def test_golden_cluster_id():
    assert cluster_id("t0_YCLAHX4FJJJK3FURR43OYZDTL7") == "cfcd529897f8925baad79"


def test_anchor_is_the_first_enrolled_then_the_smallest_token():
    register = Register()
    register.run({5: 20, 3: 10, 4: 10, 9: 30, 8: 30, 7: 0}, [match(3, 5), match(4, 5), match(8, 9)])
    assert register.clusters() == {name(3): {3, 4, 5}, name(8): {8, 9}, name(7): {7}}
    assert register.row(5)[["size", "weakest_bridge_bits"]].tolist() == [3, 9.0]
    assert register.row(5)["density"] == pytest.approx(2 / 3)
    alone = register.row(7)
    assert alone["size"] == 1
    assert np.isnan(alone["density"])
    assert np.isnan(alone["weakest_bridge_bits"])


@pytest.mark.parametrize(
    ("nodes", "tokens"), [([1, 1], ["ta", "tb"]), ([1, 2], ["ta", "ta"])], ids=["node", "token"]
)
def test_colliding_ids_stop_the_run(nodes, tokens):
    stats = component_stats(*np.empty((2, 0), dtype=np.int64), np.empty(0))
    with pytest.raises(GateError, match="distinct"):
        assign_clusters(
            np.array(nodes), np.array(nodes), np.zeros(2), np.array(tokens, dtype=object), stats
        )


def test_create_join_merge_and_alias():
    register = Register()
    first = register.run({1: 10, 2: 20, 3: 30, 4: 40, 9: 90}, [match(1, 2), match(3, 4, 12.0)])
    assert first.close.empty
    assert set(first.open["action"]) == {"CREATE"}
    assert register.row(9)["rule"] == "NEW_RECORD"
    assert pd.isna(register.row(9)["cause_edge"])

    joined = register.run({5: 50}, [match(2, 5, 7.5)])
    assert set(joined.open["record_token"]) == {token(1), token(2), token(5)}
    assert set(joined.open["action"]) == {"JOIN"}
    assert set(joined.open["cause_edge"]) == {f"{token(2)} {token(5)}"}
    assert set(joined.open["score_bits"]) == {7.5}
    assert joined.open["previous_cluster_id"].isna().all()

    merged = register.run({}, [match(4, 5, 6.5), match(3, 5, 5.5)])
    assert set(merged.open["action"]) == {"MERGE"}
    by_token = merged.open.set_index("record_token")
    assert by_token.loc[token(3), "cause_edge"] == f"{token(3)} {token(5)}"  # its own edge first
    assert by_token.loc[token(1), "cause_edge"] == f"{token(4)} {token(5)}"  # else the strongest
    assert by_token.loc[token(3), "previous_cluster_id"] == name(3)
    assert pd.isna(by_token.loc[token(1), "previous_cluster_id"])
    assert register.clusters() == {name(1): {1, 2, 3, 4, 5}, name(9): {9}}
    aliases = find_aliases(register.rows)
    assert aliases.to_dict("records") == [{"alias": name(3), "cluster_id": name(1)}]


def test_late_arrival_enrolled_earlier_is_the_anchor_and_leaves_an_alias():
    register = Register()
    register.run({4: 40, 5: 50}, [match(4, 5)])
    change = register.run({1: 10}, [match(1, 5)])
    assert register.clusters() == {name(1): {1, 4, 5}}
    actions = change.open.set_index("record_token")["action"]
    assert actions.to_dict() == {token(1): "JOIN", token(4): "MERGE", token(5): "MERGE"}
    register.run({0: 5}, [match(0, 1)])
    aliases = find_aliases(register.rows).set_index("alias")["cluster_id"].to_dict()
    assert aliases == {name(4): name(0), name(1): name(0)}


def test_split_names_the_edge_that_was_cut():
    register = Register()
    register.run({n: n for n in range(1, 6)}, [match(1, 2), match(2, 3, 5.1), match(3, 4)])
    change = register.run(cut=[(2, 3, 5.1, "WEAK_BRIDGE")])
    assert set(change.open["action"]) == {"SPLIT"}
    assert set(change.open["rule"]) == {"WEAK_BRIDGE"}
    assert set(change.open["cause_edge"]) == {f"{token(2)} {token(3)}"}
    assert register.clusters() == {name(1): {1, 2}, name(3): {3, 4}, name(5): {5}}
    change = register.run(drop=[(1, 2)])
    assert set(change.open["rule"]) == {"EDGE_LOST"}


def test_a_reviewer_behind_the_edge_makes_it_a_review():
    register = Register()
    register.run({n: n for n in range(1, 5)}, [match(1, 2), match(3, 4)])
    change = register.run(match=[match(2, 3, np.nan, "REVIEWER"), match(1, 4, 8.0)])
    assert set(change.open["action"]) == {"REVIEW", "MERGE"}
    by_token = change.open.set_index("record_token")
    assert by_token.loc[token(2), ["action", "rule"]].tolist() == ["REVIEW", "REVIEWER"]
    change = register.run(cut=[(1, 4, 8.0, "CANNOT_LINK"), (2, 3, 5.0, "CANNOT_LINK")])
    assert set(change.open["action"]) == {"REVIEW"}


def test_only_new_figures_keep_action_and_cause():
    register = Register()
    register.run({1: 1, 2: 2, 3: 3}, [match(1, 2)])
    register.run(match=[match(2, 3, 6.0)])
    change = register.run(match=[match(1, 3, 11.0)])
    assert set(change.open["action"]) == {"MERGE"}
    assert change.open["cause_edge"].tolist() == [f"{token(2)} {token(3)}"] * 3
    assert change.open["weakest_bridge_bits"].isna().all()
    assert set(change.open["density"]) == {1.0}


def test_rerun_writes_nothing_and_touches_nothing_else():
    register = Register()
    register.run({n: n for n in range(50)}, [match(2 * n, 2 * n + 1) for n in range(20)])
    again = register.run()
    assert again.close.empty
    assert again.open.empty
    change = register.run({50: 50}, [match(7, 50)])
    assert set(change.open["record_token"]) == {token(6), token(7), token(50)}
    assert len(change.close) == 2


def test_a_record_that_is_gone_is_closed_and_counts_as_a_part():
    register = Register()
    register.run({1: 1, 2: 2, 3: 3, 4: 4}, [match(1, 2), match(2, 3)])
    del register.enrolled[3], register.edges[2, 3]
    links = pd.DataFrame([(token(1), token(2), 9.0, "MATCH")], columns=EDGE_COLUMNS)
    change = next_versions(
        register.rows, register.measure()[-1], links, links.iloc[:0], "run-x", "m1"
    )
    assert set(change.close["record_token"]) == {token(1), token(2), token(3)}
    assert set(change.open["record_token"]) == {token(1), token(2)}
    assert set(change.open["action"]) == {"SPLIT"}
    assert set(change.open["rule"]) == {"EDGE_LOST"}
    register.write(change)
    assert register.clusters() == {name(1): {1, 2}, name(4): {4}}


def test_same_run_id_with_other_rows_is_refused():
    register = Register()
    register.run({1: 1, 2: 2})
    register.enrolled[3] = 3
    register.edges[2, 3] = (9.0, "MATCH")
    none = pd.DataFrame(columns=EDGE_COLUMNS)
    with pytest.raises(SangamError, match="already written"):
        next_versions(register.rows, register.measure()[-1], none, none, register.runs[-1], "m1")


def test_ids_are_stable_over_ten_incremental_runs():
    """K26: a newcomer joins a cluster, it never renames one."""
    register, rng = Register(), np.random.default_rng(7)
    register.run({n: n for n in range(40)}, [match(2 * n, 2 * n + 1) for n in range(20)])
    before = register.clusters()
    for slice_number in range(10):
        start = 40 + 20 * slice_number
        news = range(start, start + 20)
        # Token order and order of enrolment differ from the order of the runs.
        partners = rng.choice(start, 20, replace=False).tolist()
        edges = [match(old, new) for old, new in zip(partners, news, strict=True)][:10]
        register.run({n: n for n in rng.permutation(list(news)).tolist()}, edges)
        after = register.clusters()
        assert all(members <= after[key] for key, members in before.items())
        before = after
    assert len(find_aliases(register.rows)) == 0
    assert len(before) == 20 + 10 * 10


def test_unmerge_restores_members_and_keeps_them_apart():
    register = Register()
    register.run({n: n for n in range(1, 8)}, [match(1, 2), match(3, 4), match(6, 7)])
    good = register.runs[-1]
    register.run(match=[match(2, 3, 5.0)])
    register.run({8: 80}, [match(4, 8)])
    change, apart = unmerge(register.rows, name(3), good, "undo", register.runs)
    before = register.clusters(good)
    register.write(change)
    register.runs.append("undo")
    now = register.clusters()
    assert now == before | {name(8): {8}}
    assert set(change.open["action"]) == {"UNMERGE"}
    assert as_sets(change.close) == {name(1): {1, 2, 3, 4, 8}}
    assert set(change.open["record_token"]) == {token(n) for n in (1, 2, 3, 4, 8)}
    old = register.row(3)
    assert [old["size"], old["weakest_bridge_bits"], old["density"]] == [2, 9.0, 1.0]
    assert old["previous_cluster_id"] == name(1)
    assert register.row(8)["size"] == 1
    pairs = {tuple(int(t[3:]) for t in row) for row in apart.to_numpy()}
    assert pairs == {(1, 3), (2, 3), (1, 4), (2, 4), (3, 8), (4, 8)}
    nothing, none = unmerge(register.rows, name(3), good, "undo2", register.runs)
    assert nothing.open.empty
    assert nothing.close.empty
    assert none.empty


def test_unmerge_takes_back_members_that_have_gone_elsewhere():
    register = Register()
    register.run({n: n for n in range(1, 6)}, [match(1, 2), match(3, 4)])
    good = register.runs[-1]
    register.run(match=[match(2, 3), match(4, 5)], drop=[(3, 4)])
    assert register.clusters() == {name(1): {1, 2, 3}, name(4): {4, 5}}
    change, _ = unmerge(register.rows, name(1), good, "undo", register.runs)
    register.write(change)
    assert register.clusters() == {name(1): {1, 2}, name(3): {3, 4}, name(5): {5}}


def test_unmerge_leaves_a_forgotten_record_out():
    register = Register()
    register.run({n: n for n in range(1, 6)}, [match(1, 2), match(3, 4), match(4, 5)])
    good = register.runs[-1]
    register.run(match=[match(2, 3)])
    register.rows = register.rows[register.rows["record_token"] != token(4)]
    change, _ = unmerge(register.rows, name(3), good, "undo", register.runs)
    register.write(change)
    assert register.clusters() == {name(1): {1, 2}, name(3): {3, 5}}
    assert register.row(5)["size"] == 2
    assert np.isnan(register.row(5)["density"])  # the figures were those of three
    assert register.row(1)["density"] == 1.0


def test_unmerge_of_what_never_was_is_refused():
    register = Register()
    register.run({1: 1, 2: 2}, [match(1, 2)])
    with pytest.raises(ConfigError, match="no members at the end of run"):
        unmerge(register.rows, name(2), register.runs[0], "undo", register.runs)
    with pytest.raises(ConfigError, match="not among the 1 published runs"):
        members_at(register.rows, "run-x", register.runs)


def oracle_clusters(enrolled, edges):
    groups = {n: {n} for n in enrolled}
    for a, b in edges:
        union = groups[a] | groups[b]
        groups |= dict.fromkeys(union, union)
    return {name(min(g, key=lambda n: (enrolled[n], n))): g for g in groups.values()}


STEP = st.tuples(
    st.dictionaries(st.integers(0, 14), st.integers(0, 5), max_size=6),
    st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=5),
    st.lists(st.integers(0, 40), max_size=2),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=5), st.data())
def test_the_log_remembers_every_run(steps, data):
    register, history, last = Register(), {}, {}
    for enrol, edges, drops in steps:
        news = {n: at for n, at in enrol.items() if n not in register.enrolled}
        news = news or {20 + len(history): 9}
        known = set(register.enrolled) | set(news)
        matches = [match(*sorted(e)) for e in edges if set(e) <= known and e[0] != e[1]]
        gone = {list(register.edges)[n % len(register.edges)] for n in drops if register.edges}
        change = register.run(news, matches, drop=gone)
        expected = oracle_clusters(register.enrolled, register.edges)
        assert register.clusters() == expected
        differing = {key for key, members in expected.items() if members != last.get(key)}
        assert differing <= set(change.open["cluster_id"])
        history[register.runs[-1]] = last = expected
    for run, expected in history.items():
        assert register.clusters(run) == expected
    run = data.draw(st.sampled_from(register.runs))
    cluster = data.draw(st.sampled_from(sorted(history[run])))
    change, apart = unmerge(register.rows, cluster, run, "undo", register.runs)
    register.write(change)
    members = history[run][cluster]
    assert register.clusters()[cluster] == members
    assert sum(map(len, register.clusters().values())) == len(register.enrolled)
    former = [group for group in last.values() if group & members and not group <= members]
    pairs = {frozenset(int(t[3:]) for t in row) for row in apart.to_numpy()}
    wanted = {frozenset((a, b)) for g in former for a in g & members for b in g - members}
    assert wanted <= pairs
