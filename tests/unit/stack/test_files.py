"""Files that must say the same thing twice."""

from pathlib import Path

from pipelines.core.catalogue import load_catalogue
from pipelines.core.config import PROJECT_ROOT
from pipelines.core.endpoints import secret_name
from pipelines.core.jar_groups import flink_home
from pipelines.core.yaml_text import read_yaml
from pipelines.stack.minio_build import MINIO_VERSION


def test_the_image_builds_the_server_of_the_native_stack() -> None:
    dockerfile = (PROJECT_ROOT / "docker" / "minio" / "Dockerfile").read_text()
    assert f"ARG MINIO_VERSION={MINIO_VERSION}\n" in dockerfile


def test_every_job_has_its_key_in_the_example_and_in_compose() -> None:
    example = (PROJECT_ROOT / ".env.example").read_text()
    services = read_yaml((PROJECT_ROOT / "docker-compose.yml").read_text(), "compose")["services"]
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


def test_the_cluster_of_compose_opens_java_as_flink_s_own_configuration_does() -> None:
    def options(file: Path) -> list[str]:
        found: str = read_yaml(file.read_text(), file.name)["env"]["java"]["opts"]["all"]
        return found.split()

    ours = options(PROJECT_ROOT / "docker" / "flink" / "config.yaml")
    assert ours == options(flink_home() / "conf" / "config.yaml")
