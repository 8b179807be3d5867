"""Daemon of the Python workers: heavy libraries are imported once, and forked into each worker."""

import importlib

from pyspark import daemon

PRELOADED = (
    "numpy",
    "pandas",
    "pyarrow.compute",
    "pipelines.dedup.pairs",
    "pipelines.dedup.records",
)

if __name__ == "__main__":
    for name in PRELOADED:
        importlib.import_module(name)
    daemon.manager()  # type: ignore[no-untyped-call]
