"""Flags of the findings of the slow path: when a pattern begins, and again after it lapsed."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pipelines.upi_fraud.config import NetworkSettings
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.state import HOUR_MS


class Finding(NamedTuple):
    """A window, or a payment, at which a pattern was seen.

    Attributes:
        kind, subject_kind, subject: of `upi.Flag`.
        measure: payers, or accounts of a cycle.
        found_ms: end of the window, or event time of the payment.
        ticket_paise: mean payment at a merchant; None for other kinds.
    """

    kind: str
    subject_kind: str
    subject: str
    measure: int
    found_ms: int
    ticket_paise: float | None = None


class Standing(NamedTuple):
    """The last flag of a subject: when it lapses, and what it measured."""

    expires_ms: int
    measure: int


def flag_key(one: Finding) -> str:
    """Key of a flag's message; a newer one of the same subject takes its place."""
    return f"{one.kind}|{one.subject}"


def is_pattern(one: Finding, reference: Reference, settings: NetworkSettings) -> bool:
    """Whether what is known of the subject makes a finding a pattern.

    A merchant's tickets have to lie far above its usual one, and who may collect is no mule.
    """
    if one.kind == "COLLUSION":
        merchant = reference.merchant(one.subject, one.found_ms)
        least = settings.collusion_times * merchant.typical_paise if merchant is not None else None
        return least is not None and one.ticket_paise is not None and one.ticket_paise >= least
    return one.kind != "FAN_IN" or "ALLOW" not in reference.active(one.subject, one.found_ms)


def next_flag(
    one: Finding, standing: Standing | None, settings: NetworkSettings
) -> dict[str, Any] | None:
    """The flag a finding is worth; None while the one before still stands.

    A shared device gets one whenever more people share it. A flag's event time is that of the
    finding plus the disorder the window waits for.
    """
    if standing is not None and one.found_ms < standing.expires_ms:
        grows = one.kind == "DEVICE_SHARED" and one.measure > standing.measure
        if not grows:
            return None
    is_account = one.subject_kind == "VPA" and one.kind != "DEVICE_SHARED"
    hours = settings.account_flag_hours if is_account else settings.other_flag_hours
    event_time = one.found_ms + settings.disorder_s * 1000
    return {
        "event_id": "/".join((*one[:3], str(event_time))),
        "event_time": event_time,
        "kind": one.kind,
        "subject_kind": one.subject_kind,
        "subject": one.subject,
        "value": one.measure,
        "evidence": f"{one.kind}: measure {one.measure}",
        "expires_at": event_time + hours * HOUR_MS,
    }


def make_flags(
    findings: Iterable[Finding], settings: NetworkSettings, reference: Reference
) -> list[dict[str, Any]]:
    """Flags of all findings of a finished run, in the order of their moments."""
    flags: list[dict[str, Any]] = []
    standing: dict[tuple[str, str, str], Standing] = {}
    for one in sorted(findings, key=lambda found: (found.found_ms, *found[:4])):
        if not is_pattern(one, reference, settings):
            continue
        flag = next_flag(one, standing.get(one[:3]), settings)
        if flag is not None:
            standing[one[:3]] = Standing(flag["expires_at"], one.measure)
            flags.append(flag)
    return flags
