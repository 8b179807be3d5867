"""Daemon of this job's Python workers: the kernel is loaded once, and forked into each of them.

Loading numba and the compiled kernel takes seconds of a core, in every worker that does it itself.
"""

from pipelines.core.daemon import drop_zips, serve

MODULES = ("pandas", "pipelines.seats.execution", "pipelines.seats.verify")

if __name__ == "__main__":
    drop_zips()
    from pipelines.seats.warm import warm_kernel

    warm_kernel()
    serve(MODULES)
