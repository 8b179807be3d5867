"""A real Kafka and a real MinIO for this layer, started once; topics and buckets of the catalogue."""

import os
import shutil
from collections.abc import Iterator

import pytest

from pipelines.core import endpoints
from pipelines.core.catalogue import load_catalogue
from pipelines.stack.cli import reconcile
from pipelines.stack.minio_build import find_minio
from pipelines.stack.native import NativeStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    """The native stack; its addresses and keys are in the environment of the tests."""
    if find_minio() is None and shutil.which("go") is None:
        pytest.skip("no native stack: MinIO was never built here, and there is no Go to build it")
    made = NativeStack(tmp_path_factory.mktemp("stack"))
    before = dict(os.environ)
    try:
        made.start(sorted(load_catalogue().users))
        os.environ.update(made.environment)
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
