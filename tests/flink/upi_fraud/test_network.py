"""The slow path finds what is planted and nothing else."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.core.flink import build_environment, flink_options
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.network import EDGE_COLUMNS, find_patterns
from tests.unit.upi_fraud.planted import MINUTE, START, planted

CONFIG = UpiConfig()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("network")
    columns = zip(*planted(), strict=True)
    edges = pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, EDGE_COLUMNS, strict=True)],
        schema=EDGE_COLUMNS,
    )
    tables = build_environment(flink_options("test", CONFIG.flink))
    return find_patterns(tables, edges, CONFIG.network, folder)


def subjects(found, kind, subject_kind="VPA"):
    return {one.subject for one in found if (one.kind, one.subject_kind) == (kind, subject_kind)}


def test_planted_patterns_are_found_and_look_alikes_are_not(found):
    assert subjects(found, "FAN_IN") == {"mule"}
    assert subjects(found, "PASS_THROUGH") == {"mule"}
    assert subjects(found, "CYCLE") == {"a", "b", "c"}
    assert subjects(found, "DEVICE_SHARED", "DEVICE") == {"crowded"}
    assert subjects(found, "DEVICE_SHARED") == {f"sharer{n}" for n in range(6)}
    assert subjects(found, "COLLUSION", "MERCHANT") == {"M1"}
    assert {one.ticket_paise for one in found if one.kind == "COLLUSION"} == {2_000_000}


def test_a_shared_device_counts_its_payers_at_each_payment(found):
    counts = sorted(one.measure for one in found if one.subject == "crowded")
    assert counts == [4, 5, 6]


def test_a_fan_in_is_seen_within_a_minute_of_its_ninth_payer(found):
    first = min(one.found_ms for one in found if one.kind == "FAN_IN")
    assert START + 8 * MINUTE < first <= START + 9 * MINUTE
