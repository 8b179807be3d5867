"""Reads the small word and letter tables that ship with the package."""

from functools import cache
from importlib import resources
from typing import Any

from pipelines.core.errors import ConfigError
from pipelines.core.yaml_text import read_yaml


@cache
def load_table(name: str) -> dict[str, Any]:
    """Read one table of `pipelines/dedup/text/data`.

    Args:
        name: file name without its ending, such as "names".

    Returns:
        The mapping in the file.

    Raises:
        ConfigError: the file is missing from the installed package or holds no mapping.
    """
    file = resources.files(__package__) / "data" / f"{name}.yaml"
    if not file.is_file():
        raise ConfigError(f"table {name}.yaml is missing from pipelines.dedup.text: reinstall it")
    table = read_yaml(file.read_text(encoding="utf-8"), f"{name}.yaml")
    if not isinstance(table, dict):
        raise ConfigError(f"table {name}.yaml of pipelines.dedup.text must hold a mapping")
    return table


def invert(groups: dict[str, list[str]]) -> dict[str, str]:
    """Turn `{canonical: [variants]}`, the readable form, into `{variant: canonical}`."""
    return {variant: word for word, variants in groups.items() for variant in variants}
