"""What Python tells the counting function on the JVM, and what both must agree on."""

import re

import pytest

from pipelines.viewers import jvm, windows
from pipelines.viewers.config import WindowSettings
from pipelines.viewers.dimensions import CELL_BITS, DIMENSIONS
from pipelines.viewers.rules import EVENT_TYPES, FIRST_MS


def source(name):
    return (jvm.SOURCES / f"{name}.java").read_text()


def constant(name, text):
    return int(re.search(rf"\b{name} = (\d+)L?;", text).group(1))


def columns(name, text):
    """Names of a row type in a source."""
    (text,) = re.findall(rf"String {name} = (.*?);", text, re.DOTALL)
    return re.findall(r"(\w+) (?:INT|BIGINT|STRING|BOOLEAN|TIMESTAMP|ARRAY|BYTES|DOUBLE)", text)


def test_the_function_knows_the_same_moments_cells_and_kinds():
    assert constant("FIRST_MS", source("SessionState")) == FIRST_MS
    assert constant("CELL_BITS", source("SessionState")) == CELL_BITS
    kinds = {"PLAY": "PLAY", "PAUSE": "PAUSE", "STOP": "STOP", "BEAT": "HEARTBEAT",
             "CHANGE": "QUALITY_CHANGE", "ERROR": "ERROR"}  # fmt: skip
    for name, kind in kinds.items():
        assert constant(name, source("Events")) == EVENT_TYPES.index(kind)


def test_columns_come_in_the_order_that_the_function_reads():
    events, rows = source("Events"), source("Rows")
    assert tuple(columns("INPUT", events)) == windows.COUNTED
    places = {
        "BUCKET": "bucket", "VIEWER": "viewer", "KEY": "session_key", "ORDER": "order_key",
        "WISH": "wish", "MESSAGE": "message_value",
    }  # fmt: skip
    for name, column in places.items():
        assert windows.COUNTED[constant(name, events)] == column
    decoded = columns("TYPE", source("EventRow"))
    places = {
        "FAULT": "fault", "USER": "user_id", "SESSION": "session_id", "CONTENT": "content_id",
        "KIND": "kind", "QUALITY": "quality", "VIEWER": "viewer", "AT": "at_ms", "CELL": "cell",
        "FATAL": "is_fatal", "BITRATE": "bitrate_kbps", "BUFFER": "buffer_seconds",
        "STEPS": "played_ms", "TOTALS": "total_played_ms", "ACCOUNT": "account_id",
        "DEVICE": "device_key", "BUCKET": "bucket", "KEY": "session_key",
    }  # fmt: skip
    for name, column in places.items():
        assert decoded[constant(name, source("EventRow"))] == column
    assert constant("COLUMNS", source("EventRow")) == len(decoded)
    assert constant("COLUMNS", rows) == len(columns("OUTPUT", rows))
    assert set(windows.SUMS) <= set(columns("OUTPUT", rows))


@pytest.mark.parametrize(("usual_gap_ms", "minute_ms"), [(15_000, 60_000), (None, 0)])
def test_settings_are_lengths_then_dimensions(usual_gap_ms, minute_ms):
    parts = windows.told(WindowSettings(viewer_sample=4), usual_gap_ms, 16, 20_000).split("|")
    numbers = [10_000, 30_000, minute_ms, 1_800_000, usual_gap_ms or 0, 16, 4, 20_000]
    assert [int(one) for one in parts[:8]] == numbers
    assert [one.split(":")[0] for one in parts[8:]] == [one.name for one in DIMENSIONS]
    assert parts[8].split(":")[3].split(",") == list(DIMENSIONS[0].values)
