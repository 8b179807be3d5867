"""The second counter reads the files that were written, and must find nothing wrong in them.

It shares no code with the kernel. Tasks count a file each (`recount.py`); what needs several files
or the train plans is compared here.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.errors import GateError
from pipelines.seats.parcels import pack_table, read_packed
from pipelines.seats.plans import Plans
from pipelines.seats.recount import COUNTERS, FIGURES, I64, NAMES, REPEATED
from pipelines.seats.tables import DAY, DayLake, task_place

KEY = ("train_id", "service_date", "travel_class")
_KEY = [*NAMES, "folder"]
_FILES = pa.schema([("table", pa.string()), ("file", pa.string())])
_COUNTED = pa.schema([("table", pa.string()), ("figures", pa.binary()), ("people", pa.binary())])
_TOLD = "table string, figures binary, people binary"

Batches = Iterable[pa.RecordBatch]


def verify_tables(lake: DayLake, plans: Plans) -> dict[str, int]:
    """Count violations in the staged tables of this run.

    Args:
        lake: holds them.
        plans: the trains, for the number of segments and berths.

    Returns:
        Number found per kind; all must be 0.
    """
    figures, people = count_files(lake)
    chart, allocation = figures["rail_chart"], figures["rail_allocation"]
    classes = lake.staged_rows("rail_class_metrics", [*KEY, "is_charted"]).to_pandas()
    charted = classes[classes["is_charted"]]
    segments = figures["rail_segment_metrics"]
    return {
        "double_sold": int(chart["twice"].sum()),
        **_check_berths(chart, plans),
        "passengers_on_two_berths": len(people) - len(np.unique(people)),
        "passengers_without_berth": _differences(chart, allocation, charted),
        "position_gaps": int(allocation["gaps"].sum()),
        "segments_overfull": int(segments["overfull"].sum()),
        "figures_not_finite": int(segments["odd"].sum()),
        "keys_in_two_files": sum(int(one.duplicated(_KEY).sum()) for one in figures.values()),
    }


def require(violations: Mapping[str, int]) -> None:
    """Let a run go on only if nothing was found.

    Raises:
        GateError: names what was found.
    """
    found = {name: count for name, count in violations.items() if count}
    if found:
        told = ", ".join(f"{name} {count:,}" for name, count in found.items())
        raise GateError(
            f"verification of the chart failed: {told}. Nothing was published; the tables in the"
            " lake are as the last good run left them"
        )


def count_files(lake: DayLake) -> tuple[dict[str, pd.DataFrame], I64]:
    """Figures of each key by table, and a hash of each passenger in the chart."""
    places = {table: task_place(lake.place(table)) for table in COUNTERS}
    names = [(table, name) for table in COUNTERS for name in lake.staged_files(table)]
    names.sort(key=lambda one: one[1])  # by their random names: every core gets some of each table

    def task(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for table, name in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                files, root = places[table].open()
                file = pq.ParquetFile(
                    f"{root}/{name}", filesystem=files, read_dictionary=REPEATED[table]
                )
                figures, people = COUNTERS[table](file.read(use_threads=False))
                figures["folder"] = name.partition("/")[0]
                packed = pack_table(pa.Table.from_pandas(figures, preserve_index=False))
                yield pa.record_batch([[table], [packed], [people.tobytes()]], schema=_COUNTED)

    listed = pa.table([list(column) for column in zip(*names, strict=True)], schema=_FILES)
    told = lake.session.createDataFrame(listed).mapInArrow(task, _TOLD).toArrow()
    return _join(told)


def _join(told: pa.Table) -> tuple[dict[str, pd.DataFrame], I64]:
    """What the tasks found, the files of a table side by side."""
    found: dict[str, list[pd.DataFrame]] = {table: [] for table in COUNTERS}
    for table, packed in zip(told["table"].to_pylist(), told["figures"].to_pylist(), strict=True):
        found[table].append(read_packed(packed).to_pandas())
    people = np.frombuffer(b"".join(told["people"].to_pylist()), np.int64)
    return {
        table: pd.concat(some) if some else pd.DataFrame(columns=[*_KEY, *FIGURES[table]])
        for table, some in found.items()
    }, people


def _check_berths(chart: pd.DataFrame, plans: Plans) -> dict[str, int]:
    """Berths beyond those of the train, journeys outside it."""
    known = chart.merge(_limits(plans), "left", _KEY)
    is_outside = (known["start"] < 0) | ~(known["stop"] <= known["segments"])  # also if unknown
    return {
        "berths_unknown": int((known["berths"] > known["there"]).sum()),
        "journeys_outside": int(is_outside.sum()),
    }


def _limits(plans: Plans) -> pd.DataFrame:
    rows = []
    for key, plan in enumerate(plans.plans):
        train, day, travel_class = plans.name(key)
        berths = len(plan.berths) + len(plan.rac_berths)
        rows.append((train, travel_class, f"{DAY}={day}", plan.segments, berths))
    return pd.DataFrame(rows, columns=[*_KEY, "segments", "there"])


def _differences(chart: pd.DataFrame, allocation: pd.DataFrame, charted: pd.DataFrame) -> int:
    """Passengers who have a place and no berth, or a berth and no place."""
    charted = charted.assign(folder=f"{DAY}=" + charted[DAY].astype(str))
    have = allocation.merge(charted[_KEY], "inner", _KEY)
    both = have.merge(chart, "outer", _KEY, suffixes=("_place", "_berth")).fillna(0)
    missing = (both["people_place"] - both["people_berth"]).abs()
    is_other = both["fingerprint_place"] != both["fingerprint_berth"]
    return int(np.maximum(missing, is_other).sum())
