"""Daemon of the Python workers: heavy libraries are imported once, and forked into each worker.

Spark puts zipped copies of PySpark and Py4J before the installed ones, and its own core jar, which
Python takes for a zip too. Every task asks Python to look at its import places again, and Python
then reads the list of such a file anew, 10,000 names of the jar among them: a fifth of a second,
which can take longer than the task. So the zips go.

After every task the worker also looks through all its objects for garbage. Those of the libraries
are never any, and to look through them took a tenth of a second: they are frozen before the fork.

Spark drops a worker that was idle for a minute, and sees to it that the worker ends when it cannot
write; over a Unix socket it notices at once, and then says so with a stack trace. It ends quietly.
"""

import gc
import importlib
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

PRELOADED = (
    "numpy",
    "pandas",
    "pyarrow.compute",
    "pipelines.dedup.pairs",
    "pipelines.dedup.row_stage",
)


_ZIPS = (".zip", ".jar")


def drop_zips() -> None:
    """Import from installed packages only."""
    sys.path[:] = [place for place in sys.path if not place.endswith(_ZIPS)]
    for place in list(sys.path_importer_cache):
        if any(kind in place for kind in _ZIPS):
            del sys.path_importer_cache[place]


def ends_quietly(worker: Callable[[Any, bool], int]) -> Callable[[Any, bool], int]:
    """A worker's loop that ends without a word when nobody reads what it writes."""

    @wraps(worker)
    def run(sock: Any, authenticated: bool) -> int:
        try:
            return worker(sock, authenticated)
        except BrokenPipeError:
            return 1

    return run


def serve(modules: Iterable[str]) -> None:
    """Import modules once, then fork a worker whenever Spark asks for one."""
    drop_zips()
    for name in modules:
        importlib.import_module(name)
    from pyspark import daemon

    daemon.worker = ends_quietly(daemon.worker)
    gc.freeze()
    daemon.manager()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    serve(PRELOADED)
