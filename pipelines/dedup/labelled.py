"""A finished run beside the truth, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """A run beside the truth; one row per record that has both.

    Attributes:
        cluster, entity: labels [n].
        order: place of each record in (enrolled_at, token) [n].
        reviews: rows of both sides of the open reviews.
        slices: kind of slice -> label of each record [n].
        edges: rows of both sides of the candidate pairs.
        families: key family -> whether it saw each candidate pair.
    """

    cluster: npt.NDArray[Any]
    entity: npt.NDArray[Any]
    order: I64
    reviews: tuple[I64, I64]
    slices: Mapping[str, npt.NDArray[Any]]
    edges: tuple[I64, I64]
    families: Mapping[str, Bools]
