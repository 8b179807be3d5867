"""Views over the messages of a match: decoded, valid, with cell and order (SQL, on the JVM).

Every function returns one SQL text; `engine.py` runs them. Names of our own, no user input.
"""
# ruff: noqa: S608

from collections.abc import Sequence

from pipelines.core.wire import id_of
from pipelines.viewers.dimensions import DIMENSIONS, Dimension
from pipelines.viewers.encode import SUBJECT
from pipelines.viewers.rules import CELL_SIZE, FIRST_MS, MOMENT_SIZE, SIGNS_OF_LIFE, kinds

View = tuple[str, str]
"""Name and query of a view."""


def listed(numbers: Sequence[int]) -> str:
    """Numbers for an IN list."""
    return f"({', '.join(map(str, numbers))})"


def decoded_view(*further: str) -> View:
    """One row a message, and the name of its fault if it has one.

    Args:
        further: columns of `messages` that are kept beside the usual ones.
    """
    names = ("message_key", "message_value", "kafka_time", "event_at", *further)
    kept = ", ".join(f"m.{name}" for name in names)
    ids = f"{id_of(SUBJECT, 1)}, {id_of(SUBJECT, 2)}, '{cell_lists()}'"
    return (
        "decoded",
        f"""
SELECT {kept}, e.*
FROM messages AS m
CROSS JOIN LATERAL TABLE(viewer_events(m.message_value, m.kafka_time, m.event_at, {ids})) AS e""",
    )


def events() -> str:
    """Query of valid events with cell and order.

    Each reader has the text in its own query: a view would be an operator between the decoder and
    the readers, which copies every text of every event once more.
    """
    alive = kinds(*SIGNS_OF_LIFE)
    return f"""
SELECT *, (at_ms - {FIRST_MS}) * {MOMENT_SIZE} + is_alive * {CELL_SIZE} + cell AS order_key
FROM (
  SELECT *, CASE WHEN kind IN {listed(alive)} THEN 1 ELSE 0 END AS is_alive
  FROM decoded
  WHERE fault IS NULL AND kind > 0
)"""


def cell_lists() -> str:
    """What the decoder needs to make a cell: first bits, and values where it meets texts."""
    known = {one.name: one for one in DIMENSIONS}
    texts = [
        f"{known[name].shift}:{','.join(known[name].values[1:])}"
        for name in ("region", "city", "language")
    ]
    return ";".join([*texts, *(str(known[n].shift) for n in ("device", "network", "quality"))])


def code_of(dimension: Dimension, cell: str = "cell") -> str:
    """Code of a dimension out of a cell, as SQL."""
    return f"CAST(MOD({cell} / {1 << dimension.shift}, {1 << dimension.bits}) AS INT)"
