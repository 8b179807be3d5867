"""Blocking keys of irises: bit sampling (Indyk and Motwani 1998), free of small turns of the head.

A key of a table is k sampled bits of one eye. Two codes with a share h of differing bits agree in
a table with (1 - h)^k, so in one of L tables with 1 - (1 - (1 - h)^k)^L. Bits are sampled from the
inner rings, which eyelids leave free, one ring after the other and as far apart in a ring as they
go, since neighbours repeat each other. A sample with a masked bit makes no key.

A pair turned against each other by s columns meets because each record stands in the index
unturned and asks with its code turned by each probe shift: an index key of one equals an index or
a probe key of the other. Probe keys never make a pair among themselves.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.core.errors import ConfigError
from pipelines.dedup.hashing import fold, splitmix64
from pipelines.dedup.templates import EYES, I64, IRIS_WORDS, U64, Templates

Bool = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]

COLUMNS = 128


@dataclass(frozen=True)
class IrisKeySettings:
    """Tables of iris keys.

    Attributes:
        bits: sampled bits per key, at most 63.
        tables: tables of a record; half of them on each eye, all on one eye where the other is
            absent (they meet those of other records with that eye only; against a record with
            both eyes the first half counts).
        shifts: columns that probe keys are turned by.
        rings: inner rings that are sampled, at most 16.
    """

    bits: int = 21
    tables: int = 80
    shifts: tuple[int, ...] = (1, 2, 3)
    rings: int = 10

    def __post_init__(self) -> None:
        """Refuse samples that a key or a code cannot hold."""
        if not 0 < self.bits <= 63 or not 0 < self.rings <= 16 or self.tables < len(EYES):
            raise ConfigError(
                f"iris keys need 1..63 bits, 1..16 rings and at least 2 tables, "
                f"not {self.bits}, {self.rings} and {self.tables}"
            )


def iris_keys(
    templates: Templates, seed: int, settings: IrisKeySettings | None = None
) -> tuple[I32, U64, Bool]:
    """Keys of a batch.

    Args:
        templates: the records.
        seed: of the sample; equal seeds give equal tables.
        settings: tables.

    Returns:
        row int32, key uint64 and is_probe, one entry per key, by row.
    """
    settings = settings or IrisKeySettings()
    samples = sample_bits(seed, settings)
    tables = np.arange(settings.tables, dtype=np.uint64)
    salts = np.stack(
        [fold(seed, [np.full_like(tables, eye), tables, np.full_like(tables, 2)]) for eye in EYES]
    )
    rows = np.arange(len(templates))
    bodies = np.stack([templates.body_words(eye, rows) for eye in EYES])
    turns = np.array((0, *settings.shifts), dtype=np.int64)
    row, key, is_probe = _sample(templates.words, bodies, samples, salts, turns)
    return row, splitmix64(key), is_probe


def sample_bits(seed: int, settings: IrisKeySettings) -> npt.NDArray[np.int64]:
    """Ring and column of each sampled bit, int64 [2, tables, bits]; both eyes use the same."""
    tables, rings = settings.tables, settings.rings
    visits = -(-settings.bits // rings)
    table = np.repeat(np.arange(tables, dtype=np.uint64), rings)
    ring = np.tile(np.arange(rings, dtype=np.uint64), tables)
    drawn = [
        fold(seed, [table, ring, np.full_like(table, use)]).reshape(tables, rings) for use in (0, 1)
    ]
    order = np.argsort(drawn[0], axis=1)
    first = (np.take_along_axis(drawn[1], order, axis=1) % COLUMNS).astype(np.int64)
    place = np.arange(settings.bits)
    column = (first[:, place % rings] + place // rings * COLUMNS // visits) % COLUMNS
    return np.stack((order[:, place % rings], column))


@njit(cache=True, nogil=True)
def _sample(words: U64, bodies: I64, samples: I64, salts: U64, turns: I64) -> tuple[I32, U64, Bool]:
    """Salted samples of every record, eye, table and turn; unmixed."""
    eyes, records = bodies.shape
    tables = samples.shape[1]
    most = records * tables * len(turns)
    row, key = np.empty(most, dtype=np.int32), np.empty(most, dtype=np.uint64)
    is_probe = np.empty(most, dtype=np.bool_)
    count = 0
    for record in range(records):
        present = (bodies[:, record] >= 0).sum()
        for eye in range(eyes):
            body = bodies[eye, record]
            if body < 0:
                continue
            for table in range(tables // present):
                for t in range(len(turns)):
                    ok, bits = _read(words, body, samples[0, table], samples[1, table], turns[t])
                    if ok:
                        row[count], key[count] = record, salts[eye, table] ^ bits
                        is_probe[count] = t > 0
                        count += 1
    return row[:count], key[:count], is_probe[:count]


@njit(cache=True, nogil=True)
def _read(words: U64, body: int, rings: I64, columns: I64, turn: int) -> tuple[bool, np.uint64]:
    """The sampled bits of a code turned by some columns, and whether all of them are usable."""
    bits, usable = np.uint64(0), np.uint64(1)
    for i in range(len(rings)):
        column = (columns[i] - turn) & (COLUMNS - 1)
        at = body + 2 * rings[i] + (column >> 6)
        place = np.uint64(column & 63)
        bits = (bits << np.uint64(1)) | ((words[at] >> place) & np.uint64(1))
        usable &= words[at + IRIS_WORDS] >> place
    return usable == np.uint64(1), bits
