"""Time that processes spend on cores: what others do on the machine is not in it (Linux)."""

import os
from contextlib import suppress
from pathlib import Path


def cpu_seconds(root: int | None = None) -> float:
    """Time on cores of a process and of all below it, as far as they live.

    Args:
        root: process id; this process when None.
    """
    stats: dict[int, tuple[int, int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = place.read_text().rpartition(")")[2].split()
            stats[int(place.parent.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    known, spent, waiting = set(), 0, [root or os.getpid()]
    while waiting:
        parent = waiting.pop()
        known.add(parent)
        spent += stats.get(parent, (0, 0))[1]
        waiting += [
            pid for pid, (above, _) in stats.items() if above == parent and pid not in known
        ]
    return spent / os.sysconf("SC_CLK_TCK")
