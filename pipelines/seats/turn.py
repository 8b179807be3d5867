"""One intake at a time: two that run together would sell the same seat."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.core.errors import ConfigError

LOCK = ".intake.lock"


@contextmanager
def only_intake(lake_root: str) -> Iterator[None]:
    """Hold a lake for one intake; the system lets go when the process ends, however it ends.

    A lake on an object store has no such lock: there whoever starts intakes must see to it.

    Raises:
        ConfigError: another intake holds the lake.
    """
    if "://" in lake_root:
        yield
        return
    Path(lake_root).mkdir(parents=True, exist_ok=True)
    with Path(lake_root, LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"--lake {lake_root}: another intake is at work there; wait for it, or stop it"
            ) from None
        yield
