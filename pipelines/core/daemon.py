"""Daemon of the Python workers: heavy libraries are imported once, and forked into each worker.

Spark puts zipped copies of PySpark and Py4J before the installed ones, and its own core jar, which
Python takes for a zip too. Every task asks Python to look at its import places again, and Python
then reads the list of such a file anew, 10,000 names of the jar among them: a fifth of a second,
which can take longer than the task. So the zips go.

After every task the worker also looks through all its objects for garbage. Those of the libraries
are never any, and to look through them took a tenth of a second: they are frozen before the fork.
"""

import gc
import importlib
import sys
from collections.abc import Iterable

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


def serve(modules: Iterable[str]) -> None:
    """Import modules once, then fork a worker whenever Spark asks for one."""
    drop_zips()
    for name in modules:
        importlib.import_module(name)
    from pyspark import daemon

    gc.freeze()
    daemon.manager()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    serve(PRELOADED)
