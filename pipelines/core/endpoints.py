"""Where the broker and the object store are, and who a job is there. Standard library only.

The environment says it; where it does not, the native stack that runs beside the checkout does
(`make stack-native` leaves its addresses and keys in a file only its owner may read).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

from pipelines.core.errors import ConfigError

STACK_FOLDER = Path(__file__).resolve().parents[2] / ".sangam" / "stack"
KAFKA = "SANGAM_KAFKA"
S3_ENDPOINT = "SANGAM_S3_ENDPOINT"
ROOT_USER, ROOT_PASSWORD = "SANGAM_S3_ROOT_USER", "SANGAM_S3_ROOT_PASSWORD"


@dataclass(frozen=True)
class ObjectStore:
    """An S3 end point and the user that speaks to it.

    Attributes:
        url: with scheme and port, such as `http://127.0.0.1:9000`.
        access_key: name of the user.
        secret_key: never shown.
    """

    url: str
    access_key: str
    secret_key: str = field(repr=False)

    @property
    def address(self) -> str:
        """Host and port."""
        return urlparse(self.url).netloc

    @property
    def is_secure(self) -> bool:
        """Whether it speaks TLS."""
        return urlparse(self.url).scheme == "https"


def secret_name(job: str) -> str:
    """Environment variable with the secret of a job's user."""
    return f"SANGAM_S3_SECRET_{job.upper()}"


def stack_environment(
    env: Mapping[str, str] = os.environ, folder: Path = STACK_FOLDER
) -> dict[str, str]:
    """The environment, over what the native stack left in its folder."""
    file = folder / "env"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {**dict(line.split("=", 1) for line in lines if "=" in line), **env}


def kafka_servers(env: Mapping[str, str] | None = None) -> str:
    """Bootstrap servers, `host:port` separated by commas.

    Raises:
        ConfigError: nothing says where Kafka is.
    """
    (servers,) = _required(env, (KAFKA,))
    return servers


def object_store(job: str | None, env: Mapping[str, str] | None = None) -> ObjectStore:
    """The object store as a job may see it; None is the administrator, for `stack apply` alone.

    Raises:
        ConfigError: variables are missing; names all of them.
    """
    if job is None:
        url, user, secret = _required(env, (S3_ENDPOINT, ROOT_USER, ROOT_PASSWORD))
        return ObjectStore(url, user, secret)
    url, secret = _required(env, (S3_ENDPOINT, secret_name(job)))
    return ObjectStore(url, job, secret)


def _required(env: Mapping[str, str] | None, names: tuple[str, ...]) -> list[str]:
    known = stack_environment() if env is None else env
    missing = [name for name in names if not known.get(name)]
    if missing:
        raise ConfigError(
            f"Not set: {', '.join(missing)}. Start a stack with `make stack-native`, or set"
            " them as .env.example shows."
        )
    return [known[name] for name in names]
