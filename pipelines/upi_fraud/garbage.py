"""How often Python looks for circles of objects."""

import gc

_AFTER = (100_000, 50, 50)


def collect_rarely() -> None:
    """Look a hundred times more rarely than by default, and never at what is there already.

    Messages and outcomes are many small tuples that refer to nothing in a circle; looking through
    them again and again took a quarter of the time of a run.
    """
    gc.freeze()
    gc.set_threshold(*_AFTER)
