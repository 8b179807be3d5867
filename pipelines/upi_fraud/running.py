"""A submitted Flink job: waited for, and cancelled when nobody waits any more."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.core.errors import DependencyError
from pipelines.core.jar_groups import flink_home
from pipelines.core.runlog import RunLog

_OVER = ("FINISHED", "FAILED", "CANCELED")


@contextmanager
def running(job: Any) -> Iterator[Any]:
    """Cancel the job when the block ends, however it ends."""
    try:
        yield job
    finally:
        if _status(job) not in _OVER:
            job.cancel().result()


def wait(job: Any, is_done: Callable[[], bool], pause_seconds: float, log: RunLog) -> None:
    """Wait until the job has done what it is asked for, or was stopped from outside.

    Raises:
        DependencyError: it ended before.
    """
    was, reason = "", f"the newest file in {flink_home() / 'log'} says why"
    while not is_done():
        if (status := _status(job)) == "FINISHED":
            return
        if status in _OVER:
            raise DependencyError(f"The Flink job ended by itself; {reason}.")
        if status == "RESTARTING" != was:
            log.warning(f"The Flink job failed and is started again; {reason}.")
        was = status
        time.sleep(pause_seconds)


def _status(job: Any) -> str:
    return str(job.get_job_status().result().name)
