"""The events of one partition as sorted arrays, a slice per key.

Nothing is taken for granted about the order in which rows arrive: everything is sorted here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.seats.codes import (
    CHILD,
    DISABLED,
    ENTITLED,
    EVENT,
    FEMALE,
    I32,
    I64,
    MILITARY,
    NONE,
    PASSENGER,
    REQUEST,
    SENIOR,
    Records,
    Verdict,
)
from pipelines.seats.people import (
    AGE_BITS,
    DISABLED_AT,
    GENDER_AT,
    MILITARY_AT,
    NUMBER_AT,
    WISH_AT,
)
from pipelines.seats.stage import BOOKS, CANCELS, OPENS_KEY

Bounds = tuple[int, int]


@dataclass(frozen=True)
class Ages:
    """Ages of the rules."""

    senior: int
    child: int
    entitled_female: int


@dataclass(frozen=True)
class Arranged:
    """Events of a partition.

    Attributes:
        keys: the keys of the partition, rising.
        requests: rows of `REQUEST` by key, moment and id; `first` counts through the partition.
        passengers: rows of `PASSENGER` in the order of the requests.
        numbers: passenger number of each.
        events: rows of `EVENT` by key, epoch, moment, kind and id; `request` counts likewise.
        epochs: micro-batch of each event.
        request_bounds, passenger_bounds, event_bounds: first row per key, and the end.
        request_ids, pnrs: texts per request.
        event_ids: text per event.
        event_rows: row of the table per event.
    """

    keys: I64
    requests: Records
    passengers: Records
    numbers: I64
    events: Records
    epochs: I64
    request_bounds: I64
    passenger_bounds: I64
    event_bounds: I64
    request_ids: pa.Array
    pnrs: pa.Array
    event_ids: pa.Array
    event_rows: I64

    def slices(self) -> Iterator[tuple[int, Records, Records, Records]]:
        """Key, requests, passengers and events of each key, numbered from 0 within it."""
        for k, key in enumerate(self.keys):
            first, last = self.request_bounds[k : k + 2]
            start, stop = self.passenger_bounds[k : k + 2]
            requests = self.requests[first:last].copy()
            requests["first"] -= start
            events = self.events[slice(*self.event_bounds[k : k + 2])].copy()
            events["request"] -= np.where(events["request"] >= 0, first, 0).astype(np.int32)
            yield int(key), requests, self.passengers[start:stop], events


def arrange(table: pa.Table, ages: Ages) -> Arranged:
    """Sort and slice the good events of a partition.

    Args:
        table: rows of `EVENT_COLUMNS` without a reason.
        ages: ages of the rules.
    """
    column = {name: table[name].combine_chunks() for name in ("id", "pnr", "people")}
    number = {
        name: pc.fill_null(table[name], NONE).to_numpy()
        for name in ("key", "kind", "at", "epoch", "from_seq", "to_seq", "quota")
    }
    rank = _rank(column["id"])
    keys = np.sort(number["key"][number["kind"] == OPENS_KEY]).astype(np.int64)
    books = _ordered(number, rank, number["kind"] == BOOKS, ("at", "key"))
    happens = _ordered(number, rank, number["kind"] != OPENS_KEY, ("kind", "at", "epoch", "key"))
    people, sizes = _lists(column["people"], books)
    requests = np.zeros(len(books), dtype=REQUEST)
    for name in ("at", "from_seq", "to_seq", "quota"):
        requests[name] = number[name][books]
    requests["size"] = sizes
    requests["first"] = np.cumsum(sizes) - sizes
    numbers = people >> NUMBER_AT
    pnrs = column["pnr"].take(pa.array(books))
    events = np.zeros(len(happens), dtype=EVENT)
    events["at"] = number["at"][happens]
    row_of = np.full(len(table), NONE, dtype=np.int64)
    row_of[books] = np.arange(len(books))
    events["request"] = row_of[happens]
    cancels = number["kind"][happens] == CANCELS
    request_keys = number["key"][books]
    event_pnrs = column["pnr"].take(pa.array(happens))
    _resolve(
        events, cancels, event_pnrs, pnrs, number, books, requests, numbers, column["people"],
        happens,
    )  # fmt: skip
    request_bounds = np.searchsorted(request_keys, np.append(keys, keys[-1:] + 1))
    starts = np.append(requests["first"], len(people))
    return Arranged(
        keys, requests, _passengers(people, ages), numbers, events, number["epoch"][happens],
        request_bounds, starts[request_bounds],
        np.searchsorted(number["key"][happens], np.append(keys, keys[-1:] + 1)),
        column["id"].take(pa.array(books)), pnrs,
        column["id"].take(pa.array(happens)), happens,
    )  # fmt: skip


def _rank(ids: pa.Array) -> I64:
    """Place of each id in byte order: r10 < r2 < r9."""
    order = pc.array_sort_indices(ids.cast(pa.binary())).to_numpy()
    rank = np.empty(len(ids), dtype=np.int64)
    rank[order] = np.arange(len(ids))
    return rank


def _ordered(
    number: dict[str, npt.NDArray[np.int64]], rank: I64, chosen: npt.NDArray[np.bool_],
    names: tuple[str, ...],
) -> I64:  # fmt: skip
    rows = np.flatnonzero(chosen)
    order = np.lexsort((rank[rows], *(number[name][rows] for name in names)))
    return np.asarray(rows[order], dtype=np.int64)


def _lists(lists: pa.ListArray, rows: I64) -> tuple[I64, I64]:
    """Values and lengths of some lists, in the order asked for."""
    taken = lists.take(pa.array(rows))
    sizes = pc.fill_null(pc.list_value_length(taken), 0).to_numpy().astype(np.int64)
    return taken.flatten().to_numpy().astype(np.int64), sizes


def _passengers(people: I64, ages: Ages) -> Records:
    age, is_female = people & (1 << AGE_BITS) - 1, people >> GENDER_AT & 3 == 0
    is_disabled = (people >> DISABLED_AT & 1).astype(np.bool_)
    marks = {
        SENIOR: age >= ages.senior,
        FEMALE: is_female,
        CHILD: age < ages.child,
        MILITARY: (people >> MILITARY_AT & 1).astype(np.bool_),
        DISABLED: is_disabled,
        ENTITLED: (age >= ages.senior) | is_disabled | (is_female & (age >= ages.entitled_female)),
    }
    rows = np.zeros(len(people), dtype=PASSENGER)
    for bit, is_so in marks.items():
        rows["traits"] |= np.where(is_so, bit, 0).astype(np.int32)
    rows["wish"] = people >> WISH_AT & 7
    return rows


def _resolve(
    events: Records, cancels: npt.NDArray[np.bool_], event_pnrs: pa.Array, pnrs: pa.Array,
    number: dict[str, npt.NDArray[np.int64]], books: I64, requests: Records, numbers: I64,
    people: pa.ListArray, happens: I64,
) -> None:  # fmt: skip
    """Point each cancellation to its request and its passengers, or refuse it.

    A request that came in a later micro-batch is not known to it, now as then.
    """
    rows = np.flatnonzero(cancels)
    found = pc.index_in(event_pnrs.take(pa.array(rows)), value_set=pnrs).fill_null(NONE)
    target = found.to_numpy().astype(np.int64)
    known = target >= 0
    one, other = happens[rows[known]], books[target[known]]
    known[known] = (number["key"][one] == number["key"][other]) & (
        number["epoch"][one] >= number["epoch"][other]
    )
    target = np.where(known, target, NONE)
    wanted, sizes = _lists(people, happens[rows])
    masks = passenger_masks(target, wanted, sizes, requests, numbers)
    events["request"][rows] = np.where(masks != 0, target, NONE)
    events["mask"][rows] = np.maximum(masks, 1)
    refused = np.where(known, Verdict.UNKNOWN_PASSENGER, Verdict.UNKNOWN_PNR)
    events["verdict"][rows] = np.where(known & (masks != 0), Verdict.APPLIED, refused)


@nb.njit(cache=True, nogil=True)
def passenger_masks(target: I64, wanted: I64, sizes: I64, requests: Records, numbers: I64) -> I32:
    """Bits of the passengers who cancel; all where no number is given, 0 where one is unknown."""
    masks = np.zeros(len(target), dtype=np.int32)
    start = 0
    for c in range(len(target)):
        stop = start + sizes[c]
        if target[c] >= 0:
            request = requests[target[c]]
            if sizes[c] == 0:
                masks[c] = (1 << request.size) - 1
            for w in range(start, stop):
                bit = 0
                for k in range(request.size):
                    if numbers[request.first + k] == wanted[w]:
                        bit = 1 << k
                if bit == 0:
                    masks[c] = 0
                    break
                masks[c] |= bit
        start = stop
    return masks
