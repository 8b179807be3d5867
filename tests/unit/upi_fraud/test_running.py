"""A job that is waited for tells when it fails, and why to look where."""

from datetime import date
from io import StringIO
from itertools import count

import pytest

from pipelines.core.errors import DependencyError
from pipelines.core.runlog import RunLog
from pipelines.upi_fraud.running import running, wait


class Job:
    """Has one status after the other, the last one for ever."""

    def __init__(self, *statuses):
        self._statuses, self.is_cancelled = list(statuses), False

    @property
    def name(self):
        return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]

    def get_job_status(self):
        return self

    def cancel(self):
        self.is_cancelled = True
        return self

    def result(self):
        return self


def told(job, looks=10):
    stream, looked = StringIO(), count()
    log = RunLog("upi_fraud", "run", date(2026, 1, 1), stream=stream)
    wait(job, lambda: next(looked) >= looks, 0, log)
    return stream.getvalue()


def test_each_restart_is_told_once():
    text = told(Job("RUNNING", "RESTARTING", "RESTARTING", "RUNNING", "RESTARTING", "RUNNING"))
    assert text.count("failed and is started again") == 2
    assert "pyflink/log" in text


def test_a_job_that_gave_up_is_an_error_that_names_the_log():
    with pytest.raises(DependencyError, match=r"ended by itself.*pyflink/log"):
        told(Job("RUNNING", "FAILED"))


def test_an_end_of_the_input_is_none():
    assert told(Job("RUNNING", "FINISHED")) == ""


def test_the_job_does_not_outlive_who_waits():
    job = Job("RUNNING")
    with pytest.raises(KeyboardInterrupt), running(job):
        raise KeyboardInterrupt
    assert job.is_cancelled
