"""What Python and the JVM must agree on about a batch's bytes."""

import re

import numpy as np

from pipelines.upi_fraud.batch_codec import (
    MESSAGE_HEAD,
    OUTCOME_HEAD,
    read_messages,
    write_outcomes,
)
from pipelines.upi_fraud.decider import Kind, Outcome
from pipelines.upi_fraud.hot_path import JAVA
from pipelines.upi_fraud.payment import Raw

RAWS = [
    Raw(3, 2**40, 1_700_000_000_000, b"a@upi", b"\x00\xff", None),
    Raw(0, 0, -1, None, None, b"2"),
    Raw(11, 7, 5, b"", b"", None),
]


def gathered(raws):
    """Bytes as `GatherMessages` makes them."""
    heads, bodies = np.zeros(len(raws), MESSAGE_HEAD), b""
    for head, raw in zip(heads, raws, strict=True):
        head["offset"], head["time_ms"] = raw.offset, raw.time_ms
        head["partition"] = raw.partition
        for name, part in (("key", raw.key), ("value", raw.value), ("attempt", raw.attempt or b"")):
            head[name] = -1 if part is None else len(part)
            bodies += part or b""
    return len(raws).to_bytes(4, "little") + heads.tobytes() + bodies


def test_messages_come_back_as_they_went_in():
    assert read_messages(gathered(RAWS)) == RAWS
    assert read_messages(gathered([])) == []


def test_outcomes_stand_one_behind_the_other():
    outcomes = [Outcome(Kind.ALERT, b"T1", b"value", 12, 0), Outcome(Kind.LATE, b"", b"x", -3, 9)]
    data = write_outcomes(outcomes)
    heads = np.frombuffer(data, OUTCOME_HEAD, 2, 4)
    assert data[:4] == b"\x02\0\0\0"
    assert heads.tolist() == [(12, 0, 2, 2, 5), (-3, 9, 5, 0, 1)]
    assert data[4 + heads.nbytes :] == b"T1valuex"


def test_both_sides_know_heads_of_the_same_size():
    for name, head in (("GatherMessages", MESSAGE_HEAD), ("ScatterOutcomes", OUTCOME_HEAD)):
        (size,) = re.findall(r"int HEAD = (\d+);", (JAVA / f"{name}.java").read_text())
        assert int(size) == head.itemsize
