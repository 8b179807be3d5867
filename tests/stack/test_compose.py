"""docker-compose.yml on a real engine: produce, ingest, dedup, Flink; all read back from outside."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.delta_tables import Place
from pipelines.core.endpoints import ObjectStore, secret_name
from pipelines.core.kafka import admin, create_topic, read_all
from pipelines.stack.processes import wait_until
from tests.stack.compose import engine

pytestmark = pytest.mark.compose

PROFILES = ("core", "batch", "stream")
PROJECT, RECORDS = "sangamtest", 200
TOPIC, COPY, SERVERS = "identity.enrolments.v1", "tests.copies.v1", "127.0.0.1:9092"
SECRETS = {
    name: f"compose-test-{name.lower()[-12:]}"
    for name in re.findall(
        r"^(SANGAM_\w+)=$", (PROJECT_ROOT / ".env.example").read_text(), re.MULTILINE
    )
}
SETTINGS = {**SECRETS, "SANGAM_S3_ROOT_USER": "sangam-root", "SANGAM_TOKEN_KEY_ID": "1"}
Compose = Callable[..., str]


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[str]]:
    """The compose program; an engine that this starts ends with it."""
    process = None
    if not engine.answers():
        process = engine.start_engine(tmp_path_factory.mktemp("engine") / "dockerd.log")
        if process is None:
            pytest.skip("no Docker engine: none answers, and none can be started here")
    try:
        if (program := engine.compose_command()) is None:
            pytest.skip("neither `docker compose` nor docker-compose is here")
        yield program
    finally:
        if process is not None:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def compose(docker: Sequence[str]) -> Iterator[Compose]:
    """Runs compose as a project of its own; its containers and volumes are removed after."""
    engine.build_images()

    def run(*arguments: str) -> str:
        profiles = [word for name in PROFILES for word in ("--profile", name)]
        command = (*docker, "-p", PROJECT, *profiles, *arguments)
        return engine.run(*command, env=SETTINGS, seconds=600)

    yield run
    run("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="module")
def job(compose: Compose) -> Compose:
    """Runs a command in the container of the jobs; topics, buckets and users are there."""
    compose("run", "--rm", "-T", "spark", "python", "-m", "pipelines", "list")
    return lambda *command: compose("run", "--rm", "-T", "--no-deps", "spark", *command)


def test_every_profile_is_valid_and_every_service_is_pinned_and_watched(
    docker: Sequence[str],
) -> None:
    for profile in PROFILES:
        engine.run(*docker, "--profile", profile, "config", "-q", env=SETTINGS)
    services = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text())["services"]
    for name, service in services.items():
        assert re.search(r":[0-9][\w.]*$", service["image"]), name
        assert "healthcheck" in service, name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name


def test_a_missing_key_is_named(docker: Sequence[str]) -> None:
    settings = {**os.environ, **SETTINGS, "SANGAM_TOKEN_KEY": ""}
    done = subprocess.run(
        [*docker, "--profile", "core", "config", "-q"], cwd=PROJECT_ROOT, env=settings, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "SANGAM_TOKEN_KEY" in done.stderr


@pytest.mark.timeout(2400)
def test_produce_ingest_dedup_and_read_back(job: Compose) -> None:
    told = job("python", "-m", "pipelines", "produce", "identity", "--records", str(RECORDS),
               "--spool", "/var/lib/sangam/spool")  # fmt: skip
    assert f"acknowledged  {RECORDS}" in told
    told = job("spark-submit", "jobs/ingest.py", "--topic", TOPIC, "--once", "--lake", "s3a://sangam",
               "--report", "/var/lib/sangam/ingest")  # fmt: skip
    assert re.search(rf"^out +{RECORDS}$", told, re.MULTILINE), told
    bronze = rows(
        "ingest", "s3a://sangam-bronze/identity/enrolments_v1", "event_id", "enrolment_id"
    )
    assert len({row["event_id"] for row in bronze}) == len(bronze) == RECORDS
    assert all(row["enrolment_id"].startswith("t1_") for row in bronze)
    told = job("spark-submit", "jobs/dedup.py", "--input",
               "s3a://sangam-bronze/identity/enrolments_v1", "--lake", "s3a://sangam-silver/identity",
               "--report", "/var/lib/sangam/dedup")  # fmt: skip
    assert re.search(rf"^in +{RECORDS}$", told, re.MULTILINE), told
    clusters = rows("dedup", "s3a://sangam-silver/identity/clusters_v1", "cluster_id")
    number = len({row["cluster_id"] for row in clusters})
    assert re.search(rf"^clusters +{number}$", told, re.MULTILINE), told


@pytest.mark.timeout(600)
def test_a_flink_job_runs_on_the_cluster(compose: Compose, job: Compose) -> None:
    """After the test before: the enrolments are there."""
    with admin(SERVERS) as client:
        create_topic(client, COPY, 1, 1, {"retention.ms": "-1"})
    compose("up", "-d", "jobmanager", "taskmanager")
    wait_until(lambda: is_healthy("taskmanager"), "the task manager", 120, Path("/nonexistent"))
    script = Path(engine.HERE, "copy_topic.py")
    state = "s3://sangam-checkpoints/upi_fraud/compose-test"
    compose("run", "--rm", "-T", "--no-deps", "-v", f"{script}:/tmp/copy_topic.py:ro", "jobmanager",
            "bash", "-c", '"$FLINK_HOME/bin/flink" run -m jobmanager:8081 -py /tmp/copy_topic.py'
            f" {TOPIC} {COPY} kafka:19092 {state}")  # fmt: skip
    sent, copied = (
        sorted(one.value for one in read_all(SERVERS, topic) if one.value)
        for topic in (TOPIC, COPY)
    )
    assert len(copied) == RECORDS
    assert copied == sent


def rows(user: str, table: str, *columns: str) -> list[dict[str, Any]]:
    """Rows of a table on MinIO, read from this machine."""
    store = ObjectStore("http://127.0.0.1:9000", user, SETTINGS[secret_name(user)])
    found = Place(table, store).table()
    assert found is not None, f"there is no {table}"
    return found.to_pyarrow_table(columns=list(columns)).to_pylist()


def is_healthy(service: str) -> bool:
    """Whether the health check of a service holds."""
    return any(engine.is_healthy(f"{PROJECT}{mark}{service}{mark}1") for mark in "_-")
