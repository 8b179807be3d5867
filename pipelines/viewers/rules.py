"""What makes a session live, as numbers that SQL, Spark and Python share. No engine is imported.

A session is live at t if a sign of life came at some t0 with t - timeout < t0 <= t, and no PAUSE or
STOP after it up to t (rule A3). One whole number orders the events of a session: its moment, then
whether it is a sign of life, then its cell. The largest of a time span says all that is asked: is
the session live, and where does it count. Being a maximum it does not care for order or copies.
"""

from pipelines.viewers.dimensions import CELL_BITS

EVENT_TYPES = (
    "UNKNOWN", "PLAY", "PAUSE", "RESUME", "STOP", "HEARTBEAT", "QUALITY_CHANGE", "BUFFER_START",
    "BUFFER_END", "ERROR",
)  # fmt: skip
"""Symbols of the contract in their order; the place of one is its `kind`."""

SIGNS_OF_LIFE = ("PLAY", "RESUME", "HEARTBEAT", "QUALITY_CHANGE", "BUFFER_START", "BUFFER_END")
ENDS = ("PAUSE", "STOP")
FRAMES = ("HEARTBEAT", "QUALITY_CHANGE")
"""Events that can only come after a first frame."""

FIRST_MS = 1_577_836_800_000
"""2020-01-01: moments are counted from here, so that 40 bits last until 2054."""

CELL_SIZE = 1 << CELL_BITS
MOMENT_SIZE = CELL_SIZE * 2


def kinds(*names: str) -> tuple[int, ...]:
    """Kinds of event types."""
    return tuple(EVENT_TYPES.index(name) for name in names)


def newest_key(moment_ms: int, is_alive: bool, cell: int) -> int:
    """Number that orders the events of a session.

    Args:
        moment_ms: epoch ms.
        is_alive: a sign of life, not an end.
        cell: dimensions, see `dimensions.pack_cell`.
    """
    return (moment_ms - FIRST_MS) * MOMENT_SIZE + is_alive * CELL_SIZE + cell


def read_key(key: int) -> tuple[int, bool, int]:
    """Moment (epoch ms), sign of life and cell of a number made by `newest_key`."""
    return key // MOMENT_SIZE + FIRST_MS, key // CELL_SIZE % 2 == 1, key % CELL_SIZE
