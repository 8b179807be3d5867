"""Recursive splitting of hot buckets: a prefix tree as in LSH Forest (Bawa, Condie, Ganesan 2005).

A bucket above the split size is cut by the next byte of its members' tails, its parts by the byte
after it, and so on. Where no tail byte is left, node ids (pseudo-random by construction) cut the
rest, and the pairs given up there are counted. No bucket is dropped. Every cut node has a key of
its own, so a stored set of cut keys leads any later record to the same leaf (`leaf_walk.py`).
"""

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.ordering import order_by
from pipelines.dedup.signatures import mix

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]
Int = int | np.int64
TailArrays = tuple[U8, I64, npt.NDArray[np.uint32], U8]

SMALL = 48  # parts up to this are sorted by insertion: faster than counting 256 byte values
NODE_BYTES = 8  # bytes of a node id that can cut after the tail is used up


@dataclass(frozen=True)
class Leaves:
    """Buckets after splitting.

    Attributes:
        order: entry numbers, members of a leaf next to each other.
        starts: first position of each leaf in `order`, plus the end.
        keys: key of each leaf.
        bucket_sizes: entries of each bucket before it was cut.
        cut_keys: keys of the nodes that were cut.
        pairs: pairs inside the leaves.
        skipped: pairs given up by cuts past the tail.
    """

    order: I64
    starts: I64
    keys: U64
    bucket_sizes: I64
    cut_keys: U64
    pairs: int
    skipped: int


@dataclass(frozen=True)
class Tails:
    """The bytes that cut the buckets of some entries, looked up where they are needed.

    Attributes:
        table: hash bytes of the records, [records, bytes].
        positions: per kind of key the bytes that cut its buckets, in order, [kinds, depth].
        row: record of each entry, a row of `table`.
        kind: kind of key of each entry, a row of `positions`.
    """

    table: U8
    positions: I64
    row: npt.NDArray[np.uint32]
    kind: U8

    @classmethod
    def of(cls, tails: U8) -> "Tails":
        """Tails given entry by entry, [entries, depth]."""
        entries, depth = tails.shape
        row = np.arange(entries, dtype=np.uint32)
        positions = np.arange(depth, dtype=np.int64)[None, :]
        return cls(tails, positions, row, np.zeros(entries, dtype=np.uint8))

    @property
    def arrays(self) -> tuple[U8, I64, npt.NDArray[np.uint32], U8]:
        """The same for a kernel."""
        return read_only(self.table), self.positions, self.row, self.kind


def read_only(table: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A table as kernels see it, in memory or mapped; else they are compiled once for either."""
    view = np.asarray(table).view()
    view.flags.writeable = False
    return view


@nb.njit(cache=True, nogil=True)
def cut_byte(entry: Int, depth: Int, tails: TailArrays, nodes: I64) -> np.int64:
    """Byte that says into which part an entry goes where its node is cut."""
    table, positions, row, kind = tails
    last = positions.shape[1]
    if depth < last:
        return np.int64(table[row[entry], positions[kind[entry], depth]])
    return np.int64((nodes[entry] >> np.int64(8 * (depth - last))) & np.int64(0xFF))


@nb.njit("uint64(uint64, int64)", cache=True, nogil=True)
def child_key(key: np.uint64, byte: Int) -> np.uint64:
    """Key of the part of a cut node whose members share `byte`."""
    return mix(key ^ np.uint64(byte + 1))


@nb.njit(cache=True, nogil=True)
def sort_by_byte(
    part: I64, depth: Int, tails: TailArrays, nodes: I64, bytes_: I64, scratch: I64
) -> None:
    """Sort the entries `part` by their cutting byte, in place, and leave the bytes in `bytes_`."""
    size = len(part)
    for i in range(size):
        bytes_[i] = cut_byte(part[i], depth, tails, nodes)
    if size <= SMALL:
        for i in range(1, size):
            byte, entry, j = bytes_[i], part[i], i
            while j > 0 and bytes_[j - 1] > byte:
                bytes_[j], part[j] = bytes_[j - 1], part[j - 1]
                j -= 1
            bytes_[j], part[j] = byte, entry
        return
    place = np.zeros(257, dtype=np.int64)
    for i in range(size):
        place[bytes_[i] + 1] += 1
    for b in range(256):
        place[b + 1] += place[b]
    starts = place.copy()
    for i in range(size):
        byte = bytes_[i]
        scratch[place[byte]] = part[i]
        place[byte] += 1
    part[:] = scratch[:size]
    for b in range(256):
        bytes_[starts[b] : starts[b + 1]] = b


@nb.njit(cache=True, nogil=True)
def _split(
    buckets: I64, keys: U64, order: I64, nodes: I64, tails: TailArrays, forced: I64,
    split_size: int, is_start: Bool,
) -> tuple[U64, np.int64, np.int64]:  # fmt: skip
    """Cut buckets, given as (first, end) in `order`; marks where their leaves start.

    `keys` follow `order`: at the start of a leaf its own key takes the place of the bucket's.
    """
    largest = (buckets[:, 1] - buckets[:, 0]).max()
    scratch, bytes_ = np.empty(largest, dtype=np.int64), np.empty(largest, dtype=np.int64)
    cuts, made = np.empty(len(buckets), dtype=np.uint64), 0
    stack = [(np.int64(0), np.int64(0), np.int64(0), np.uint64(0)) for _ in range(0)]
    hashes = tails[1].shape[1]
    pairs, skipped = np.int64(0), np.int64(0)
    for bucket in range(len(buckets)):
        low, high = buckets[bucket, 0], buckets[bucket, 1]
        stack.append((low, high, np.int64(0), keys[low]))
        while len(stack):
            first, end, depth, node_key = stack.pop()
            size = end - first
            must = depth < forced[order[first]]
            if (not must and size <= split_size) or depth == hashes + NODE_BYTES or size == 1:
                is_start[first], keys[first] = True, node_key
                pairs += size * (size - 1) // 2
                continue
            if made == len(cuts):
                cuts = np.append(cuts, np.empty_like(cuts))
            cuts[made] = node_key
            made += 1
            sort_by_byte(order[first:end], depth, tails, nodes, bytes_, scratch)
            kept, low_end = np.int64(0), np.int64(0)
            for i in range(1, size + 1):
                if i < size and bytes_[i] == bytes_[low_end]:
                    continue
                part = i - low_end
                kept += part * (part - 1) // 2
                child = child_key(node_key, bytes_[low_end])
                stack.append((first + low_end, first + i, depth + 1, child))
                low_end = np.int64(i)
            if depth >= hashes:
                skipped += size * (size - 1) // 2 - kept
    return cuts[:made].copy(), pairs, skipped


def split_buckets(
    keys: U64, nodes: I64, tails: Tails, split_size: int, forced: I64 | None = None
) -> Leaves:
    """Group entries by key and cut every bucket above the split size.

    Args:
        keys: bucket key per entry.
        nodes: record per entry.
        tails: bytes that cut the buckets.
        split_size: largest bucket that is left whole.
        forced: per entry, levels cut whatever the size (a deeper start of the prefix).
    """
    order = order_by(keys)
    by_key = keys[order]
    is_start = np.append(np.ones(min(len(keys), 1), dtype=bool), by_key[1:] != by_key[:-1])
    starts = np.append(np.flatnonzero(is_start), len(keys))
    sizes = np.diff(starts)
    is_hot = sizes > split_size
    if forced is not None:
        is_hot |= (forced[order[starts[:-1]]] > 0) & (sizes > 1)
    pairs, skipped = int((sizes * (sizes - 1) // 2)[~is_hot].sum()), np.int64(0)
    cut_keys = np.empty(0, dtype=np.uint64)
    if is_hot.any():
        buckets = np.column_stack([starts[:-1][is_hot], starts[1:][is_hot]])
        depth = np.zeros(len(keys), dtype=np.int64) if forced is None else forced
        cuts, cut_pairs, skipped = _split(
            buckets, by_key, order, nodes, tails.arrays, depth, split_size, is_start
        )
        pairs, cut_keys = pairs + int(cut_pairs), cuts
        starts = np.append(np.flatnonzero(is_start), len(keys))
    return Leaves(order, starts, by_key[starts[:-1]], sizes, cut_keys, pairs, int(skipped))
