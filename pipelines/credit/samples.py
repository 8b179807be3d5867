"""A labelled sample in the driver's memory: what scorecards and challengers are fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Values = npt.NDArray[Any]


@dataclass(frozen=True)
class Sample:
    """Labelled applications.

    Attributes:
        columns: values [n] by feature; numbers as float64 with NaN for missing, categories as
            objects with None for missing.
        is_bad: 1 for a default, 0 for a good one [n].
    """

    columns: Mapping[str, Values]
    is_bad: I64

    def __len__(self) -> int:
        return len(self.is_bad)

    def take(self, rows: I64) -> "Sample":
        """The given rows, in the given order."""
        return Sample({name: v[rows] for name, v in self.columns.items()}, self.is_bad[rows])


def is_missing(values: Values) -> npt.NDArray[np.bool_]:
    """Where a column has no value [n]."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.array([value is None for value in values], dtype=np.bool_)


def stratified_folds(is_bad: I64, folds: int, seed: int) -> I64:
    """Number of the fold of each row [n]; each fold holds its share of both classes."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(is_bad), dtype=np.int64)
    for label in (0, 1):
        rows = np.flatnonzero(is_bad == label)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % folds
    return fold
