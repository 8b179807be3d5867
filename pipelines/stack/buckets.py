"""Buckets, users and their policies: what the object store has against what the catalogue wants."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from pipelines.core import object_store
from pipelines.core.catalogue import Catalogue
from pipelines.core.endpoints import secret_name
from pipelines.core.errors import ConfigError
from pipelines.stack.plan import Change


def bucket_changes(client: object_store.Minio, catalogue: Catalogue) -> Iterator[Change]:
    """Differences of buckets and of what they remove by age."""
    for name, bucket in catalogue.buckets.items():
        full = catalogue.bucket_name(name)
        what, days = f"bucket {full}", bucket.expire_days
        if not client.bucket_exists(full):
            yield Change(what, "-", "missing", bucket.holds, partial(_make, client, full, days))
            continue
        if (actual := object_store.expiry_days(client, full)) != days:
            repair = partial(object_store.set_expiry, client, full, days)
            yield Change(what, "expire_days", str(actual), str(days), repair)


def _make(client: object_store.Minio, name: str, days: int | None) -> None:
    client.make_bucket(name)
    object_store.set_expiry(client, name, days)


def user_changes(
    client: object_store.MinioAdmin, catalogue: Catalogue, env: Mapping[str, str]
) -> Iterator[Change]:
    """Differences of users and policies; each job has a user and a policy of its own name.

    Raises:
        ConfigError: a user must be made and its key is not in the environment; names them all.
    """
    policies, users = object_store.policies(client), object_store.users(client)
    lacking = [n for n in catalogue.users if n not in users and not env.get(secret_name(n))]
    if lacking:
        raise ConfigError(f"Not set: {', '.join(map(secret_name, lacking))}; see .env.example.")
    for name, user in catalogue.users.items():
        wanted = object_store.make_policy(catalogue.prefix, user.read, user.write)
        if _canonical(policies.get(name)) != _canonical(wanted):
            actual = "differs" if name in policies else "missing"
            repair = partial(client.policy_add, name, policy=wanted)
            yield Change(f"policy {name}", "-", actual, "as buckets.yaml says", repair)
        if name not in users:
            add = partial(_add_user, client, name, env[secret_name(name)])
            yield Change(f"user {name}", "-", "missing", f"policy {name}", add)
        elif users[name] != name:
            attach = partial(client.policy_set, name, user=name)
            yield Change(f"user {name}", "policy", users[name] or "none", name, attach)


def _add_user(client: object_store.MinioAdmin, name: str, secret: str) -> None:
    client.user_add(name, secret)
    client.policy_set(name, user=name)


def _canonical(policy: Any) -> Any:
    """A policy whatever the order of its lists; the store gives them back in its own."""
    if isinstance(policy, dict):
        return {key: _canonical(value) for key, value in sorted(policy.items())}
    if isinstance(policy, list):
        return sorted((_canonical(item) for item in policy), key=repr)
    return policy
