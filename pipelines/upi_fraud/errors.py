"""Errors of this job that a caller tells apart."""

from pipelines.core.errors import ConfigError, ContractError


class ProfileError(ConfigError):
    """A rule profile is wrong; names file and path."""


class StateError(ContractError):
    """Bytes of a payer's state cannot be read or made."""


class ModelError(ConfigError):
    """A model folder is missing a part, or its parts do not belong together."""
