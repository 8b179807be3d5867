"""Where the servers are, from the environment or from the native stack's folder."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.core.endpoints import ObjectStore, kafka_servers, object_store, stack_environment
from pipelines.core.errors import ConfigError
from pipelines.core.lake import Lake


def test_the_environment_wins_over_the_folder(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("SANGAM_KAFKA=a:1\nSANGAM_S3_ENDPOINT=http://b:2\n")
    env = stack_environment({"SANGAM_KAFKA": "c:3"}, tmp_path)
    assert kafka_servers(env) == "c:3"
    assert env["SANGAM_S3_ENDPOINT"] == "http://b:2"


def test_a_job_is_its_own_user() -> None:
    env = {"SANGAM_S3_ENDPOINT": "https://store:9000", "SANGAM_S3_SECRET_INGEST": "hidden-value"}
    store = object_store("ingest", env)
    assert (store.address, store.is_secure, store.access_key) == ("store:9000", True, "ingest")
    assert "hidden-value" not in repr(store)


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        object_store(None, {})
    for name in ("SANGAM_S3_ENDPOINT", "SANGAM_S3_ROOT_USER", "SANGAM_S3_ROOT_PASSWORD"):
        assert name in str(caught.value)
    with pytest.raises(ConfigError, match="SANGAM_S3_SECRET_DEDUP"):
        object_store("dedup", {"SANGAM_S3_ENDPOINT": "http://x"})


def test_a_store_shows_its_address() -> None:
    assert ObjectStore("http://127.0.0.1:9000", "a", "b").address == "127.0.0.1:9000"


def test_a_lake_on_a_store_is_reached_as_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANGAM_S3_ENDPOINT", "http://store:9000")
    monkeypatch.setenv("SANGAM_S3_SECRET_CREDIT_SCORE", "hidden-value")
    context = SimpleNamespace(appName="credit_score")
    session: Any = SimpleNamespace(sparkContext=context, conf=SimpleNamespace(set=lambda *_: None))
    options = Lake(session, "s3a://sangam-silver/credit").place("scores").options or {}
    assert options["AWS_ACCESS_KEY_ID"] == "credit_score"
    assert options["AWS_SECRET_ACCESS_KEY"] == "hidden-value"
    assert Lake(session, "lake").place("scores").options is None
