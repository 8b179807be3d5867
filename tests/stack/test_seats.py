"""Seats from a real Kafka: a bounded day, and an intake that is killed and sells no seat twice."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.core import endpoints
from pipelines.core.catalogue import load_catalogue
from pipelines.core.delta_tables import Place, read_arrow, version_of
from pipelines.core.kafka import delete_records, make_producer
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.core.wire import Wire
from pipelines.ingest.dlq import Filter, read_letters
from pipelines.produce.cli import key_maker
from pipelines.produce.files import read_records
from pipelines.seats.config import SeatsConfig, SyntheticSettings
from pipelines.seats.generate import DAY, write_day
from pipelines.seats.pipeline import run
from pipelines.seats.request import Request
from pipelines.stack.native import NativeStack
from tests.stack.tools import KEY, Message, job, publish

TOPICS = {
    "trains": "rail.trains.v1",
    "booking_requests": "rail.booking_requests.v1",
    "cancellations": "rail.cancellations.v1",
}
INPUT = "kafka://rail.booking_requests.v1"
SMALL = SyntheticSettings(bookings=400, trains=2, fault_share=0.0, cancelled_share=0.1)
PARTS = 4
SETTINGS = {"max_reject_share": 0.2, "numbering_variants": 2}
IDLE = 20
"""Seconds after which an intake that is to be killed would end by itself."""

pytestmark = pytest.mark.timeout(900)  # three jobs in processes of their own, three in this one
Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_day(tmp_path_factory.mktemp("day"), 3, SMALL).folder


@pytest.fixture(scope="module")
def messages(folder: Path) -> dict[str, list[Message]]:
    """What the topics carry, in order of event time."""
    found = {}
    for table, topic in TOPICS.items():
        subject = load_catalogue().topics[topic].record
        wire, records = Wire(subject), read_records(folder / f"{table}.parquet", subject)
        made = [(wire.encode(one), one["event_time"]) for one in records]
        found[topic] = sorted(made, key=lambda message: message[1])
    return found


def intake(stack: NativeStack, lake: Path, idle: int, *more: str) -> "subprocess.Popen[str]":
    """The job in a process of its own, to be killed."""
    sets = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    follow = ("--input", INPUT, "--intake", "--follow", str(idle), "--lake", str(lake))
    return job(stack, "seat_allocation", *follow, *more, *sets)


def allot(spark: SparkSession, source: str, lake: Path) -> RunSummary:
    """The job in this process."""
    log = RunLog("seat_allocation", "", DAY, stream=StringIO())
    request = Request(source, str(lake), report=None)
    return run(spark, SeatsConfig.model_validate(SETTINGS), request, log)


def rows(lake: Path, table: str, columns: list[str]) -> Rows:
    """Rows of a table as it is now; none before it is there."""
    place = Place(str(lake / f"{table}_v1"))
    version = version_of(place)
    found = [] if version is None else read_arrow(place, version, columns).to_pylist()
    return sorted((tuple(row[name] for name in columns) for row in found), key=str)


def publish_trains(servers: str, folder: Path, messages: list[Message]) -> None:
    """Trains under their own keys, which the topic keeps the newest of."""
    records = sorted(
        read_records(folder / "trains.parquet", "rail.Train"), key=lambda one: one["event_time"]
    )
    producer, key = make_producer(servers), key_maker("train_id+service_date")
    for record, (value, moment) in zip(records, messages, strict=True):
        producer.send(TOPICS["trains"], key=key(record), value=value, timestamp_ms=moment).get(30)
    producer.close()


def send_part(servers: str, messages: dict[str, list[Message]], part: int) -> None:
    """One of four parts of the day; some cancellations overtake the requests they cancel."""
    for topic in (TOPICS["booking_requests"], TOPICS["cancellations"]):
        every = messages[topic]
        cut = [len(every) * n // PARTS for n in range(PARTS + 1)]
        publish(servers, topic, every[cut[part] : cut[part + 1]])


def kill_in_a_batch(
    process: "subprocess.Popen[str]", lake: Path, published: int, send: Callable[[], None]
) -> None:
    """Wait for a published micro-batch, send more, and kill the intake while it works on it."""
    try:
        while len(rows(lake, "runs", ["run_id"])) < published:
            assert process.poll() is None, process.stdout and process.stdout.read()
            time.sleep(0.1)
        send()
        time.sleep(1.0 + published / 2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_an_intake_killed_twice_then_a_bounded_day(
    spark: SparkSession, stack: NativeStack, folder: Path, messages: dict[str, list[Message]],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    servers, ledger, report = stack.environment[endpoints.KAFKA], tmp_path / "l", tmp_path / "r"
    for topic in (TOPICS["booking_requests"], TOPICS["cancellations"]):
        delete_records(servers, topic)
    publish_trains(servers, folder, messages[TOPICS["trains"]])
    send_part(servers, messages, 0)
    for part in (1, 2):
        process = intake(stack, ledger, IDLE)
        kill_in_a_batch(process, ledger, part, partial(send_part, servers, messages, part))
    send_part(servers, messages, 3)
    process = intake(stack, ledger, 3, "--report", str(report))
    told = process.communicate()[0]
    assert process.returncode == 0, told
    counts = json.loads((report / "run.json").read_text())["counts"]
    assert counts["in"] == sum(counts[name] for name in ("out", "rejected", "dlq"))

    kept = rows(ledger, "rail_ledger", ["kind", "entry_id"])
    assert len(set(kept)) == len(kept), "an event is applied twice"
    booked = {row[1] for row in kept if row[0] == "BOOKING"}
    charted = allot(spark, "ledger", ledger).metrics
    assert (charted["double_sold"], charted["bookings"]) == (0, len(booked))
    decided = bounded_day(spark, servers, folder, messages, tmp_path)
    assert booked == decided, "the intake has lost a request, or taken one that is wrong"


def bounded_day(
    spark: SparkSession, servers: str, folder: Path, messages: dict[str, list[Message]],
    tmp_path: Path,
) -> set[object]:  # fmt: skip
    """The whole topics, two broken messages among them, give what the files give: its requests."""
    topic = TOPICS["booking_requests"]
    good, moment = messages[topic][0]
    publish(servers, topic, [(b"", moment), (good + b"!", moment)])
    records = len(messages[topic]) + len(messages[TOPICS["cancellations"]])
    lakes = {"kafka": tmp_path / "kafka", "files": tmp_path / "files"}
    for name, source, dead in (("kafka", f"{INPUT}?day={DAY}", 2), ("files", str(folder), 0)):
        counts = allot(spark, source, lakes[name]).counts
        assert (counts["dlq"], counts["read"]) == (dead, records + dead)
    codes = sorted(one["error_code"] for one in read_letters(servers, topic, Filter()))
    assert codes == ["E_SHORT", "E_TRAILING"]
    for table, columns in (
        ("rail_allocation", ["pnr", "passenger_no", "status", "position"]),
        ("rail_chart", ["pnr", "passenger_no", "coach_id", "berth_no", "place"]),
    ):
        assert rows(lakes["kafka"], table, columns) == rows(lakes["files"], table, columns), table
    return {row[0] for row in rows(lakes["files"], "rail_allocation", ["request_id"])}
