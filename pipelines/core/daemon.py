"""Daemon of the Python workers: heavy libraries are imported once, and forked into each worker.

Spark puts zipped copies of PySpark and Py4J before the installed ones. Every task asks Python to
look at its import places again, and Python then reads the list of such a zip anew for each package
it ever imported from it, which can take longer than the task. So the zips go.
"""

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


def drop_zips() -> None:
    """Import from installed packages only."""
    sys.path[:] = [place for place in sys.path if not place.endswith(".zip")]
    for place in [place for place in sys.path_importer_cache if ".zip" in place]:
        del sys.path_importer_cache[place]


def serve(modules: Iterable[str]) -> None:
    """Import modules once, then fork a worker whenever Spark asks for one."""
    drop_zips()
    for name in modules:
        importlib.import_module(name)
    from pyspark import daemon

    daemon.manager()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    serve(PRELOADED)
