"""Files that must say the same thing twice."""

import yaml

from pipelines.core.catalogue import load_catalogue
from pipelines.core.config import PROJECT_ROOT
from pipelines.core.endpoints import secret_name
from pipelines.stack.minio_build import MINIO_VERSION


def test_the_image_builds_the_server_of_the_native_stack() -> None:
    dockerfile = (PROJECT_ROOT / "docker" / "minio" / "Dockerfile").read_text()
    assert f"ARG MINIO_VERSION={MINIO_VERSION}\n" in dockerfile


def test_every_job_has_its_key_in_the_example_and_in_compose() -> None:
    example = (PROJECT_ROOT / ".env.example").read_text()
    services = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text())["services"]
    for job in load_catalogue().users:
        assert f"{secret_name(job)}=\n" in example
        assert secret_name(job) in services["init"]["environment"]


def test_the_example_holds_no_secret() -> None:
    lines = (PROJECT_ROOT / ".env.example").read_text().splitlines()
    filled = [
        line for line in lines if "SECRET" in line or "PASSWORD" in line or "TOKEN_KEY=" in line
    ]
    assert len(filled) >= 8
    assert all(line.endswith("=") for line in filled)
