"""`python -m pipelines`: list the jobs, run one, keep contracts and stack, examine the machine."""

import argparse
import ast
import difflib
import importlib
import runpy
import sys
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


def main() -> int:
    """Parse the command and delegate."""
    parser = argparse.ArgumentParser(prog="python -m pipelines", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the jobs")
    run = commands.add_parser(
        "run", help="run a job; its own flags follow its name", add_help=False
    )
    run.add_argument("job")
    parts = [run]
    for name, (_, told) in TOOLS.items():
        parts.append(commands.add_parser(name, help=told, add_help=False))
    for part in parts:
        part.add_argument("rest", nargs=argparse.REMAINDER)
    commands.add_parser("doctor", help="say what is missing on this machine")
    args, rest = parser.parse_known_args()
    if args.command == "run":
        return run_job(args.job, [*args.rest, *rest])
    if args.command in TOOLS:
        tool = importlib.import_module(TOOLS[args.command][0])
        return int(tool.main([*args.rest, *rest]))
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if args.command == "doctor":
        from pipelines.core import doctor

        return doctor.main()
    jobs = list_jobs()
    width = max(map(len, jobs), default=0)
    print("\n".join(f"{name:<{width}}  {line}" for name, line in jobs.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main_guard(main))
