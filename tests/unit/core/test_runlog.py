"""Run log, accounting identity, manifest and closing table."""

import io
import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from pipelines.core.clock import FixedClock, SystemClock, utc_today
from pipelines.core.config import JobConfig, load_config
from pipelines.core.errors import GateError
from pipelines.core.runlog import RunLog, RunSummary, make_run_id, print_table
from pipelines.core.summary import begin_summary

AS_OF = date(2024, 5, 6)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def make_log(style="text", stream=None):
    clock = FixedClock(datetime(2024, 5, 6, 1, 2, 3, tzinfo=UTC))
    return RunLog("demo", "demo-1", AS_OF, clock, style, stream or io.StringIO()), clock


def summary(**changes) -> RunSummary:
    return RunSummary("demo", "demo-1", AS_OF, **changes)


def test_steps_add_up_and_survive_a_failure():
    log, clock = make_log()
    for spent in (2, 3):
        with log.step("read"):
            clock.advance(spent)
    with pytest.raises(ValueError, match="back"), log.step("score"):
        clock.advance(-1)
    assert log.seconds == {"read": 5, "score": 0}
    assert log.elapsed == 5


def test_text_is_quiet_away_from_a_terminal_but_not_for_ever():
    stream = io.StringIO()
    log, clock = make_log(stream=stream)
    with log.step("short"):
        clock.advance(1)
    log.info("hello")
    assert stream.getvalue() == ""
    with log.step("long") as step:
        clock.advance(100)
        step.rows = 5000
    assert stream.getvalue() == "01:03:44 demo long: done in 100.0 s, 5,000 rows, 50 rows/s\n"


def test_warnings_are_always_told_masked_and_kept():
    stream = io.StringIO()
    log, _ = make_log(stream=stream)
    log.warning("odd row 9876543210")
    assert stream.getvalue() == "01:02:03 demo warning: odd row ********10\n"
    assert log.warnings == ["odd row ********10"]


def test_a_terminal_sees_each_step():
    stream = Terminal()
    log, clock = make_log(stream=stream)
    with log.step("read"):
        clock.advance(1)
    assert "demo read: done in 1.0 s" in stream.getvalue()


def test_json_lines_carry_the_run():
    stream = io.StringIO()
    log, clock = make_log("json", stream)
    with log.step("read"):
        clock.advance(1)
        log.info("half of 9876543210", rows=np.int64(1234567890), share=float("nan"))
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == {
        "time": "2024-05-06T01:02:04.000+00:00",
        "level": "info",
        "run_id": "demo-1",
        "job": "demo",
        "as_of": "2024-05-06",
        "stage": "read",
        "message": "half of ********10",
        "rows": 1234567890,
        "share": None,
    }
    assert second["seconds"] == 1


@pytest.mark.parametrize(
    "counts",
    [
        {"in": 10, "out": 9},
        {"in": 10, "out": 9, "rejected": 2},
        {"in": 10, "out": 11, "rejected": -1},
        {"out": 1},
    ],
)
def test_counts_that_do_not_add_up_stop_the_run(counts):
    with pytest.raises(GateError, match="do not add up"):
        summary(counts=counts).check_accounting()


def test_counts_that_add_up_pass():
    counts = {"in": 10, "out": 5, "rejected": 2, "dlq": 2, "late": 1, "duplicates": 7}
    summary(counts=counts).check_accounting()
    summary().check_accounting()


def test_run_json_is_complete_and_strict(tmp_path):
    done = summary(
        counts={"in": 2, "out": 2},
        metrics={"f1": np.float64(0.5), "precision": float("nan"), "pairs": 499999500000},
        seconds={"read": 1.5},
        config={"as_of": AS_OF},
        config_hash="ab",
    )
    path = done.write_run_json(tmp_path / "deep" / "dir")
    written = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert path.name == "run.json"
    assert written["status"] == "done"
    assert written["counts"] == {"in": 2, "out": 2, "rejected": 0, "dlq": 0, "late": 0}
    assert written["metrics"] == {"f1": 0.5, "precision": None, "pairs": 499999500000}
    assert written["seconds"] == {"read": 1.5}
    assert set(written["machine"]) == {"cores", "memory_gib", "system"}
    assert written["versions"]["pyspark"]
    assert "java" in written["versions"]
    assert {"git_sha", "git_dirty", "config_hash", "provenance"} <= set(written)
    assert [p.name for p in path.parent.iterdir()] == ["run.json"]


def test_run_id_is_the_same_for_the_same_work():
    one = make_run_id("demo", "h", AS_OF, "d")
    assert one == make_run_id("demo", "h", AS_OF, "d")
    others = [("x", "h", AS_OF, "d"), ("demo", "g", AS_OF, "d"), ("demo", "h", AS_OF, "e")]
    others.append(("demo", "h", date(2024, 5, 7), "d"))
    assert one not in {make_run_id(*other) for other in others}


def test_the_table_is_plain_away_from_a_terminal():
    out = io.StringIO()
    done = summary(counts={"in": 5000, "out": 5000}, metrics={"f1": 0.99985, "fnir": None})
    print_table(done, stream=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == "status    done"
    assert lines[1] == "in        5,000"
    assert "f1        0.99985" in lines
    assert "fnir      -" in lines


def test_the_table_of_a_terminal_has_a_frame():
    out = Terminal()
    print_table(summary(metrics={"f1": 0.5}), stream=out)
    assert "f1" in out.getvalue()
    assert "\u2502" in out.getvalue()


def test_json_result_keeps_big_numbers_and_masks_texts():
    out = io.StringIO()
    done = summary(metrics={"pairs": 499999500000}, tables={"t": "s3a://x/9876543210"})
    print_table(done, "json", out)
    read = json.loads(out.getvalue())
    assert read["metrics"] == {"pairs": 499999500000}
    assert read["tables"] == {"t": "s3a://x/********10"}


def test_clocks():
    clock = FixedClock(datetime(2024, 2, 28, 23, 0, tzinfo=UTC))
    clock.advance(7200)
    assert clock.now() == datetime(2024, 2, 29, 1, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)
    real = SystemClock()
    assert real.now().tzinfo is UTC
    assert utc_today() - real.now().date() <= timedelta(0)
    assert real.monotonic() <= real.monotonic()


def test_a_run_begins_with_its_name_configuration_and_inputs():
    class Settings(JobConfig):
        share: float = 0.5

    inputs = {"people.csv": "d1"}
    begun = begin_summary("demo", Settings(), AS_OF, "d1", inputs)
    assert begun == begin_summary("demo", Settings(), AS_OF, "d1", inputs)
    assert (begun.job, begun.as_of, begun.inputs) == ("demo", AS_OF, inputs)
    assert begun.config == {"share": 0.5}
    assert begun.run_id.startswith("demo-")
    assert begun.provenance == {}

    trained = begin_summary("demo", Settings(), AS_OF, "d1", inputs, variant="train")
    assert trained.job == "demo"
    assert trained.run_id.startswith("demo-train-")
    assert begin_summary("demo", Settings(share=0.4), AS_OF, "d1", inputs).run_id != begun.run_id


def test_the_manifest_tells_where_each_setting_came_from(tmp_path):
    class Settings(JobConfig):
        share: float = 0.5
        most: int = 3

    config = load_config(Settings, "demo", None, ["most=4"], {"SANGAM_DEMO__SHARE": "0.25"})
    begun = begin_summary("demo", config, AS_OF, "d1", {})
    assert begun.provenance == config.provenance
    written = json.loads(begun.write_run_json(tmp_path).read_text())
    assert set(written["provenance"]) == {"share", "most"}
    assert "--set" in written["provenance"]["most"]
    assert "SANGAM_DEMO__SHARE" in written["provenance"]["share"]
    assert (
        begin_summary("demo", config.model_copy(), AS_OF, "d1", {}).provenance == begun.provenance
    )
