"""Batches as they cross between the JVM and Python: one run of bytes each way.

An object that crosses costs more than its bytes do, so that messages and outcomes are not crossed
one by one. `java/GatherMessages.java` and `java/ScatterOutcomes.java` are the other side.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from pipelines.upi_fraud.decider import Outcome
from pipelines.upi_fraud.payment import Raw, make_raw

_COUNT = np.dtype("<i4")
MESSAGE_HEAD = np.dtype(
    [("offset", "<i8"), ("time_ms", "<i8"), ("partition", "<i4"),
     ("key", "<i4"), ("value", "<i4"), ("attempt", "<i4")]
)  # fmt: skip
"""Coordinates and record time of a message, lengths of its parts; -1 stands for null."""
OUTCOME_HEAD = np.dtype(
    [("time_ms", "<i8"), ("lateness_ms", "<i8"), ("kind", "<i4"), ("key", "<i4"), ("value", "<i4")]
)


def read_messages(data: bytes) -> list[Raw]:
    """Messages of a batch; those of a partition are in the order of their offsets."""
    (count,) = np.frombuffer(data, _COUNT, 1).tolist()
    heads = np.frombuffer(data, MESSAGE_HEAD, count, _COUNT.itemsize)
    lengths = np.stack([heads[name] for name in ("key", "value", "attempt")], axis=1)
    is_null = (lengths < (0, 0, 1)).ravel().tolist()  # an attempt without a number is none
    ends = (np.cumsum(np.maximum(lengths, 0)) + _COUNT.itemsize + heads.nbytes).tolist()
    begins = [_COUNT.itemsize + heads.nbytes, *ends[:-1]]
    parts = [
        None if null else data[begin:end]
        for begin, end, null in zip(begins, ends, is_null, strict=False)
    ]
    numbers = (heads[name].tolist() for name in ("partition", "offset", "time_ms"))
    return list(map(make_raw, zip(*numbers, parts[::3], parts[1::3], parts[2::3], strict=True)))


def write_outcomes(outcomes: Sequence[Outcome]) -> bytes:
    """One run of bytes that holds all outcomes, in their order."""
    heads = np.empty(len(outcomes), OUTCOME_HEAD)
    kinds, keys, values, times, latenesses = zip(*outcomes, strict=True)
    heads["kind"], heads["time_ms"], heads["lateness_ms"] = kinds, times, latenesses
    heads["key"], heads["value"] = list(map(len, keys)), list(map(len, values))
    count = np.array(len(outcomes), _COUNT).tobytes()
    return b"".join((count, heads.tobytes(), *chain.from_iterable(zip(keys, values, strict=True))))
