"""The errors a user may meet. Each carries the exit code of the process (design: exit codes)."""


class SangamError(Exception):
    """A failure with a message a user can act on: what, where, and what to do next."""

    exit_code = 1


class ConfigError(SangamError):
    """Wrong usage, configuration, path, column or model file."""

    exit_code = 2


class GateError(SangamError):
    """Stopped by a quality gate, a budget, or counts that do not add up."""

    exit_code = 3


class ContractError(SangamError):
    """A record contract is broken or has drifted."""

    exit_code = 4


class DependencyError(SangamError):
    """Java, a broker or an object store cannot be reached."""

    exit_code = 5
