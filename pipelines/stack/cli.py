"""`python -m pipelines stack`: make the servers as the catalogue says, or say what differs."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack

from pipelines.core import endpoints, object_store
from pipelines.core.catalogue import Catalogue, Overlay, load_catalogue
from pipelines.core.errors import ContractError
from pipelines.core.kafka import admin
from pipelines.stack.buckets import bucket_changes, user_changes
from pipelines.stack.native import NativeStack
from pipelines.stack.plan import Change, apply_changes, format_table
from pipelines.stack.topics import topic_changes


def main(argv: Sequence[str]) -> int:
    """Run one of apply, check, start, stop, status; 4 = the servers differ from the catalogue.

    Raises:
        SangamError: see the exit codes of the README.
    """
    arguments = _parse(argv)
    if arguments.command in ("start", "stop", "status"):
        return _native(arguments.command)
    return reconcile(load_catalogue(), arguments.overlay, arguments.command == "apply")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipelines stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, told in (
        ("apply", "make topics, buckets and users as conf/stack/*.yaml say"),
        ("check", "change nothing; print what differs and end with 4"),
    ):
        command = commands.add_parser(name, help=told)
        command.add_argument(
            "--overlay", choices=("local", "prod"), default="local", help="sizes (%(default)s)"
        )
    commands.add_parser("start", help="start Kafka and MinIO on this machine, without Docker")
    commands.add_parser("stop", help="stop what start has started")
    commands.add_parser("status", help="say what runs, and where")
    return parser.parse_args(argv)


def reconcile(catalogue: Catalogue, overlay: Overlay, is_apply: bool) -> int:
    """Compare, print, and repair if asked; returns the exit code."""
    servers, store = endpoints.kafka_servers(), endpoints.object_store(None)
    with ExitStack() as stack:
        stack.enter_context(object_store.explained(store))
        client = stack.enter_context(admin(servers))
        env = endpoints.stack_environment()
        changes = [
            *topic_changes(client, catalogue, overlay),
            *bucket_changes(object_store.connect(store), catalogue),
            *user_changes(object_store.connect_admin(store), catalogue, env),
        ]
        return _apply(changes) if is_apply else _check(changes)


def _apply(changes: Sequence[Change]) -> int:
    if changes:
        print(format_table(changes))
    print(f"{apply_changes(changes)} changes")
    return 0


def _check(changes: Sequence[Change]) -> int:
    if not changes:
        print("No drift: topics, buckets and users are as the catalogue says.")
        return 0
    print(format_table(changes))
    print(f"{len(changes)} differences")
    return ContractError.exit_code


def _native(command: str) -> int:
    stack = NativeStack()
    if command == "start":
        stack.start(sorted(load_catalogue().users))
    elif command == "stop":
        stack.stop()
    env = stack.environment
    for service, name in (("kafka", endpoints.KAFKA), ("minio", endpoints.S3_ENDPOINT)):
        state = "runs at" if stack.is_up(service) else "is stopped, port"
        print(f"{service:<6} {state} {env.get(name, '-')}")
    return 0
