"""A realistic, deterministic `DedupReport`: 100,000 made-up identities, with or without labels."""

import dataclasses
from functools import cache
from itertools import combinations
from random import Random

import numpy as np
import pandas as pd

from pipelines.dedup.report import Check, ClusterEdge, ClusterGraph, DedupReport, PairExplanation
from tests.unit.dedup import report_people as people

RECORDS, TRUE_PAIRS = 100_000, 35_427
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
STATES = ("Uttar Pradesh", "Maharashtra", "Bihar", "West Bengal", "Tamil Nadu", "Kerala")
KINDS = ("exact copy", "noisy copy", "moved, same state", "moved, other state", "identity change")
FAMILIES = {
    "person": (812_440, 0.9312, 0.0118),
    "address": (402_118, 0.7127, 0.0049),
    "date_of_birth + sound(given_name)": (61_902, 0.7734, 0.0021),
    "date_of_birth + sound(surname)": (84_377, 0.7961, 0.0017),
    "date_of_birth + sound(relation_name)": (57_214, 0.6640, 0.0012),
    "phone": (48_230, 0.5388, 0.0043),
    "pincode + sound(given_name)": (139_406, 0.6102, 0.0006),
    "left iris": (31_077, 0.8611, 0.0262),
    "fingers": (212_935, 0.8934, 0.0187),
}


def build_sample(*, is_public: bool = True, is_labelled: bool = True) -> DedupReport:
    """Return the sample run; without labels every figure that needs truth is None."""
    pairs, clusters = _pairs_and_clusters()
    sample = DedupReport(
        source="100,000 synthetic identities with fingers and irises (seed 7)",
        run_id="dedup-2025-03-31-6f2a91",
        as_of="2025-03-31",
        model_id="fs-9c41e07b52d8",
        plan="depth 4, split 10",
        is_public=is_public,
        is_labelled=is_labelled,
        match_posterior=0.95,
        review_posterior=0.5,
        metrics=METRICS,
        pairs=pairs,
        clusters=clusters,
        weights=people.weights_frame(),
        thresholds=_thresholds(),
        histogram=_histogram(),
        buckets=_buckets(),
        pairs_skipped=1_306,
        families=_families(is_labelled),
        completeness=_completeness(),
        slices=_slices() if is_labelled else pd.DataFrame(columns=SLICE_COLUMNS),
        counts={"in": RECORDS, "out": 99_412, "rejected": 588, "dlq": 0, "late": 0},
        reasons={"INACTIVE": 371, "SUPERSEDED": 143, "NO_EVIDENCE": 46, "MISSING_ID": 28},
        previous={"in": 98_206, "out": 97_655, "rejected": 551, "dlq": 0, "late": 0},
        seconds=SECONDS,
        total_seconds=14.8,
        checks=CHECKS,
        config=CONFIG,
        manifest=MANIFEST,
        caveats=CAVEATS,
    )
    if is_labelled:
        return sample
    unknown = ("fpir", "fnir", "pair_completeness")
    metrics = {name: value for name, value in METRICS.items() if not name.startswith(unknown)}
    kept = {name: value for name, value in metrics.items() if name[-4:] not in ("_low", "high")}
    return dataclasses.replace(sample, metrics=kept)


@cache
def _pairs_and_clusters() -> tuple[list[PairExplanation], list[ClusterGraph]]:
    """The same in every sample, so they are made once."""
    rng = Random(7)
    pairs = _pairs(rng)
    return pairs, [_bridged_cluster(rng), *(_cluster(rng, size) for size in _sizes(rng))]


def _token(rng: Random) -> str:
    return "t0_" + "".join(rng.choice(ALPHABET) for _ in range(26))


def _pairs(rng: Random) -> list[PairExplanation]:
    found: dict[str, list[PairExplanation]] = {"MATCH": [], "REVIEW": [], "NO_MATCH": []}
    while min(len(pairs) for pairs in found.values()) < 22:
        person = people.make_person(rng)
        other = people.enrol_again(person, rng)
        if rng.random() < 0.6:
            stranger = people.make_person(rng)
            shared = rng.sample(list(person), rng.randint(3, 8))
            other = {name: person[name] if name in shared else stranger[name] for name in person}
        pair = people.explain(person, other, (_token(rng), _token(rng)))
        found[pair.band].append(pair)
    return [pair for pairs in found.values() for pair in pairs[:22]]


def _sizes(rng: Random) -> list[int]:
    return [14, 9, 7, 6, 6, *rng.choices((2, 3, 4, 5), weights=(60, 25, 10, 5), k=65)]


def _cluster(rng: Random, size: int) -> ClusterGraph:
    person = people.make_person(rng)
    for _ in range(200):
        copies = [person] + [people.enrol_again(person, rng) for _ in range(size - 1)]
        views = [people.show(copy, _token(rng)) for copy in copies]
        edges = []
        for a, b in combinations(range(size), 2):
            pair = people.explain(copies[a], copies[b], (views[a].token, views[b].token))
            if pair.band == "MATCH" and (size < 6 or b - a < 3 or rng.random() < 0.05):
                edges.append(
                    ClusterEdge(a, b, pair.score_bits, pair.posterior, tuple(pair.evidence))
                )
        if {end for edge in edges for end in (edge.a, edge.b)} == set(range(size)):
            break
    return ClusterGraph(f"c{rng.getrandbits(80):020x}", views, edges)


def _bridged_cluster(rng: Random) -> ClusterGraph:
    """Two persons with three and four enrolments, joined by one weak match (records 3 and 4)."""
    for _ in range(1000):
        left, right = people.make_person(rng), people.make_person(rng)
        shared = ("surname", "date_of_birth", "gender", "town")
        right |= {name: left[name] for name in shared}
        copies = [dict(left) for _ in range(3)] + [dict(right) for _ in range(4)]
        for copy, missing in zip(copies[:2] + copies[4:], people.ADDRESS, strict=True):
            copy[missing] = None
        copies[2] |= {"right_thumb": None, "left_iris": None, "given_name": right["given_name"]}
        if 4.3 < people.explain(copies[2], copies[3], ("", "")).score_bits < 9:
            break
    views = [people.show(copy, _token(rng)) for copy in copies]
    couples = [(a, b) for a, b in combinations(range(7), 2) if (a < 3) == (b < 3)]
    pairs = [people.explain(copies[a], copies[b], ("", "")) for a, b in [*couples, (2, 3)]]
    edges = [
        ClusterEdge(a, b, pair.score_bits, pair.posterior, pair.evidence)
        for (a, b), pair in zip([*couples, (2, 3)], pairs, strict=True)
    ]
    return ClusterGraph("c00b1de5a3f7742e96d01", views, edges)


def _thresholds() -> pd.DataFrame:
    bits = np.arange(-10.0, 25.01, 0.5)
    precision = 1 / (1 + 0.0041 * np.exp2(-bits / 1.6))
    recall = 0.9936 - 0.0009 * np.exp2((bits - 4.25) / 4.1)
    f1 = 2 * precision * recall / (precision + recall)
    columns = {"threshold": bits, "precision": precision, "recall": recall, "f1": f1}
    return pd.DataFrame(columns)


def _histogram() -> pd.DataFrame:
    low = np.arange(-10.0, 60.0, 2.0)
    others = 92_000 * np.exp2(-(low + 10) / 0.8)
    matches = 2_350 * np.exp(-(((low - 31) / 13) ** 2)) + 2
    rows = [(a, a + 2, _band(a), round(n)) for a, n in zip(low, others + matches, strict=True)]
    rows += [(4.0, 6.0, "REVIEW", 7), (8.0, 10.0, "NO_MATCH", 5), (14.0, 16.0, "REVIEW", 2)]
    return pd.DataFrame(rows, columns=["low_bits", "high_bits", "band", "pairs"])


def _band(bits: float) -> str:
    return "MATCH" if bits >= 4 else "REVIEW" if bits >= 0 else "NO_MATCH"


def _buckets() -> pd.DataFrame:
    low = 2 ** np.arange(13)
    high = 2 * low - 1
    hot = [8_233, 3_120, 1_204, 466, 171, 60, 19, 5, 1]
    before = np.array([2_104_331, 241_870, 66_102, 21_440, *hot])
    after = np.array([2_388_904, 412_566, 171_083, 62_310, *[0] * 9])
    middle = (low + high) / 2
    pairs = (middle * (middle - 1) / 2).round().astype(int)
    columns = {"low": low, "high": high, "buckets_before": before, "buckets_after": after}
    return pd.DataFrame(columns | {"pairs_before": before * pairs, "pairs_after": after * pairs})


def _families(is_labelled: bool) -> pd.DataFrame:
    rows = [(name, *figures) for name, figures in FAMILIES.items()]
    frame = pd.DataFrame(rows, columns=["family", "pairs", "completeness", "only_completeness"])
    return frame if is_labelled else frame.assign(completeness=None, only_completeness=None)


def _completeness() -> pd.DataFrame:
    filled = (1.0, 0.998, 0.881, 0.9993, 1.0, 0.932, 0.964, 0.941, 0.958, 0.987, 0.991, 0.98, 0.981)
    return pd.DataFrame({"field": list(people.SHARES), "share": filled})


SLICE_COLUMNS = ["kind", "name", "records", "true_pairs", "precision", "recall", "fpir", "fnir"]


def _slices() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    shares = np.array([0.28, 0.19, 0.17, 0.15, 0.12, 0.09])
    rows: list[tuple[object, ...]] = []
    for name, share in zip(STATES, shares, strict=True):
        rates = 0.9981 - rng.random() / 800, 0.9937 - rng.random() / 200
        errors = 0.0004 + rng.random() / 4000, 0.0003 + rng.random() / 9000
        rows.append(
            ("state", name, round(RECORDS * share), round(TRUE_PAIRS * share), *rates, *errors)
        )
    recalls = (1.0, 0.9978, 0.9931, 0.9884, 0.9412)
    for name, share, recall in zip(KINDS, (0.1, 0.6, 0.12, 0.13, 0.05), recalls, strict=True):
        counts = round(20_000 * share), round(TRUE_PAIRS * share)
        rows.append(("duplicate kind", name, *counts, None, recall, None, None))
    return pd.DataFrame(rows, columns=SLICE_COLUMNS)


METRICS: dict[str, float | None] = {
    "records": 99_412, "quarantined": 217, "candidate_pairs": 1_152_340, "clusters": 80_163,
    "duplicates_found": 35_174, "duplicates_estimated": 34_981, "f1": 0.9954,
    "precision": 0.9976, "precision_low": 0.9970, "precision_high": 0.9981,
    "recall": 0.9932, "recall_low": 0.9923, "recall_high": 0.9940,
    "fpir": 0.00048, "fpir_low": 0.00034, "fpir_high": 0.00066,
    "fnir": 0.00031, "fnir_low": 0.00012, "fnir_high": 0.00067,
    "reviews_per_million": 412, "pair_completeness": 0.9987,
    "reduction_ratio": 0.99977,
}  # fmt: skip
SECONDS = {
    "read_and_normalise": 1.62, "check": 0.71, "signatures": 3.94, "candidates": 2.61,
    "compare_and_score": 3.37, "train": 0.58, "cluster": 0.83, "golden_records": 0.34,
    "tables": 0.8,
}  # fmt: skip
CHECKS = (
    Check("row count", "ERROR", "100,000", "at least 1", 0, True),
    Check("enrolment id is present and unique", "ERROR", "0.028 %", "at most 1 %", 28, True),
    Check("share of valid pincodes", "WARN", "98.9 %", "at least 99 %", 1_082, False),
    Check("full name is present", "ERROR", "0.000 %", "at most 2 %", 0, True),
    Check("birth date is possible", "WARN", "0.07 %", "at most 1 %", 66, True),
)
CONFIG = {
    "match_posterior": 0.95, "review_posterior": 0.5, "seed": 7, "split_size": [100, 50, 20, 10, 5],
    "em": {"alpha": 0.01, "tolerance": 1e-5, "rounds": 100},
    "guard": {"margin_bits": 3, "max_size": 25},
}  # fmt: skip
MANIFEST = {
    "input": "synthetic:100000,seed=7", "config_hash": "b41f0c9d77e2", "commit": "1a2b3c4",
    "tables": {"clusters_v1": 3, "candidate_edges_v1": 3}, "digest": "8d1c6f02a9b7e455",
}  # fmt: skip
CAVEATS = (
    "The identities are made up. Shares and rates of a real register differ; measure them there.",
    "Recall counts pairs: a person enrolled five times weighs ten times one enrolled twice.",
    "The intervals cover chance in one sample of one seed, nothing else.",
    "1,306 pairs inside very large buckets were not formed; no bucket was dropped.",
)
