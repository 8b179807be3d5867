"""Spoilt booking requests, so that the synthetic day shows how bad records are handled."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Spoil = Callable[[pa.Table], pa.Table]


def _replace(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)


def _unknown_station(rows: pa.Table) -> pa.Table:
    return _replace(rows, "to_station", pa.repeat("XXXX", rows.num_rows))


def _reversed_journey(rows: pa.Table) -> pa.Table:
    swapped = _replace(rows, "from_station", rows["to_station"])
    return _replace(swapped, "to_station", rows["from_station"])


def _unknown_train(rows: pa.Table) -> pa.Table:
    return _replace(rows, "train_id", pa.repeat("99999", rows.num_rows))


def _nobody(rows: pa.Table) -> pa.Table:
    empty = rows["passengers"].combine_chunks()
    offsets = pa.array(np.zeros(rows.num_rows + 1, dtype=np.int32))
    return _replace(rows, "passengers", pa.ListArray.from_arrays(offsets, empty.values[:0]))


def _second_booking(rows: pa.Table) -> pa.Table:
    """Another request on the same PNR."""
    ids = pc.binary_join_element_wise(rows["request_id"], "X", "")
    return _replace(_replace(rows, "request_id", ids), "event_id", ids)


def _sent_twice(rows: pa.Table) -> pa.Table:
    return rows


CHANGED: tuple[Spoil, ...] = (_unknown_station, _reversed_journey, _unknown_train, _nobody)
ADDED: tuple[Spoil, ...] = (_second_booking, _sent_twice)


def spoil_requests(rng: np.random.Generator, requests: pa.Table, share: float) -> pa.Table:
    """Change some requests into bad ones, and add some that are there already.

    Args:
        rng: generator of the day.
        requests: good rows.
        share: share of the rows that are spoilt, spread over all kinds of fault.
    """
    each = int(share * requests.num_rows / len(CHANGED + ADDED))
    if each == 0:
        return requests
    rows = rng.choice(requests.num_rows, each * len(CHANGED + ADDED), replace=False)
    parts = []
    for number, spoil in enumerate((*CHANGED, *ADDED)):
        chosen = requests.take(pa.array(np.sort(rows[number * each : (number + 1) * each])))
        parts.append(spoil(chosen.combine_chunks()))
    is_kept = np.ones(requests.num_rows, dtype=np.bool_)
    is_kept[rows[: each * len(CHANGED)]] = False
    return pa.concat_tables([requests.filter(pa.array(is_kept)), *parts])
