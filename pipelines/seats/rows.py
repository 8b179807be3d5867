"""Kernel results of a partition as Arrow tables of the contracts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.seats.arrange import Arranged
from pipelines.seats.codes import (
    BERTH,
    BERTH_TYPES,
    CANCELLED,
    CHARGES,
    I64,
    NONE,
    POOLS,
    QUOTAS,
    REASON,
    STATE,
    STATUSES,
    Bools,
    Integers,
    Records,
    Verdict,
    Why,
)
from pipelines.seats.kernel import Outcome
from pipelines.seats.measures import FIGURES, jain_index, segment_shares
from pipelines.seats.plans import Plans

WHY_CODES = tuple(Why.__members__)
VERDICT_CODES = tuple(Verdict.__members__)
PLACES = ("A", "B", "FULL")


def _names(values: Sequence[str], codes: Integers) -> pa.Array:
    """Text per code; -1 becomes null."""
    return pa.array(values).take(pa.array(codes, mask=codes < 0))


def _ints(values: Integers, is_null: Bools | None = None) -> pa.Array:
    return pa.array(values.astype(np.int32), mask=is_null)


def _join(parts: Sequence[Any], empty: Any) -> Any:
    """Arrays of all keys in one; `empty` has the type where there is no key."""
    return np.concatenate(parts) if parts else empty


class PartitionRows:
    """Results of all keys of a partition, side by side; each method builds one table."""

    def __init__(
        self, arranged: Arranged, outcomes: Sequence[Outcome], plans: Plans, pnr_tokens: pa.Array
    ) -> None:
        self.arranged, self.outcomes, self.plans = arranged, outcomes, plans
        self.tokens = pnr_tokens
        self.keys = arranged.keys
        requests = arranged.requests
        self.state = _join([one.desk.state for one in outcomes], np.empty(0, dtype=STATE))
        self.why = _join([one.desk.why for one in outcomes], np.empty((0, 2), dtype=REASON))
        self.events = _join([one.events for one in outcomes], arranged.events)
        self.key_of_request = np.repeat(self.keys, np.diff(arranged.request_bounds))
        self.request_of = np.repeat(np.arange(len(requests)), requests["size"])
        self.within = np.arange(len(self.request_of)) - requests["first"][self.request_of]

    def _key_columns(self, keys: I64) -> dict[str, pa.Array]:
        train = np.array(self.plans.train_of, dtype=np.int64)[keys]
        trains = self.plans.trains
        days = pa.array([one.service_date for one in trains], pa.date32())
        return {
            "train_id": pa.array([one.train_id for one in trains]).take(pa.array(train)),
            "service_date": days.take(pa.array(train)),
            "travel_class": pa.array(self.plans.class_of).take(pa.array(keys)),
        }

    def allocation(self) -> pa.Table:
        """Rows of `rail.Allocation`, all but `run_id`: one per passenger."""
        rows, requests = self.request_of, self.arranged.requests
        state = self.state[rows]
        gone = self._cancelled_by()
        has_left = gone >= 0
        status = np.where(has_left, CANCELLED, state["status"])
        charge = np.where(has_left, NONE, state["charge"])
        position, entered = state["position"] + self._place_in_group(), state["first_position"]
        waits = (state["position"] > 0) & ~has_left
        return pa.table(
            {
                "request_id": self.arranged.request_ids.take(pa.array(rows)),
                "pnr": self.tokens.take(pa.array(rows)),
                "passenger_no": _ints(self.arranged.numbers),
                **self._key_columns(self.key_of_request[rows]),
                "from_seq": _ints(requests["from_seq"][rows]),
                "to_seq": _ints(requests["to_seq"][rows]),
                "quota": _names(QUOTAS, requests["quota"][rows]),
                "charged_quota": _names(CHARGES, charge),
                "status": _names(STATUSES, status),
                "position": _ints(position, ~waits),
                "first_position": _ints(entered + self.within, entered == 0),
                "why_first": self._reasons(self.why[rows, 0], None),
                "why_last": self._reasons(self.why[rows, 1], gone),
            }
        )

    def _offsets(self) -> I64:
        """First event of the key of each passenger."""
        first = self.arranged.event_bounds[:-1]
        return np.repeat(first, np.diff(self.arranged.passenger_bounds))

    def _cancelled_by(self) -> I64:
        """Event that cancelled each passenger, counted through the partition; -1 if none."""
        gone = _join([one.cancelled_by for one in self.outcomes], np.empty(0, dtype=np.int64))
        return np.where(gone >= 0, gone + self._offsets(), NONE)

    def _place_in_group(self) -> I64:
        """How many of the group before this passenger still travel."""
        alive = self.state["alive"][self.request_of]
        before = alive & ((1 << self.within) - 1)
        counts = np.zeros(len(before), dtype=np.int64)
        for bit in range(6):
            counts += before >> bit & 1
        return counts

    def _reasons(self, why: Records, gone: I64 | None) -> pa.StructArray:
        """Reasons as the contract nests them; passengers who gave up get their own."""
        left = np.zeros(len(why), dtype=np.bool_) if gone is None else gone >= 0
        columns = {name: np.where(left, NONE, why[name]) for name in REASON_NUMBERS}
        code = np.where(left, Why.CANCELLED.value, why["code"])
        cause = np.where(why["cause"] >= 0, why["cause"] + self._offsets(), NONE)
        cause = cause if gone is None else np.where(left, gone, cause)
        is_null = cause < 0
        causes = self.arranged.event_ids.take(pa.array(cause, mask=is_null))
        return pa.StructArray.from_arrays(
            [
                _names(WHY_CODES, np.maximum(code, 0)),
                _names(POOLS, columns["pool"]),
                *(_ints(columns[name], columns[name] < 0) for name in ("segment", "free", "need")),
                causes,
            ],
            fields=REASON_FIELDS,
        )

    def chart(self) -> pa.Table:
        """Rows of `rail.ChartEntry`, all but `run_id`: one per travelling passenger."""
        berths, names = self._berths_and_coaches()
        full = _join([one.berth_of for one in self.outcomes], np.empty(0, np.int64))
        half = _join([one.rac_of for one in self.outcomes], np.empty(0, np.int64))
        alone = _join([one.is_alone for one in self.outcomes], np.empty(0, np.int64))
        split = _join([one.split for one in self.outcomes], np.empty(0, np.int64))
        rows = np.flatnonzero((full >= 0) | (half >= 0))
        request = self.request_of[rows]
        is_full = full[rows] >= 0
        kind = berths["kind"][rows]
        wish = self.arranged.passengers["wish"][rows]
        chosen = self.arranged.requests[request]
        return pa.table(
            {
                "pnr": self.tokens.take(pa.array(request)),
                "passenger_no": _ints(self.arranged.numbers[rows]),
                **self._key_columns(self.key_of_request[request]),
                "coach_id": pa.array(names).take(pa.array(berths["coach"][rows])),
                "bay": _ints(berths["bay_no"][rows]),
                "berth_no": _ints(berths["berth_no"][rows]),
                "place": _names(PLACES, np.where(is_full, 2, half[rows] & 1)),
                "berth_type": _names(BERTH_TYPES, kind),
                "from_seq": _ints(chosen["from_seq"]),
                "to_seq": _ints(chosen["to_seq"]),
                "is_group_split": pa.array(split[request] > 0),
                "is_full_berth": pa.array(is_full | (alone[rows] > 0)),
                "is_preference_met": pa.array(kind == wish - 1, mask=wish == 0),
            }
        )

    def _berths_and_coaches(self) -> tuple[Records, list[str]]:
        """Berth of each passenger, its coach numbered through the partition, and the names."""
        names: list[str] = []
        found = [np.empty(0, dtype=BERTH)]
        for key, one in zip(self.keys, self.outcomes, strict=True):
            plan = one.desk.plan
            rows = np.zeros(len(one.berth_of), dtype=BERTH)
            sits, shares = one.berth_of >= 0, one.rac_of >= 0
            rows[sits] = plan.berths[one.berth_of[sits]]
            rows[shares] = plan.rac_berths[one.rac_of[shares] // 2]
            rows["coach"] += len(names)
            names.extend(self.plans.coaches[key])
            found.append(rows)
        return np.concatenate(found), names

    def segments(self, epsilon: float) -> pa.Table:
        """Rows of `rail.SegmentMetrics`, all but `run_id`: one per segment of each key."""
        use = np.concatenate([np.empty((2, 0), np.int64), *(one.use for one in self.outcomes)], 1)
        sizes = np.array([one.use.shape[1] for one in self.outcomes], dtype=np.int64)
        total = np.array([one.figures[0] for one in self.outcomes], dtype=np.int64)
        places = np.repeat(total, sizes)
        number = np.arange(len(places)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        shares = segment_shares(use[0], use[1], places, epsilon)
        columns = {
            name: pa.array(share, mask=places == 0)
            for name, share in zip(("utilisation", "load", "efficiency_score"), shares, strict=True)
        }
        return pa.table(
            {
                **self._key_columns(np.repeat(self.keys, sizes)),
                "segment": _ints(number),
                "demand": _ints(use[0]),
                "places": _ints(places),
                "allocated": _ints(use[1]),
                **columns,
                "is_zero_capacity": pa.array(places == 0),
            }
        )

    def classes(self) -> pa.Table:
        """Rows of `rail.ClassMetrics`, all but `run_id`: one per key."""
        figures = np.array([one.figures for one in self.outcomes]).reshape(-1, len(FIGURES))
        fill = np.array([one.fill for one in self.outcomes]).reshape(-1, 2)
        pairs = figures[:, FIGURES.index("pairs")]
        jain = [jain_index(*row) for row in zip(pairs, fill[:, 0], fill[:, 1], strict=True)]
        charted = np.array([one.is_charted for one in self.outcomes], dtype=np.bool_)
        return pa.table(
            {
                **self._key_columns(self.keys),
                "is_charted": pa.array(charted),
                **{name: _ints(figures[:, n]) for n, name in enumerate(FIGURES)},
                "fill_sum": pa.array(fill[:, 0]),
                "fill_sum_sq": pa.array(fill[:, 1]),
                "jain": pa.array(jain, pa.float64()),
            }
        )

    def refused(self) -> tuple[pa.Array, pa.Array]:
        """Ids and reasons of the cancellations that were set aside."""
        rows = np.flatnonzero(self.events["verdict"] != Verdict.APPLIED)
        reasons = _names(VERDICT_CODES, self.events["verdict"][rows])
        return self.arranged.event_ids.take(pa.array(rows)), reasons

    def counts(self) -> dict[str, int]:
        """Requests by status and cancellations applied."""
        status = np.bincount(self.state["status"].astype(np.int64), minlength=len(STATUSES))
        found = {f"status:{name}": int(status[n]) for n, name in enumerate(STATUSES)}
        applied = (self.events["mask"] > 0) & (self.events["verdict"] == Verdict.APPLIED)
        return {**found, "cancellations": int(applied.sum())}


REASON_NUMBERS = ("pool", "segment", "free", "need")
REASON_FIELDS = [
    pa.field(name, pa.int32() if name in REASON_NUMBERS[1:] else pa.string(), name != "code")
    for name in ("code", *REASON_NUMBERS, "cause_id")
]
