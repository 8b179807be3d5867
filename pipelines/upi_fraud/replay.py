"""A plain loop over some payers, held against what Flink decided for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from zlib import crc32

from pipelines.core.errors import GateError
from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.decider import Kind
from pipelines.upi_fraud.sources import Source

ONE_IN = 20
"""Share of the payers that is replayed."""


@dataclass(frozen=True)
class Replayed:
    """What a replay measured.

    Attributes:
        state_bytes: size of each payer's state at the end.
        decide_ms: from the bytes of each payment to those of its decision.
    """

    state_bytes: list[int] = field(default_factory=list)
    decide_ms: list[float] = field(default_factory=list)


def check_replay(
    source: Source, plan: DeciderPlan, decisions: Iterable[Mapping[str, Any]]
) -> Replayed:
    """Decide the payments of one payer in `ONE_IN` again.

    Raises:
        GateError: a decision differs; names the first.
    """
    found = {one["transaction_id"]: one for one in decisions}
    decider, wire = plan(), Wire("upi.Decision")
    states: dict[str, bytes] = {}
    decide_ms = []
    for raw in source.raws():
        if crc32((raw.key or b"").lower()) % ONE_IN:
            continue
        start = perf_counter()
        outcome = decider.handle_one(raw, states)
        decide_ms.append((perf_counter() - start) * 1000)
        if outcome.kind <= Kind.ALERT:
            again = wire.decode(outcome.value)
            if found.get(again["transaction_id"]) != again:
                raise GateError(
                    f"The replay of {again['transaction_id']} differs from what Flink decided."
                    " Nothing of this run should be used; report it."
                )
    return Replayed([*map(len, states.values())], decide_ms)
