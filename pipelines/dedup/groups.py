"""Records of equal content: one of them is compared, the others hang on it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.dedup.attributes import RecordStore
from pipelines.dedup.ordering import order_by

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Records of equal content: one representative goes on, the others hang on it.

    Attributes:
        hidden: sorted nodes behind a representative.
        leader: representative of each hidden node.
        leaders: sorted representatives of groups of two or more.
        sizes: records of each such group.
    """

    hidden: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    leader: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    leaders: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    sizes: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def find_groups(store: RecordStore) -> Groups:
    """Records of equal content; the smallest node leads."""
    order = order_by(np.asarray(store.content).view(np.uint64))  # nodes ascend: the first leads
    content = store.content[order]
    first = np.append(True, content[1:] != content[:-1])
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, len(order)))
    leader = np.repeat(store.nodes[order][starts], sizes)
    hidden, behind = store.nodes[order][~first], leader[~first]
    by_node = np.argsort(hidden)
    leaders = store.nodes[order][starts[sizes > 1]]
    by_leader = np.argsort(leaders)
    return Groups(hidden[by_node], behind[by_node], leaders[by_leader], sizes[sizes > 1][by_leader])
