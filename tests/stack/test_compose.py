"""docker-compose.yml on a real engine: produce, ingest, and the rows read back from MinIO."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.delta_tables import Place
from pipelines.core.endpoints import ObjectStore
from tests.stack.compose import engine

pytestmark = pytest.mark.compose

PROFILES = ("core", "batch", "stream")
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
        command = (*docker, "-p", "sangamtest", "--profile", "batch", *arguments)
        return engine.run(*command, env=SETTINGS, seconds=900)

    yield run
    run("down", "--volumes", "--timeout", "20")


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
def test_produce_ingest_and_read_back(compose: Compose, tmp_path: Path) -> None:
    def job(*command: str) -> str:
        return compose("run", "--rm", "-T", "spark", *command)

    told = job("python", "-m", "pipelines", "produce", "identity", "--records", "200",
               "--spool", "/var/lib/sangam/spool")  # fmt: skip
    assert "acknowledged  200" in told
    told = job("spark-submit", "jobs/ingest.py", "--topic", "identity.enrolments.v1", "--once",
               "--lake", "s3a://sangam", "--report", "/var/lib/sangam/ingest")  # fmt: skip
    assert re.search(r"^out +200$", told, re.MULTILINE), told
    store = ObjectStore("http://127.0.0.1:9000", "ingest", SETTINGS["SANGAM_S3_SECRET_INGEST"])
    table = Place("s3a://sangam-bronze/identity/enrolments_v1", store).table()
    assert table is not None
    rows = table.to_pyarrow_table(columns=["event_id", "enrolment_id"])
    assert len(set(rows["event_id"].to_pylist())) == 200
    assert all(token.startswith("t1_") for token in rows["enrolment_id"].to_pylist())
    told = job("spark-submit", "jobs/dedup.py", "--input",
               "s3a://sangam-bronze/identity/enrolments_v1", "--mapping",
               "conf/profiles/identity_in.yaml", "--lake", "/var/lib/sangam/lake", "--report",
               "/var/lib/sangam/dedup")  # fmt: skip
    assert re.search(r"^in +200$", told, re.MULTILINE), told
