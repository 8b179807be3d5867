"""`python -m pipelines`: list the jobs, run one, keep contracts and stack, examine the machine."""

import argparse
import ast
import difflib
import importlib
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.core.cli import main_guard
from pipelines.core.errors import ConfigError

JOBS = Path(__file__).resolve().parents[1] / "jobs"
TOOLS = {
    "schemas": ("pipelines.core.compatibility", "check the record contracts"),
    "stack": ("pipelines.stack.cli", "topics, buckets and users; a native Kafka and MinIO"),
    "produce": ("pipelines.produce.cli", "send records of a domain to Kafka"),
    "demo": ("pipelines.demo.cli", "run the five jobs on small data and link their reports"),
    "dlq": ("pipelines.ingest.dlq_cli", "list, show, replay and purge dead letters"),
}
"""Commands that are modules of their own: module with `main(arguments)`, help."""


def list_jobs() -> dict[str, str]:
    """Name and first docstring line of each entry point, read without importing it."""
    found = {}
    for file in sorted(JOBS.glob("[a-z]*.py")):
        doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        found[file.stem] = doc.partition("\n")[0]
    return found


def run_job(name: str, arguments: list[str]) -> int:
    """Run `jobs/<name>.py` as a script in this process.

    Raises:
        ConfigError: there is no such job.
    """
    if name not in (jobs := list_jobs()):
        near = difflib.get_close_matches(name, jobs, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Jobs: {', '.join(jobs)}."
        raise ConfigError(f"There is no job {name!r}. {hint}")
    script = str(JOBS / f"{name}.py")
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Hand over to a tool or a job, with what follows its name; else list or examine."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Not by a parser with a remainder: that takes a flag right behind the name for its own.
    if words and words[0] in TOOLS:
        tool = importlib.import_module(TOOLS[words[0]][0])
        return int(tool.main(words[1:]))
    if len(words) > 1 and words[0] == "run" and not words[1].startswith("-"):
        return run_job(words[1], words[2:])
    args = _parser().parse_args(words)
    if args.command == "doctor":
        from pipelines.core import doctor

        return doctor.main()
    jobs = list_jobs()
    width = max(map(len, jobs), default=0)
    print("\n".join(f"{name:<{width}}  {line}" for name, line in jobs.items()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the jobs")
    run = commands.add_parser("run", help="run a job; its own flags follow its name")
    run.add_argument("job")
    for name, (_, told) in TOOLS.items():
        commands.add_parser(name, help=told)
    commands.add_parser("doctor", help="say what is missing on this machine")
    return parser


if __name__ == "__main__":
    sys.exit(main_guard(main))
