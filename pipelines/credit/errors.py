"""What can go wrong in this job beside the common errors; each carries its exit code."""

from pipelines.core.errors import ConfigError, ContractError, GateError


class ProtectedFeatureError(ConfigError):
    """A feature is made of a protected attribute or of a proxy for one."""


class InsufficientSample(ConfigError):
    """Too few labelled rows of a class, or nothing left to score with."""


class ScorecardIntegrityError(ContractError):
    """A scorecard was changed by hand, has gaps, or is not the version it claims to be."""


class ScorecardParityError(GateError):
    """Two ways to compute one score differ."""


class ScoringError(GateError):
    """A value no bin was made for reached the scorer."""

    def __init__(self, code: str, feature: str, value: object) -> None:
        super().__init__(f"{code} {feature}: {value!r} has no bin in this scorecard")
        self.code, self.feature = code, feature
