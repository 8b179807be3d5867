"""The way of every job from its command line to its summary.

Imports nothing heavy before the arguments are checked: `--help` answers without an engine.
"""

import importlib
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pipelines.core.cli import job_parser, main_guard
from pipelines.core.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from pipelines.core.runlog import RunLog
    from pipelines.core.summary import RunSummary

RequestT = TypeVar("RequestT", bound="DataclassInstance")
AddFlag = Callable[..., Any]
"""`add_argument` of the job's parser."""
OpenLog = Callable[[], "RunLog"]
"""Opens the log of a run, whose clock starts then."""


def job_main(
    job: str, doc: str | None, config_model: str, request_model: type[RequestT],
    add_flags: Callable[[AddFlag], None],
    run: Callable[[Any, RequestT, OpenLog], "RunSummary"],
) -> int:  # fmt: skip
    """Parse the arguments, run the job, print its summary.

    Args:
        job: name of the job, as in `conf/<job>.yaml`.
        doc: docstring of the entry point, shown by `--help`.
        config_model: `module:Class` of the configuration, loaded once the arguments are good.
        request_model: what the user asked for; a flag fills the field of its name.
        add_flags: adds the job's own flags to the common ones.
        run: the job, from its configuration, its request and a function that opens its log.

    Returns:
        The exit code, see `main_guard`.
    """
    parser = job_parser(job, doc, config_model)
    add_flags(parser.add_argument)
    arguments = parser.parse_args()

    def work() -> None:
        from pipelines.core.config import load_config
        from pipelines.core.summary import print_table

        module, name = config_model.split(":")
        model = getattr(importlib.import_module(module), name)
        config = load_config(model, job, arguments.config, arguments.sets)
        request = make_request(request_model, arguments)
        print_table(run(config, request, partial(_open_log, job, arguments)), arguments.log)

    return main_guard(work, arguments.debug)


def sets_key(key: str, kind: Callable[[str], object]) -> dict[str, Any]:
    """Arguments of `add_argument` for a flag that is short for `--set KEY=VALUE`.

    Args:
        key: dotted configuration key.
        kind: type of the value; its name is in the message about a wrong one.
    """

    def setting(text: str) -> str:
        return f"{key}={kind(text)}"

    setting.__name__ = getattr(kind, "__name__", "value")
    return {"dest": "sets", "action": "append", "type": setting}


def refuse_alone(flag: str, is_given: bool, others: Mapping[str, bool]) -> None:
    """Refuse flags that mean something only beside another one, rather than pass them over.

    Args:
        flag: what they go with.
        is_given: whether it is there.
        others: whether each of them is there.

    Raises:
        ConfigError: one is there without it.
    """
    alone = [other for other, is_there in others.items() if is_there]
    if alone and not is_given:
        raise ConfigError(f"{alone[0]} goes with {flag}: add {flag}, or leave {alone[0]} out.")


def make_request(model: type[RequestT], arguments: Namespace) -> RequestT:
    """The request of a command line; what was not said keeps the default of its field."""
    said = {one.name: getattr(arguments, one.name) for one in fields(model)}
    return model(**{name: value for name, value in said.items() if value is not None})


def _open_log(job: str, arguments: Namespace) -> "RunLog":
    from pipelines.core.clock import utc_today
    from pipelines.core.runlog import RunLog

    return RunLog(job, "", arguments.as_of or utc_today(), style=arguments.log)
