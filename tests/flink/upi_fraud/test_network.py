"""The slow path finds what is planted and nothing else."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.core.flink import build_environment, flink_options
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.network import EDGE_COLUMNS, find_patterns

CONFIG = UpiConfig()
START = 1_767_225_600_000
MINUTE = 60_000
MERCHANT = {"merchant_id": "M1", "typical_ticket_paise": 30_000}


def planted():
    """Edges of every pattern, and of what only looks like one."""
    rows = []

    def pay(minute, payer, payee, rupees, device=None, shop=None):
        rows.append((START + int(minute * MINUTE), payer, payee, round(rupees * 100), device, shop))

    for n in range(9):  # nine payers within ten minutes, and Rs 27,000
        pay(n, f"victim{n}", "mule", 3_000)
    pay(12, "mule", "partner", 13_000)
    pay(14, "mule", "partner2", 12_500)
    for n in range(8):  # eight only
        pay(n, f"friend{n}", "organiser", 100)
    for n in range(40):  # a collection over three hours
        pay(200 + n * 4.5, f"colleague{n}", "collector", 201)
    pay(400, "a", "b", 5_000), pay(401, "b", "c", 4_900), pay(402, "c", "a", 4_800)
    pay(410, "d", "e", 5_000), pay(411, "e", "d", 4_900)  # to and fro
    pay(422, "f", "g", 5_000), pay(421, "g", "h", 4_900), pay(420, "h", "f", 4_800)  # wrong order
    for n in range(6):
        pay(500 + n, f"sharer{n}", "x", 100, device="crowded")
    for n in range(3):
        pay(500 + n, f"family{n}", "y", 100, device="home")
    for n in range(10):
        pay(600 + n, f"buyer{n}", "shop", 20_000, shop="M1")
    return pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), EDGE_COLUMNS, strict=True)],
        schema=EDGE_COLUMNS,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("network")
    tables = build_environment(flink_options("test", CONFIG.flink))
    return find_patterns(tables, planted(), [MERCHANT], CONFIG.network, folder)


def subjects(found, kind, subject_kind="VPA"):
    return {one.subject for one in found if (one.kind, one.subject_kind) == (kind, subject_kind)}


def test_planted_patterns_are_found_and_look_alikes_are_not(found):
    assert subjects(found, "FAN_IN") == {"mule"}
    assert subjects(found, "PASS_THROUGH") == {"mule"}
    assert subjects(found, "CYCLE") == {"a", "b", "c"}
    assert subjects(found, "DEVICE_SHARED", "DEVICE") == {"crowded"}
    assert subjects(found, "DEVICE_SHARED") == {f"sharer{n}" for n in range(6)}
    assert subjects(found, "COLLUSION", "MERCHANT") == {"M1"}


def test_a_shared_device_counts_its_payers_at_each_payment(found):
    counts = sorted(one.measure for one in found if one.subject == "crowded")
    assert counts == [4, 5, 6]


def test_a_fan_in_is_seen_within_a_minute_of_its_ninth_payer(found):
    first = min(one.found_ms for one in found if one.kind == "FAN_IN")
    assert START + 8 * MINUTE < first <= START + 9 * MINUTE
