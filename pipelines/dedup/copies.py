"""Rows that share one id: the newest stays, others are the same again or superseded."""

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

UNDATED = np.iinfo(np.int64).min


def find_copies(nodes: I64, moments: I64, content: I64, origin: I64) -> tuple[Bool, Bool]:
    """Which rows give way to another row of their id.

    Among equally new rows the smallest hashes decide, so the order of the input is of no account.

    Args:
        nodes: node id of each row, [rows].
        moments: enrolment, microseconds since 1970, UNDATED where unknown; newer rows win.
        content: hash of what the row says.
        origin: hash of where it came from.

    Returns:
        Rows with the content of the row that stays, and rows with other content; [rows] each.
    """
    # ~x falls as x rises, and cannot overflow.
    order = np.lexsort((origin, content, ~moments, nodes))
    is_first = np.append(True, nodes[order][1:] != nodes[order][:-1])[: len(order)]
    winner = order[np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))]
    is_same, is_other = np.zeros((2, len(nodes)), dtype=bool)
    equal = content[order] == content[winner]
    is_same[order] = ~is_first & equal
    is_other[order] = ~is_first & ~equal
    return is_same, is_other
