"""Maximum one-to-one matching of a small bipartite graph."""

import numpy as np
import numpy.typing as npt
from numba import njit

I32 = npt.NDArray[np.int32]


@njit(cache=True, nogil=True)
def maximum_matching(edges: I32, lefts: int, rights: int) -> int:
    """Size of a maximum matching of a bipartite graph, by augmenting paths (Kuhn 1955)."""
    degree = np.zeros(lefts, dtype=np.int32)
    partners = np.empty((lefts, rights), dtype=np.int32)
    for e in range(edges.shape[1]):
        k = edges[0, e]
        partners[k, degree[k]] = edges[1, e]
        degree[k] += 1
    size = 0
    left_of, right_of = np.full(rights, -1, dtype=np.int32), np.full(lefts, -1, dtype=np.int32)
    for start in range(lefts):
        if degree[start]:
            size += _augment(start, partners, degree, left_of, right_of)
    return size


@njit(cache=True, nogil=True)
def _augment(start: int, partners: I32, degree: I32, left_of: I32, right_of: I32) -> int:
    """Match `start` along an alternating path, breadth first; 1 where there is one, else 0."""
    came_from = np.full(len(left_of), -1, dtype=np.int32)
    queue = np.empty(len(right_of), dtype=np.int32)
    queue[0], head, tail = start, 0, 1
    while head < tail:
        k = queue[head]
        head += 1
        for e in range(degree[k]):
            m = partners[k, e]
            if came_from[m] >= 0:
                continue
            came_from[m] = k
            if left_of[m] < 0:
                _flip(m, start, came_from, left_of, right_of)
                return 1
            queue[tail] = left_of[m]
            tail += 1
    return 0


@njit(cache=True, nogil=True)
def _flip(m: int, start: int, came_from: I32, left_of: I32, right_of: I32) -> None:
    """Exchange matched and unmatched edges along the path that ends in free minutia m."""
    while True:
        k = came_from[m]
        after = right_of[k]
        left_of[m], right_of[k] = k, m
        if k == start:
            return
        m = after
