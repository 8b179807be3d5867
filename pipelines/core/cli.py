"""Command line of every job: the common flags, and the one place where errors become exit codes.

Imports nothing heavy: `--help` answers without pandas, pydantic or a JVM.
"""

import argparse
import importlib
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from pipelines.core.errors import DependencyError, SangamError
from pipelines.core.masks import mask_text

_PYTHON_FAILURE = r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+(\S[^\n]*)"
_DEBUG_HINT = "Run again with --debug to see the traceback."


class JobParser(argparse.ArgumentParser):
    """argparse that masks identifiers in its own messages."""

    def error(self, message: str) -> NoReturn:
        """Print the masked message with the usage and leave with 2."""
        super().error(mask_text(message))


class _HelpConfig(argparse.Action):
    """`--help-config`: load the job's model only now, print its keys and leave."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from pipelines.core.config import describe

        module, name = str(self.const).split(":")
        print(describe(getattr(importlib.import_module(module), name)))
        parser.exit()


def job_parser(job: str, doc: str | None, config_model: str | None = None) -> JobParser:
    """Parser with the flags that all jobs share; the job adds its own.

    Args:
        job: name of the job, as in `conf/<job>.yaml`.
        doc: docstring of the entry point, shown by `--help`.
        config_model: `module:Class` of the configuration, for `--help-config`.

    Returns:
        Parser whose result has `config`, `as_of` (date or None), `sets`, `dry_run`, `report`
        (Path), `log` and `debug`.
    """
    parser = JobParser(
        prog=f"jobs/{job}.py",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_common_flags(parser, job)
    if config_model:
        parser.add_argument(
            "--help-config",
            action=_HelpConfig,
            nargs=0,
            const=config_model,
            help="list all configuration keys and exit",
        )
    return parser


def _add_common_flags(parser: JobParser, job: str) -> None:
    add = parser.add_argument
    add("--config", type=Path, metavar="FILE", help=f"takes the place of conf/{job}.yaml")
    add("--as-of", type=_iso_date, metavar="YYYY-MM-DD", help="business date (default: today, UTC)")
    add(
        "--set",
        dest="sets",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set one configuration key, such as section.key=3; repeatable",
    )
    add("--dry-run", action="store_true", help="check inputs, print the plan, write nothing")
    add(
        "--report",
        type=Path,
        default=Path("reports", job),
        metavar="DIR",
        help="folder for run.json and report.html (default: %(default)s)",
    )
    add(
        "--log",
        choices=("text", "json"),
        default="text",
        help="json: one object a line on stderr, the run summary as JSON on stdout",
    )
    add("--debug", action="store_true", help="show tracebacks")


def _iso_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date of the form YYYY-MM-DD") from error


class _Terminated(BaseException):
    """SIGTERM, as an exception, so that `finally` blocks and context managers run."""


def main_guard(fn: Callable[[], int | None], debug: bool | None = None) -> int:
    """Run a main function and turn whatever it raises into a message and an exit code.

    Args:
        fn: the main function; its number is the exit code, None means 0.
        debug: show tracebacks; None looks for `--debug` on the command line.

    Returns:
        0 done; 1 failed; 2 usage or configuration; 3 gate or accounting; 4 contract;
        5 dependency; 130 interrupted; 143 terminated.
    """
    show_trace = "--debug" in sys.argv[1:] if debug is None else debug
    try:
        with _sigterm_raises():
            return fn() or 0
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        message, code = str(stop.code), 1
    except KeyboardInterrupt:
        message, code = "Interrupted; nothing more is written.", 130
    except _Terminated:
        message, code = "Terminated; nothing more is written.", 143
    except Exception as error:
        message, code = explain_error(error)
        if show_trace:
            print(mask_text(traceback.format_exc()), file=sys.stderr)
    print(mask_text(message), file=sys.stderr)
    return code


def explain_error(error: Exception) -> tuple[str, int]:
    """Message (what, where, what to do) and exit code for an exception.

    Engine errors are told by the module of their class, so that no engine is imported here.
    """
    if isinstance(error, SangamError):
        return f"Error: {error}", error.exit_code
    if isinstance(error, ModuleNotFoundError):
        message = f"Error: the package {error.name!r} is missing. Run `make setup`."
        return message, DependencyError.exit_code
    families = {cls.__module__.partition(".")[0] for cls in type(error).__mro__}
    if families & {"py4j", "pyspark"} or (
        "py4j" in sys.modules and isinstance(error, ConnectionError)
    ):
        return _explain_spark(error)
    text = str(error).strip() or "no message"
    return f"Error: {type(error).__name__}: {text}\n{_DEBUG_HINT}", 1


def _explain_spark(error: Exception) -> tuple[str, int]:
    """The last cause of a Spark failure in one sentence, without Java's stack."""
    text = str(error).strip()
    if "JAVA_GATEWAY_EXITED" in text or "Java gateway process exited" in text:
        return "Error: Spark's JVM did not start. Run `make doctor`.", DependencyError.exit_code
    if "OutOfMemoryError" in text:
        return (
            "Error: Spark ran out of memory. Give it more, with `spark-submit --driver-memory"
            " 6g`, or take a smaller input."
        ), 1
    if type(error).__name__ == "Py4JNetworkError" or isinstance(error, ConnectionError):
        return (
            "Error: the Spark JVM went away during the run, most often for lack of memory."
            f" {_DEBUG_HINT}"
        ), 1
    if worker := re.findall(_PYTHON_FAILURE, text):
        return f"Error: Spark, in Python code: {worker[-1]}\n{_DEBUG_HINT}", 1
    causes = re.findall(r"(?:Caused by: |^: )(?:[\w$]+\.)*([\w$]+(?::[^\n]*)?)", text, re.MULTILINE)
    first_line = text.partition("\n")[0] or type(error).__name__
    return f"Error: Spark: {causes[-1] if causes else first_line}\n{_DEBUG_HINT}", 1


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """While inside, SIGTERM raises in the main thread; other threads may not set handlers."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
