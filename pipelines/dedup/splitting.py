"""Recursive splitting of hot buckets: a prefix tree as in LSH Forest (Bawa, Condie, Ganesan 2005).

A bucket above the split size is cut by the next byte of its members' tails, its parts by the byte
after it, and so on. Where no tail byte is left, node ids (pseudo-random by construction) cut the
rest, and the pairs given up there are counted. No bucket is dropped. Every cut node has a key of
its own, so a stored set of cut keys leads any later record to the same leaf.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.signatures import mix

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
Int = int | np.int64

NODE_BYTES = 8  # bytes of a node id that can cut after the tail is used up


@dataclass(frozen=True)
class Leaves:
    """Buckets after splitting.

    Attributes:
        order: entry numbers, members of a leaf next to each other.
        starts: first position of each leaf in `order`, plus the end.
        cut_keys: keys of the nodes that were cut.
        pairs: pairs inside the leaves.
        skipped: pairs given up by cuts past the tail.
    """

    order: I64
    starts: I64
    cut_keys: U64
    pairs: int
    skipped: int


@nb.njit(cache=True, nogil=True)
def _cut_byte(entry: Int, depth: Int, tails: U8, nodes: I64) -> np.int64:
    tail = tails.shape[1]
    if depth < tail:
        return np.int64(tails[entry, depth])
    return np.int64((nodes[entry] >> np.int64(8 * (depth - tail))) & np.int64(0xFF))


@nb.njit("uint64(uint64, int64)", cache=True, nogil=True)
def child_key(key: np.uint64, byte: Int) -> np.uint64:
    """Key of the part of a cut node whose members share `byte`."""
    return mix(key ^ np.uint64(byte + 1))


@nb.njit(cache=True, nogil=True)
def _sort_by_byte(part: I64, depth: Int, tails: U8, nodes: I64, scratch: I64) -> I64:
    """Counting sort of the entries `part`, in place; returns the bounds of each byte, [257]."""
    bounds = np.zeros(257, dtype=np.int64)
    for entry in part:
        bounds[_cut_byte(entry, depth, tails, nodes) + 1] += 1
    for b in range(256):
        bounds[b + 1] += bounds[b]
    place = bounds.copy()
    for entry in part:
        byte = _cut_byte(entry, depth, tails, nodes)
        scratch[place[byte]] = entry
        place[byte] += 1
    part[:] = scratch[: len(part)]
    return bounds


@nb.njit(cache=True, nogil=True)
def _split(
    keys: U64, order: I64, nodes: I64, tails: U8, forced: I64, split_size: int
) -> tuple[list[np.int64], list[np.uint64], np.int64, np.int64]:
    count = len(order)
    scratch = np.empty(count, dtype=np.int64)
    starts = [np.int64(0) for _ in range(0)]
    cuts = [np.uint64(0) for _ in range(0)]
    stack = [(np.int64(0), np.int64(0), np.int64(0), np.uint64(0)) for _ in range(0)]
    last = tails.shape[1] + 8
    pairs, skipped, low = np.int64(0), np.int64(0), np.int64(0)
    while low < count:
        key = keys[order[low]]
        high = low + 1
        while high < count and keys[order[high]] == key:
            high += 1
        stack.append((low, high, np.int64(0), key))
        low = high
        while len(stack):
            first, end, depth, node_key = stack.pop()
            size = end - first
            must = depth < forced[order[first]]
            if (not must and size <= split_size) or depth == last or size == 1:
                starts.append(first)
                pairs += size * (size - 1) // 2
                continue
            cuts.append(node_key)
            bounds = _sort_by_byte(order[first:end], depth, tails, nodes, scratch)
            kept = np.int64(0)
            for b in range(255, -1, -1):
                low_end, high_end = first + bounds[b], first + bounds[b + 1]
                part = high_end - low_end
                if part:
                    kept += part * (part - 1) // 2
                    stack.append((low_end, high_end, depth + 1, child_key(node_key, b)))
            if depth >= tails.shape[1]:
                skipped += size * (size - 1) // 2 - kept
    return starts, cuts, pairs, skipped


def split_buckets(
    keys: U64, nodes: I64, tails: U8, split_size: int, forced: I64 | None = None
) -> Leaves:
    """Group entries by key and cut every bucket above the split size.

    Args:
        keys: bucket key per entry.
        nodes: record per entry.
        tails: bytes that cut the entry's bucket, in order, [entries, depth].
        split_size: largest bucket that is left whole.
        forced: per entry, levels cut whatever the size (a deeper start of the prefix).
    """
    order = np.argsort(keys, kind="stable")
    depth = np.zeros(len(keys), dtype=np.int64) if forced is None else forced
    starts, cuts, pairs, skipped = _split(keys, order, nodes, tails, depth, split_size)
    ends = np.sort(np.array([*starts, len(keys)], dtype=np.int64))
    return Leaves(order, ends, np.array(cuts, dtype=np.uint64), int(pairs), int(skipped))


@nb.njit(cache=True, nogil=True)
def _emit(
    order: I64, starts: I64, nodes: I64, families: U8, probes: U8, low: I64, high: I64, seen: U8
) -> int:
    made = 0
    for leaf in range(len(starts) - 1):
        for i in range(starts[leaf], starts[leaf + 1]):
            a = nodes[order[i]]
            for j in range(i + 1, starts[leaf + 1]):
                b = nodes[order[j]]
                if a == b or (probes[order[i]] and probes[order[j]]):
                    continue
                low[made], high[made] = min(a, b), max(a, b)
                seen[made] = families[order[i]]
                made += 1
    return made


@nb.njit(cache=True, nogil=True)
def _count(order: I64, starts: I64, probes: U8) -> int:
    room = 0
    for leaf in range(len(starts) - 1):
        size = starts[leaf + 1] - starts[leaf]
        asking = np.int64(0)
        for i in range(starts[leaf], starts[leaf + 1]):
            asking += probes[order[i]]
        room += (size * (size - 1) - asking * (asking - 1)) // 2
    return room


def leaf_pairs(leaves: Leaves, nodes: I64, families: U8, probes: U8) -> tuple[I64, I64, U8]:
    """All pairs inside the leaves, smaller node first, with the key family that saw each.

    Two probe entries make no pair: one side must stand in the index.
    """
    room = _count(leaves.order, leaves.starts, probes)
    low, high = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    seen = np.empty(room, dtype=np.uint8)
    made = _emit(leaves.order, leaves.starts, nodes, families, probes, low, high, seen)
    return low[:made], high[:made], seen[:made]


@nb.njit(cache=True, nogil=True)
def _walk(keys: U64, nodes: I64, tails: U8, cuts: U64, filter_bits: U8, out: U64) -> None:
    mask = np.uint64(len(filter_bits) - 1)
    for i in range(len(keys)):
        key, depth = keys[i], 0
        while filter_bits[key & mask]:
            at = np.searchsorted(cuts, key)
            if at == len(cuts) or cuts[at] != key:
                break
            key = child_key(key, _cut_byte(i, depth, tails, nodes))
            depth += 1
        out[i] = key


def leaf_keys(keys: U64, nodes: I64, tails: U8, cuts: U64) -> U64:
    """Walk entries down a stored tree of cuts to the keys of their leaves.

    Args:
        keys: prefix key per entry.
        nodes: record per entry.
        tails: cutting bytes per entry.
        cuts: sorted keys of the cut nodes.
    """
    size = 1 << max(10, int(len(cuts) * 8).bit_length())
    filter_bits = np.zeros(size, dtype=np.uint8)
    filter_bits[cuts & np.uint64(size - 1)] = 1
    out = np.empty_like(keys)
    _walk(keys, nodes, tails, cuts, filter_bits, out)
    return out
