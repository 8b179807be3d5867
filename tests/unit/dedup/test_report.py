import dataclasses
import json
import math
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.dedup.report import (
    ClusterEdge,
    ClusterGraph,
    DedupReport,
    Evidence,
    build_report,
)
from pipelines.dedup.report.explain import clusters_payload, pairs_payload, stack_steps
from pipelines.dedup.report_input import expected_figures
from tests.unit.dedup.report_pages import with_name
from tests.unit.dedup.report_sample import build_sample


@pytest.fixture(scope="module")
def sample() -> DedupReport:
    return build_sample()


@pytest.fixture(scope="module")
def clusters(sample: DedupReport) -> list[dict[str, Any]]:
    return clusters_payload(sample)


def test_private_data_without_labels_is_masked_and_called_expected() -> None:
    data = with_name(build_sample(is_public=False, is_labelled=False), "Zyxwvut", "Zmask")
    html = build_report(data).render()
    assert "Zyxwvut" not in html
    assert html.count("Zmask") == 60 + 1  # every pair and one cluster
    assert "Expected recall 99.32 %, precision 99.76 % at posterior 0.95" in html
    assert "No truth was given" in html
    assert 'id="chart-recall"' not in html
    assert 'id="chart-families"' in html
    assert "<dt>FPIR</dt><dd>–</dd>" in html


def test_figures_without_truth_are_those_of_the_curve_at_the_match_threshold() -> None:
    curve = pd.DataFrame(
        {"threshold": [1.0, 4.5, 5.0], "precision": [0.5, 0.9, np.nan], "recall": [1.2, 1.1, 0.0],
         "f1": [0.7, 0.8, np.nan]}
    )  # fmt: skip
    assert expected_figures(curve, 4.25) == {"precision": 0.9, "recall": 1.0, "f1": 0.8}
    assert expected_figures(curve, 4.9) == {"precision": None, "recall": 0.0, "f1": None}
    assert expected_figures(curve, 9.0) == dict.fromkeys(("precision", "recall", "f1"))


def test_a_value_without_clear_text_is_masked_even_in_public_data(sample: DedupReport) -> None:
    shown = pairs_payload(with_name(sample, None, "Zmask"))
    assert shown[0]["left"]["fields"]["given_name"] == "Zmask"
    shown = pairs_payload(with_name(sample, "Zyxwvut", "Zmask"))
    assert shown[0]["left"]["fields"]["given_name"] == "Zyxwvut"


def test_a_run_without_pairs_has_a_report(sample: DedupReport) -> None:
    frames = ("weights", "thresholds", "histogram", "buckets", "families", "completeness", "slices")
    empty = {name: getattr(sample, name).iloc[:0] for name in frames}
    nothing = {"metrics": {"records": 1}, "pairs": [], "clusters": [], "checks": [], "caveats": []}
    html = build_report(dataclasses.replace(sample, **empty, **nothing)).render()
    assert "No two records were joined" in html
    assert set(re.findall(r'id="chart-(\w+)"', html)) == {"steps"}


def test_the_waterfall_starts_at_the_prior_and_ends_at_the_score(sample: DedupReport) -> None:
    for pair in pairs_payload(sample):
        bars = pair["steps"]
        assert bars[0]["name"] == "prior"
        assert bars[-1] | {"label": "total", "start": 0.0, "end": pair["score"]} == bars[-1]
        assert bars[-2]["end"] == pytest.approx(pair["score"], abs=0.02)
        for before, after in pairwise(bars[:-1]):
            assert after["start"] == before["end"]
        assert len({bar["label"] for bar in bars}) == len(bars)


def test_bits_that_nobody_listed_are_shown() -> None:
    bars = stack_steps([Evidence("prior", "prior", -10.0)], -4.0)
    assert [(bar["label"], bar["bits"]) for bar in bars] == [
        ("prior", -10.0), ("limit: not itemised", 6.0), ("total", -4.0),
    ]  # fmt: skip


def test_samples_are_cut_to_their_limits(
    sample: DedupReport, clusters: list[dict[str, Any]]
) -> None:
    bands = pd.Series([pair["band"] for pair in pairs_payload(sample)])
    assert bands.value_counts().to_dict() == {"MATCH": 20, "REVIEW": 20, "NO_MATCH": 20}
    assert len(sample.clusters) > len(clusters) == 60
    cut = dataclasses.replace(sample, max_members=5, max_clusters=1)
    largest = clusters_payload(cut)[0]
    assert (largest["size"], len(largest["members"])) == (14, 5)
    assert all(max(edge["a"], edge["b"]) < 5 for edge in largest["edges"])


def test_the_planted_bridge_is_found(clusters: list[dict[str, Any]]) -> None:
    cluster = next(one for one in clusters if one["id"].startswith("c00b1de5"))
    bridges = [(edge["a"], edge["b"]) for edge in cluster["edges"] if edge["bridge"]]
    assert bridges == [(2, 3)]
    assert cluster["density"] == pytest.approx(10 / 21, abs=1e-3)


def test_a_link_made_by_a_reviewer_has_no_bits(sample: DedupReport) -> None:
    members = sample.clusters[0].members[:2]
    cluster = ClusterGraph("c0", members, [ClusterEdge(0, 1, math.nan, math.nan)])
    data = dataclasses.replace(sample, clusters=[cluster])
    edge = clusters_payload(data)[0]["edges"][0]
    assert (edge["bits"], edge["posterior"], edge["tree"]) == (None, None, True)
    assert "NaN" not in json.dumps(clusters_payload(data))
