"""Entries of records in the buckets of their iris and finger keys.

Irises come first. Finger keys are many and weak, so pairs by fingers are asked for only where iris
keys may miss: one side must lack a good iris. Such records stand in the index, the others probe it.
"""

import numpy as np
import numpy.typing as npt

from pipelines.dedup.config import SignatureSettings
from pipelines.dedup.entries import CAPTURE_ENTRY
from pipelines.dedup.finger_keys import FingerKeySettings, finger_keys, lacks_good_irises
from pipelines.dedup.iris_keys import IrisKeySettings, iris_keys
from pipelines.dedup.keys import KeyLayout
from pipelines.dedup.templates import Templates

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

IRISES, FINGERS = 1, 2  # salts that keep keys of both kinds apart


def capture_entries(
    nodes: I64, templates: Templates, layout: KeyLayout, wanted: U64 | None = None
) -> npt.NDArray[np.void]:
    """Entries of some records by their captures, an array of `CAPTURE_ENTRY`.

    Args:
        nodes: record per row of the templates.
        templates: packed captures.
        layout: settings and family numbers.
        wanted: sorted finger keys that stand in the index; probes of other keys meet nobody.
    """
    settings, names = layout.settings, layout.names
    irises = iris_keys(templates, settings.seed, _iris_settings(settings))
    parts = [_entries(nodes, *irises, names.index("irises"))]
    index = lacks_good_irises(templates)
    row, key, probe = finger_keys(templates, settings.seed, _finger_settings(settings), index)
    if wanted is not None and len(wanted):
        at = np.searchsorted(wanted, key).clip(max=len(wanted) - 1)
        meets = wanted[at] == key
        row, key, probe = row[meets], key[meets], probe[meets]
    elif wanted is not None:
        row, key, probe = row[:0], key[:0], probe[:0]
    parts.append(_entries(nodes, row, key, probe, names.index("fingers")))
    return np.concatenate(parts)


def indexed_finger_keys(templates: Templates, layout: KeyLayout) -> U64:
    """Distinct finger keys of the records that lack a good iris, sorted."""
    rows = np.flatnonzero(lacks_good_irises(templates))
    _, key, _ = finger_keys(
        templates.take(rows), layout.settings.seed, _finger_settings(layout.settings)
    )
    return np.unique(key)


def _iris_settings(settings: SignatureSettings) -> IrisKeySettings:
    shifts = tuple(range(1, settings.iris_shifts + 1))
    return IrisKeySettings(settings.iris_bits, settings.iris_tables, shifts)


def _finger_settings(settings: SignatureSettings) -> FingerKeySettings:
    return FingerKeySettings(keys=settings.finger_keys)


def _entries(
    nodes: I64, row: npt.NDArray[np.int32], key: U64, probe: npt.NDArray[np.bool_], family: int
) -> npt.NDArray[np.void]:
    entries = np.empty(len(row), dtype=CAPTURE_ENTRY)
    entries["key"], entries["node"] = key, nodes[row]
    entries["family"], entries["probe"] = family, probe
    return entries
