"""Exit codes, messages and the common flags."""

import json
import os
import signal
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from pipelines.core.cli import job_parser, main_guard
from pipelines.core.errors import (
    ConfigError,
    ContractError,
    DependencyError,
    GateError,
    SangamError,
)

ROOT = Path(__file__).parents[3]


def raising(error: BaseException):
    def fail() -> int:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SangamError("x"), 1),
        (ValueError("x"), 1),
        (ConfigError("x"), 2),
        (GateError("x"), 3),
        (ContractError("x"), 4),
        (DependencyError("x"), 5),
        (ModuleNotFoundError("no", name="splink"), 5),
        (KeyboardInterrupt(), 130),
        (SystemExit(2), 2),
        (SystemExit(None), 0),
    ],
)
def test_every_failure_has_its_exit_code(error, code, capsys):
    assert main_guard(raising(error), debug=False) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_main_function_gives_its_own_code():
    assert main_guard(lambda: None, debug=False) == 0
    assert main_guard(lambda: 3, debug=False) == 3


def test_sigterm_ends_with_143_and_runs_the_cleanup(capsys):
    left = []

    def work() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            left.append("cleaned")
        return 0

    before = signal.getsignal(signal.SIGTERM)
    assert main_guard(work, debug=False) == 143
    assert left == ["cleaned"]
    assert signal.getsignal(signal.SIGTERM) == before
    assert "Terminated" in capsys.readouterr().err


def test_debug_shows_the_traceback_and_both_are_masked(capsys):
    main_guard(raising(ConfigError("person 012345678907, phone 9876543210")), debug=True)
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "**********07" in told
    assert "012345678907" not in told
    assert "9876543210" not in told


def fake_engine_error(module: str, name: str, text: str) -> Exception:
    return type(name, (Exception,), {"__module__": module})(text)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            fake_engine_error(
                "py4j.protocol",
                "Py4JJavaError",
                "An error occurred while calling o1.save.\n: org.apache.spark.SparkException: Job"
                " aborted\n\tat a.B.c(B.scala:1)\nCaused by: java.io.IOException: disk is full"
                "\n\tat a.B.d(B.scala:2)",
            ),
            1,
            "IOException: disk is full",
        ),
        (
            fake_engine_error(
                "pyspark.errors.exceptions.captured",
                "PythonException",
                "Thrown from the Python worker\nTraceback (most recent call last):\n"
                '  File "a.py", line 3, in f\nValueError: bad code length 255\n',
            ),
            1,
            "ValueError: bad code length 255",
        ),
        (
            fake_engine_error(
                "pyspark.errors", "PySparkRuntimeError", "[JAVA_GATEWAY_EXITED] Java gateway"
            ),
            5,
            "make doctor",
        ),
        (
            fake_engine_error("py4j.protocol", "Py4JNetworkError", "Answer is missing"),
            1,
            "went away",
        ),
        (
            fake_engine_error("py4j.protocol", "Py4JJavaError", "java.lang.OutOfMemoryError: heap"),
            1,
            "out of memory",
        ),
        (
            fake_engine_error("pyspark.errors", "AnalysisException", "[PATH_NOT_FOUND] no /x"),
            1,
            "[PATH_NOT_FOUND] no /x",
        ),
    ],
)
def test_engine_errors_become_a_sentence(error, code, told, capsys):
    assert main_guard(raising(error), debug=False) == code
    message = capsys.readouterr().err
    assert told in message
    assert "\tat " not in message


def test_common_flags():
    args = job_parser("demo", "Doc.").parse_args(
        ["--as-of", "2024-02-29", "--set", "a.b=1", "--set", "c=2", "--dry-run", "--log", "json"]
    )
    assert args.as_of == date(2024, 2, 29)
    assert args.sets == ["a.b=1", "c=2"]
    assert (args.dry_run, args.log, args.debug, args.config) == (True, "json", False, None)
    assert args.report == Path("reports/demo")


@pytest.mark.parametrize("flags", [["--as-of", "2023-02-29"], ["--log", "xml"], ["--no-such"]])
def test_wrong_usage_is_2(flags, capsys):
    assert main_guard(lambda: job_parser("demo", "Doc.").parse_args(flags) and 0, False) == 2
    assert "usage:" in capsys.readouterr().err


def test_usage_errors_are_masked(capsys):
    main_guard(lambda: job_parser("demo", "Doc.").parse_args(["012345678907"]) and 0, False)
    assert "012345678907" not in capsys.readouterr().err


def test_help_config_loads_the_model_on_demand(capsys):
    parser = job_parser("dedup", "Doc.", "pipelines.core.config:JobConfig")
    assert main_guard(lambda: parser.parse_args(["--help-config"]) and 0, False) == 0


def test_list_names_the_jobs(tmp_path, monkeypatch, capsys):
    from pipelines import __main__ as program

    (tmp_path / "demo.py").write_text('"""Shows how.\n\nMore."""\nraise SystemExit(9)\n')
    monkeypatch.setattr(program, "JOBS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["pipelines", "list"])
    assert program.main() == 0
    assert capsys.readouterr().out == "demo  Shows how.\n"


def test_run_passes_the_flags_on_and_returns_the_code(tmp_path, monkeypatch, capsys):
    from pipelines import __main__ as program

    script = '"""Doc."""\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\nsys.exit(3)\n'
    (tmp_path / "demo.py").write_text(script)
    monkeypatch.setattr(program, "JOBS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["pipelines", "run", "demo", "--set", "a=1", "--help"])
    assert main_guard(program.main, debug=False) == 3
    assert json.loads(capsys.readouterr().out) == ["--set", "a=1", "--help"]


def test_schemas_delegates_all_that_follows(monkeypatch):
    from pipelines import __main__ as program
    from pipelines.core import compatibility

    given = []
    monkeypatch.setattr(compatibility, "main", lambda argv: given.append(argv) or 4)
    for flags in (["check", "--against", "v1"], ["--help"]):
        monkeypatch.setattr(sys, "argv", ["pipelines", "schemas", *flags])
        assert main_guard(program.main, debug=False) == 4
    assert given == [["check", "--against", "v1"], ["--help"]]


def test_run_of_an_unknown_job_names_the_nearest(tmp_path, monkeypatch, capsys):
    from pipelines import __main__ as program

    (tmp_path / "dedup.py").write_text('"""Doc."""\n')
    monkeypatch.setattr(program, "JOBS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["pipelines", "run", "dedupe"])
    assert main_guard(program.main, debug=False) == 2
    assert "'dedup'" in capsys.readouterr().err


def test_what_follows_the_name_of_a_tool_is_its_own_in_that_order(monkeypatch):
    from pipelines import __main__ as program
    from pipelines.stack import cli

    seen = []
    monkeypatch.setattr(cli, "main", lambda words: seen.append(list(words)) or 3)
    assert program.main(["stack", "--overlay", "prod", "check", "--", "x"]) == 3
    assert seen == [["--overlay", "prod", "check", "--", "x"]]
