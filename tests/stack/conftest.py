"""A real Kafka and a real MinIO for this layer, started once; topics and buckets of the catalogue."""

import os
from collections.abc import Iterator

import pytest

from pipelines.core import endpoints
from pipelines.core.catalogue import load_catalogue
from pipelines.core.errors import DependencyError
from pipelines.stack.cli import reconcile
from pipelines.stack.native import NativeStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    """The native stack; its addresses and keys are in the environment of the tests."""
    made = NativeStack(tmp_path_factory.mktemp("stack"))
    before = dict(os.environ)
    try:
        made.start(sorted(load_catalogue().users))
    except DependencyError as error:
        made.stop()
        pytest.skip(f"no native stack: {error}")
    os.environ.update(made.environment)
    try:
        reconcile(load_catalogue(), "local", is_apply=True)
        yield made
    finally:
        made.stop()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def servers(stack: NativeStack) -> str:
    return stack.environment[endpoints.KAFKA]


@pytest.fixture
def root(stack: NativeStack) -> endpoints.ObjectStore:
    return endpoints.object_store(None, stack.environment)
