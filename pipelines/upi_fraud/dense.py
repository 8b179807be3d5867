"""Which accounts, devices and merchants are busy enough for a pattern: a filter before the windows.

A window with n different payers holds n payments, so an id without n payments within the width
cannot show the pattern, nor a device without n payers at all. This removes nearly everything.
"""

import numpy as np
import pyarrow as pa

from pipelines.upi_fraud.arrays import BoolArray, IntArray
from pipelines.upi_fraud.config import NetworkSettings

_MINUTE_MS = 60_000
MARKS = ("is_fan_in", "is_pass_in", "is_pass_out", "is_shared", "is_collusion")
"""Columns that say which edges the queries have to look at."""


def mark_edges(edges: pa.Table, settings: NetworkSettings) -> pa.Table:
    """Add `MARKS` to the edges."""
    times = edges["time_ms"].to_numpy()
    codes = {name: _codes(edges, name) for name in ("payer", "payee", "device", "merchant_id")}
    is_shop = codes["merchant_id"] >= 0
    receivers = np.where(is_shop, -1, codes["payee"])
    fan_in = dense(receivers, times, settings.fan_in_payers + 1,
                   settings.fan_in_minutes * _MINUTE_MS)  # fmt: skip
    passing = dense(receivers, times, settings.pass_through_payers,
                    settings.pass_through_minutes * _MINUTE_MS)  # fmt: skip
    shared = crowded(codes["device"], codes["payer"], settings.shared_payers + 1)
    shops = dense(codes["merchant_id"], times, settings.collusion_payers,
                  settings.collusion_minutes * _MINUTE_MS)  # fmt: skip
    masks = (
        np.isin(receivers, fan_in), np.isin(receivers, passing), _names_in(edges, passing),
        np.isin(codes["device"], shared), np.isin(codes["merchant_id"], shops),
    )  # fmt: skip
    for name, mask in zip(MARKS, masks, strict=True):
        edges = edges.append_column(name, pa.array(mask))
    return edges


def _names_in(edges: pa.Table, payees: IntArray) -> BoolArray:
    """Payments by accounts that are among these payees."""
    names = edges["payee"].combine_chunks().dictionary_encode().dictionary.take(pa.array(payees))
    payers = edges["payer"].to_numpy(zero_copy_only=False)
    mask: BoolArray = np.isin(payers.astype(str), names.to_numpy(zero_copy_only=False).astype(str))
    return mask


def _codes(edges: pa.Table, name: str) -> IntArray:
    """Numbers that stand for the values of a column; -1 for null."""
    encoded = edges[name].combine_chunks().dictionary_encode().indices
    numbers: IntArray = encoded.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers


def dense(ids: IntArray, times: IntArray, number: int, width_ms: int) -> IntArray:
    """Ids (not -1) with at least `number` rows within `width_ms`."""
    order = np.lexsort((times, ids))
    sorted_ids, sorted_times = ids[order], times[order]
    step = number - 1
    if step <= 0 or len(ids) <= step:
        return known(ids) if step <= 0 else np.zeros(0, np.int64)
    is_same = sorted_ids[step:] == sorted_ids[:-step]
    is_near = sorted_times[step:] - sorted_times[:-step] <= width_ms
    return known(sorted_ids[step:][is_same & is_near])


def crowded(ids: IntArray, payers: IntArray, number: int) -> IntArray:
    """Ids (not -1) with at least `number` different payers in all."""
    pairs = np.unique(np.column_stack([ids, payers]), axis=0)[:, 0]
    found, counts = np.unique(pairs, return_counts=True)
    return known(found[counts >= number])


def known(ids: IntArray) -> IntArray:
    """Different ids without the -1 that stands for none."""
    found: IntArray = np.unique(ids)
    return found[found >= 0]
