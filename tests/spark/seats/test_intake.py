"""Micro-batches: nothing is applied twice, nothing sold is sold again, whatever is killed."""

import shutil
from datetime import UTC, datetime

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.seats import intake
from pipelines.seats.config import SyntheticSettings
from pipelines.seats.generate import write_day

TINY = SyntheticSettings(bookings=300, trains=1, fault_share=0.03, cancelled_share=0.2)
pytestmark = pytest.mark.timeout(400)  # several whole runs in each test


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """A tiny day as two folders: what was known on a day in February, and all of it."""
    early, late = tmp_path_factory.mktemp("early"), tmp_path_factory.mktemp("late")
    write_day(late, 5, TINY)
    shutil.copy(late / "trains.parquet", early)
    for table, moment in (("booking_requests", "booked_at"), ("cancellations", "cancelled_at")):
        rows = pq.read_table(late / f"{table}.parquet")
        known = rows.filter(pc.field(moment) < datetime(2026, 2, 20, tzinfo=UTC))
        assert 0 < known.num_rows < rows.num_rows
        pq.write_table(known, early / f"{table}.parquet")
    return early, late


@pytest.fixture(scope="module")
def first(halves, allot, tmp_path_factory):
    """What was known in February, applied at the second attempt: the first is killed."""
    early, _ = halves
    lake = tmp_path_factory.mktemp("ledger") / "lake"

    def die(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            allot(str(early), lake=lake, intake=True)
    assert (lake / "rail_ledger_v1").exists()
    return allot(str(early), lake=lake, intake=True)


def test_intake_in_two_batches_then_the_chart(first, halves, allot, tmp_path):
    _, late = halves
    lake = tmp_path / "lake"
    shutil.copytree(first.lake, lake)
    assert first.summary.metrics["batch"] == 0
    assert first.summary.metrics["confirmed"] > 0
    second = allot(str(late), lake=lake, intake=True)
    assert second.summary.metrics["batch"] == 1
    assert second.summary.metrics["already_applied"] > 0
    ledger = second.table("rail_ledger")
    assert not ledger.duplicated(["kind", "entry_id"]).any()
    assert not ledger["is_late"].any()
    charted = allot("ledger", lake=lake)
    assert charted.summary.metrics["double_sold"] == 0
    whole, parts = allot(str(late)).table("rail_chart"), charted.table("rail_chart")
    columns = ["pnr", "passenger_no", "coach_id", "berth_no", "place"]
    assert whole[columns].sort_values(columns).to_numpy().tolist() == (
        parts[columns].sort_values(columns).to_numpy().tolist()
    )


def test_a_run_killed_before_publishing_is_applied_by_the_next(first):
    ledger = first.table("rail_ledger")
    assert not ledger.duplicated(["kind", "entry_id"]).any()
    assert len(ledger) > 0
    assert first.summary.metrics["already_applied"] == 0
