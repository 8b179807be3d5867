"""A server that is away: how long it is waited for, and what is said of it."""

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException

from pipelines.core.errors import DependencyError, SangamError
from pipelines.ingest import pipeline
from pipelines.ingest.config import IngestConfig
from pipelines.ingest.failures import explain_failure, is_transient, told_in_a_line
from pipelines.ingest.patience import Patience
from pipelines.ingest.places import Places

PLACES = Places(
    "t.v1", "upi.Label", "t.v1.dlq", "s3a://lake-bronze/t", "s3a://lake/c", "s3a://lake/a"
)
CONFIG = IngestConfig(retry_seconds=60, retry_first_seconds=1, retry_max_seconds=16)


class Clock:
    """A clock that stands still until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def tries(patience: Patience, clock: Clock, batches: int, lasting: float) -> list[float]:
    """Pauses until it gives up."""
    pauses: list[float] = []
    while True:
        patience.begin()
        clock.now += lasting
        pause = patience.next_pause(batches)
        if pause is None:
            return pauses
        pauses.append(pause)
        clock.now += pause


def test_pauses_double_up_to_the_longest_within_the_time() -> None:
    clock = Clock()
    assert tries(Patience(CONFIG, clock), clock, 3, 0) == [1, 2, 4, 8, 16, 16]


def test_a_finished_batch_gives_the_full_time_back() -> None:
    clock = Clock()
    patience = Patience(CONFIG, clock)
    assert tries(patience, clock, 3, 0) == tries(patience, clock, 4, 0)


def test_a_long_silence_between_two_failures_gives_the_full_time_back() -> None:
    clock = Clock()
    patience = Patience(CONFIG, clock)
    patience.begin()
    assert patience.next_pause(3) == 1
    patience.begin()
    clock.now += 3_600  # nothing arrived, and nothing failed
    assert patience.next_pause(3) == 1


@pytest.mark.parametrize(
    ("text", "line", "exit_code"),
    [
        ("Query q [id = 1] terminated with exception: Timeout of 5000ms\nTimeoutException", "Timeout of 5000ms", 5),
        ("An error occurred while calling o1.exists.\n: java.net.ConnectException: fs.s3a\n\tat x", "java.net.ConnectException: fs.s3a", 5),
        ("Generic S3 error\n  error sending request", "Generic S3 error", 5),
    ],
)  # fmt: skip
def test_a_server_that_is_away_is_told_in_one_line(text: str, line: str, exit_code: int) -> None:
    error = OSError(text)
    assert is_transient(error)
    assert told_in_a_line(error) == line
    told = explain_failure(error, PLACES, "127.0.0.1:1")
    assert isinstance(told, DependencyError)
    assert told.exit_code == exit_code


@pytest.mark.parametrize("text", ["AccessDenied fs.s3a", "division by zero", ""])
def test_what_lasts_is_not_waited_for(text: str) -> None:
    error = OSError(text)
    assert not is_transient(error)
    assert isinstance(explain_failure(error, PLACES, "127.0.0.1:1"), SangamError)
    assert told_in_a_line(error)


class Log:
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def run_with(monkeypatch: pytest.MonkeyPatch, errors: list[Exception]) -> tuple[Log, int]:
    """The loop of a run whose tries fail with these errors, then succeed."""
    left, log = list(errors), Log()

    def start(*_: Any) -> Any:
        if left:
            raise left.pop(0)
        return SimpleNamespace(awaitTermination=lambda: None)

    monkeypatch.setattr(pipeline, "_start", start)
    monkeypatch.setattr(pipeline.time, "sleep", lambda _: None)
    writer: Any = SimpleNamespace(
        config=CONFIG, places=PLACES, servers="127.0.0.1:1", tally=SimpleNamespace(batches=0, stopped="")
    )  # fmt: skip
    pipeline._run_until_done(writer, Any, log)  # type: ignore[arg-type]
    return log, len(left)


def test_a_run_goes_on_whoever_says_that_the_store_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    query = StreamingQueryException("Query q terminated with exception: fs.s3a is away")
    log, left = run_with(monkeypatch, [query, OSError("Generic S3 error\n sending request")])
    assert left == 0
    assert [one.partition(": ")[2] for one in log.warnings] == [
        "fs.s3a is away",
        "Generic S3 error",
    ]


def test_a_failure_that_lasts_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SangamError, match="division by zero"):
        run_with(monkeypatch, [StreamingQueryException("division by zero")])
