"""Counts and figures of a finished run."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from pipelines.core.quality import Check
from pipelines.seats.checks import COPY, FUTURE
from pipelines.seats.measures import jain_index

TOO_LATE = ("AFTER_CHART", "NOTHING_TO_CANCEL")
"""Cancellations that came to nothing: refused and counted, but no fault of the input."""

Metrics = dict[str, float | int | None]


def add_up(parts: pa.Table) -> dict[str, int]:
    """Sum the named numbers of all tasks."""
    frame = parts.to_pandas().groupby("name")["number"].sum()
    return {str(name): int(number) for name, number in frame.items()}


def run_counts(numbers: Mapping[str, int]) -> dict[str, int]:
    """Counts of the run manifest.

    `rejected` is records set aside and requests refused by a rule; a request on a waitlist is out.
    """
    reasons = reasons_of(numbers)
    duplicates, future = reasons.pop(COPY, 0), reasons.pop(FUTURE, 0)
    quarantined = sum(reasons.values())
    refused = numbers.get("status:REJECTED", 0)
    served = ("CONFIRMED", "RAC", "WAITLISTED", "CANCELLED")
    out = sum(numbers.get(f"status:{name}", 0) for name in served)
    return {
        "read": numbers["read"],
        "duplicates": duplicates,
        "after_as_of": future,
        "in": numbers["read"] - duplicates - future,
        "out": out + numbers.get("cancellations", 0),
        "rejected": refused + quarantined,
        "quarantined": quarantined,
        "dlq": numbers.get("dlq", 0),
        "late": 0,
    }


def reasons_of(numbers: Mapping[str, int]) -> dict[str, int]:
    """Records set aside by reason."""
    return {
        name.removeprefix("reason:"): number
        for name, number in numbers.items()
        if name.startswith("reason:")
    }


def gate_checks(counts: Mapping[str, int], reasons: Mapping[str, int], limit: float) -> list[Check]:
    """What must hold for the input as a whole."""
    records = counts["in"]
    faulty = counts["quarantined"] - sum(reasons.get(name, 0) for name in TOO_LATE)
    checks = [
        Check("row_count", records, minimum=1),
        Check("quarantine", records, faulty, tolerance=limit),
    ]
    for reason, number in sorted(reasons.items()):
        if reason in (COPY, FUTURE, *TOO_LATE):
            continue
        checks.append(Check(reason, records, number, tolerance=limit, severity="WARN"))
    return checks


def measure(classes: pd.DataFrame, bookings: int, seconds: float) -> Metrics:
    """Figures of the run from those of its classes.

    Args:
        classes: rows of `rail.ClassMetrics`, with segment sums `seat_demand`, `seat_places` and
            `seat_allocated`.
        bookings: requests that reached the kernel.
        seconds: from opening the input to the published tables.
    """
    total = classes.select_dtypes("number").sum()
    travelling = total["demand"] - total["cancelled"]
    accepted = total["confirmed"] + total["rac"]
    return {
        "bookings": bookings,
        "accepted_fraction": _share(accepted, travelling),
        "confirmed": int(total["confirmed"]),
        "rac": int(total["rac"]),
        "waitlisted": int(total["waitlisted"]),
        "rejected_passengers": int(total["rejected"]),
        "cancelled": int(total["cancelled"]),
        "utilisation": _share(total["seat_demand"], total["seat_places"]),
        "load": _share(total["seat_allocated"], total["seat_places"]),
        "optimum_gap": _gap(accepted, total["optimum"]),
        "optimum_gap_segments": _gap(total["accepted_segments"], total["optimum_segments"]),
        "jain": jain_index(total["pairs"], total["fill_sum"], total["fill_sum_sq"]),
        "stranded": int(total["stranded"]),
        "split_groups": int(total["split_groups"]),
        "wishes_met": _share(total["wishes_met"], total["wishes"]),
        "entitled_on_lower": _share(total["entitled_lower"], total["entitled"]),
        "trains": int(classes[["train_id", "service_date"]].drop_duplicates().shape[0]),
        "bookings_per_second": bookings / seconds if seconds > 0 else None,
    }


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _gap(reached: float, optimum: float) -> float | None:
    return float(1 - reached / optimum) if optimum else None
