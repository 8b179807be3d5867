"""Owner of the MinIO client: buckets, users and their policies."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import urllib3
from minio import Minio, MinioAdmin
from minio.commonconfig import ENABLED, Filter
from minio.credentials.providers import StaticProvider
from minio.error import InvalidResponseError, MinioAdminException, S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from pipelines.core.endpoints import ObjectStore
from pipelines.core.errors import DependencyError

__all__ = [
    "Minio",
    "MinioAdmin",
    "connect",
    "connect_admin",
    "expiry_days",
    "explained",
    "make_policy",
    "policies",
    "set_expiry",
    "users",
]

TIMEOUT_SECONDS = 5

_DENIED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch")


@contextmanager
def explained(store: ObjectStore) -> Iterator[None]:
    """Turn a failure of the store into one sentence with exit code 5.

    Raises:
        DependencyError: it does not answer, or refuses the user.
    """
    try:
        yield
    except S3Error as error:
        if error.code in _DENIED:
            raise DependencyError(
                f"The object store {store.url} refuses user {store.access_key!r} ({error.code}):"
                " check the key in the environment, and that `stack apply` made the user."
            ) from error
        raise DependencyError(f"The object store {store.url}: {error.code}") from error
    except MinioAdminException as error:
        raise DependencyError(
            f"The object store {store.url} refuses to administer: {error}"
        ) from error
    except (urllib3.exceptions.HTTPError, InvalidResponseError, OSError) as error:
        raise DependencyError(
            f"The object store does not answer at {store.url}. Is it running? `make stack-native`"
            " starts one; SANGAM_S3_ENDPOINT says where another is."
        ) from error


def connect(store: ObjectStore) -> Minio:
    """A client that gives up soon instead of trying for minutes."""
    return Minio(
        store.address,
        store.access_key,
        store.secret_key,
        secure=store.is_secure,
        region="us-east-1",
        http_client=_pool(),
    )


def connect_admin(store: ObjectStore) -> MinioAdmin:
    """A client for users and policies."""
    provider = StaticProvider(store.access_key, store.secret_key)
    return MinioAdmin(
        endpoint=store.address,
        credentials=provider,
        secure=store.is_secure,
        http_client=_pool(),
    )


def _pool() -> urllib3.PoolManager:
    timeout = urllib3.Timeout(connect=TIMEOUT_SECONDS, read=TIMEOUT_SECONDS * 2)
    return urllib3.PoolManager(timeout=timeout, retries=urllib3.Retry(1, backoff_factor=0.2))


def expiry_days(client: Minio, bucket: str) -> int | None:
    """Age at which objects of a bucket are removed; None = never."""
    found = client.get_bucket_lifecycle(bucket)
    rules = found.rules if found else []
    days = [r.expiration.days for r in rules if r.expiration and r.expiration.days]
    return min(days) if days else None


def set_expiry(client: Minio, bucket: str, days: int | None) -> None:
    """Remove objects of a bucket by age; None = never.

    Uploads that never ended need no rule: the server drops them after a day.
    """
    if days is None:
        client.delete_bucket_lifecycle(bucket)
        return
    rule = Rule(ENABLED, Filter(prefix=""), "age", expiration=Expiration(days=days))
    client.set_bucket_lifecycle(bucket, LifecycleConfig([rule]))


def make_policy(prefix: str, read: Sequence[str], write: Sequence[str]) -> dict[str, Any]:
    """S3 policy of a user: the places it may read, and those it may write as well.

    Args:
        prefix: what all bucket names begin with.
        read: `<bucket>` or `<bucket>/<prefix>`.
        write: the same; they may be read too.
    """
    places = [*read, *write]
    buckets = sorted({place.partition("/")[0] for place in places})
    statements = [_statement(["s3:GetBucketLocation"], [f"{prefix}{b}" for b in buckets])]
    for bucket in buckets:
        inside = sorted(p.partition("/")[2] for p in places if p.partition("/")[0] == bucket)
        listing = _statement(["s3:ListBucket"], [f"{prefix}{bucket}"])
        if all(inside):
            allowed = [text for one in inside for text in (one, f"{one}/*")]
            listing["Condition"] = {"StringLike": {"s3:prefix": allowed}}
        statements.append(listing)
    statements.append(_statement(["s3:GetObject"], [_objects(prefix, p) for p in sorted(places)]))
    changing = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
    statements.append(_statement(changing, [_objects(prefix, p) for p in sorted(write)]))
    return {"Version": "2012-10-17", "Statement": statements}


def _objects(prefix: str, place: str) -> str:
    return f"{prefix}{place}/*"


def _statement(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    arns = [f"arn:aws:s3:::{resource}" for resource in resources]
    return {"Effect": "Allow", "Action": list(actions), "Resource": arns}


def policies(client: MinioAdmin) -> dict[str, Any]:
    """Policies of the store by name."""
    found: dict[str, Any] = json.loads(client.policy_list())
    return found


def users(client: MinioAdmin) -> dict[str, str]:
    """Name of the policy of each user, empty where none is attached."""
    return {
        name: user.get("policyName", "") for name, user in json.loads(client.user_list()).items()
    }
