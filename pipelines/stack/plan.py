"""What differs between the catalogue and the servers, and what would be done about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.core.errors import ContractError


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        what: resource, such as `topic upi.labels.v1`.
        field: what of it differs, or `-` for the whole.
        actual: as the server has it.
        wanted: as the catalogue says.
        apply: repairs it; None where no command may, and `wanted` says what to do.
    """

    what: str
    field: str
    actual: str
    wanted: str
    apply: Callable[[], object] | None = None


def format_table(changes: Sequence[Change]) -> str:
    """The differences as aligned lines under a head."""
    rows = [("what", "field", "is", "should be")]
    rows += [(c.what, c.field, c.actual, c.wanted) for c in changes]
    widths = [max(len(row[n]) for row in rows) for n in range(3)]
    return "\n".join(
        "  ".join([*(text.ljust(w) for text, w in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )


def apply_changes(changes: Sequence[Change]) -> int:
    """Repair what may be repaired.

    Returns:
        Number of changes made.

    Raises:
        ContractError: some must not be repaired by a command; the others are made first.
    """
    refused = [change for change in changes if change.apply is None]
    for change in changes:
        if change.apply is not None:
            change.apply()
    if refused:
        raise ContractError("These are not changed by a command:\n" + format_table(refused))
    return len(changes)
