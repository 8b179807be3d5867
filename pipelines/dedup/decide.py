"""Bands and overrides: from a score to NO_MATCH, REVIEW or MATCH, with the reason.

Every scored pair gets exactly one band. The overrides apply in the order reviewer, exclusion,
conflict, sibling; the first whose condition holds decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.core.errors import ConfigError, GateError

I8 = npt.NDArray[np.int8]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Band(IntEnum):
    """What happens to a pair: kept apart, shown to a reviewer, or merged."""

    NO_MATCH = 0
    REVIEW = 1
    MATCH = 2


class Reviewer(IntEnum):
    """Decision of a reviewer on a pair; UNSURE counts as NONE, the score decides."""

    NONE = 0
    SAME = 1
    DIFFERENT = 2


class Reason(IntEnum):
    """Why a pair is in its band; the code is stored in batches, the name in tables."""

    SCORE = 0
    REVIEWER_SAME = 1
    REVIEWER_DIFFERENT = 2
    BIOMETRIC_EXCLUSION = 3
    BIOMETRIC_CONFLICT = 4
    TWIN_OR_SIBLING = 5
    NO_EVIDENCE = 6


REASON_TEXT: Mapping[Reason, str] = {
    Reason.SCORE: "the score alone",
    Reason.REVIEWER_SAME: "a reviewer said: same person (must-link)",
    Reason.REVIEWER_DIFFERENT: "a reviewer said: different persons (cannot-link)",
    Reason.BIOMETRIC_EXCLUSION: "good captures differ and none agrees: other person",
    Reason.BIOMETRIC_CONFLICT: "one capture agrees and a good one differs",
    Reason.TWIN_OR_SIBLING: "other given name with the birth date or the family of the first",
    Reason.NO_EVIDENCE: "nothing could be compared",
}


@dataclass(frozen=True)
class DecideSettings:
    """Thresholds and rules of the decision; the defaults are those of the specification.

    Attributes:
        match_posterior, review_posterior: lower ends of MATCH and REVIEW (Fellegi-Sunter).
        v1_no_match, v1_match: NO_MATCH up to and with the first, MATCH from the second on.
        v2_no_match, v2_confidence: MATCH is above both.
        decisive_quality: capture quality 0..100 on both sides from which a difference counts.
        exclusion_captures: decisive captures that must differ to exclude a pair.
        agreeing_level: capture level from which it speaks for one person.
        equal_date_level, equal_relation_level: levels that count as equal for siblings.
        sibling_rule: on in the profile identity_in only.
    """

    match_posterior: float = 0.95
    review_posterior: float = 0.5
    v1_no_match: float = 0.85
    v1_match: float = 0.95
    v2_no_match: float = 0.75
    v2_confidence: float = 0.9
    decisive_quality: int = 60
    exclusion_captures: int = 2
    agreeing_level: int = 3
    equal_date_level: int = 4
    equal_relation_level: int = 4
    sibling_rule: bool = False

    def __post_init__(self) -> None:
        """Refuse thresholds out of order."""
        for low, high in (("review_posterior", "match_posterior"), ("v1_no_match", "v1_match")):
            if not 0 < getattr(self, low) <= getattr(self, high) <= 1:
                raise ConfigError(f"{low} must be above 0 and at most {high}, itself at most 1")


@dataclass(frozen=True)
class PairEvidence:
    """What the overrides look at, for n pairs.

    Attributes:
        capture_levels: int8 [n, captures], -1 = null (missing or uninformative).
        capture_quality: int8 [n, captures], the smaller of both sides, 0..100.
        levels: comparator name -> int8 [n], -1 = null; a comparator left out counts as null.
        reviewer: int8 [n] of `Reviewer` codes, or None.
        address_agrees: bool [n], or None.
        has_captures_in_file: whether any record of the file has a capture.
    """

    capture_levels: I8
    capture_quality: I8
    levels: Mapping[str, I8] = field(default_factory=dict)
    reviewer: I8 | None = None
    address_agrees: Bools | None = None
    has_captures_in_file: bool = False


class Decision(NamedTuple):
    """Band and reason code per pair, both int8 [n]."""

    band: I8
    reason: I8


def band_posterior(posterior: F64, settings: DecideSettings) -> I8:
    """Bands of the Fellegi-Sunter posterior.

    Raises:
        GateError: a posterior is not a number in [0, 1]; it would fall into no band.
    """
    wrong = np.flatnonzero(~((posterior >= 0) & (posterior <= 1)))
    if wrong.size:
        raise GateError(
            f"posterior of pair {wrong[0]} is {posterior[wrong[0]]}, not in [0, 1]; "
            "check the model for m or u values that are 0 or not a number"
        )
    is_match = posterior >= settings.match_posterior
    return _bands(is_match, ~is_match & (posterior >= settings.review_posterior))


def band_v1(score: F64, settings: DecideSettings) -> I8:
    """Bands of profile v1; a NaN score (no evidence) is NO_MATCH."""
    is_match = score >= settings.v1_match
    return _bands(is_match, ~is_match & (score > settings.v1_no_match))


def band_v2(score: F64, confidence: F64, settings: DecideSettings) -> I8:
    """Bands of profile v2: above the score threshold a low or null confidence means REVIEW."""
    is_above = score > settings.v2_no_match
    is_match = is_above & (confidence > settings.v2_confidence)
    return _bands(is_match, is_above & ~is_match)


def decide(score: F64, base: I8, evidence: PairEvidence, settings: DecideSettings) -> Decision:
    """Apply the overrides to the bands of a score.

    The sibling rule only lowers: a pair that the score keeps apart stays apart, or else every
    pair of relatives would enter the queue.

    Args:
        score: posterior or profile score [n]; NaN marks a pair without evidence.
        base: bands of the score [n].
        evidence: captures, levels, decisions.
        settings: thresholds.

    Returns:
        Bands and reasons, one of each per pair.
    """
    reviewer = _column(evidence.reviewer, len(base), Reviewer.NONE)
    sibling_band = np.minimum(
        base, np.int8(Band.REVIEW if evidence.has_captures_in_file else Band.NO_MATCH)
    )
    exclusion, conflict = _biometric_rules(evidence, settings)
    rules: list[tuple[Bools, I8 | Band, Reason]] = [
        (reviewer == Reviewer.SAME, Band.MATCH, Reason.REVIEWER_SAME),
        (reviewer == Reviewer.DIFFERENT, Band.NO_MATCH, Reason.REVIEWER_DIFFERENT),
        (exclusion, Band.NO_MATCH, Reason.BIOMETRIC_EXCLUSION),
        (conflict, Band.REVIEW, Reason.BIOMETRIC_CONFLICT),
        (_is_sibling(base, evidence, settings), sibling_band, Reason.TWIN_OR_SIBLING),
        (np.isnan(score), Band.NO_MATCH, Reason.NO_EVIDENCE),
    ]
    conditions = [condition for condition, _, _ in rules]
    band = np.select(conditions, [band for _, band, _ in rules], default=base)
    reason = np.select(conditions, [reason for _, _, reason in rules], default=Reason.SCORE)
    return Decision(band.astype(np.int8), reason.astype(np.int8))


def reason_lists(reasons: I8) -> pa.Array:
    """Names of the overrides as tables store them: a list per pair, empty for a plain score."""
    is_named = reasons != Reason.SCORE
    names = pa.array([reason.name for reason in Reason]).take(pa.array(reasons[is_named]))
    offsets = np.concatenate([[0], np.cumsum(is_named)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names)


def _bands(is_match: Bools, is_review: Bools) -> I8:
    return (is_match * Band.MATCH + is_review * Band.REVIEW).astype(np.int8)


def _column(values: npt.NDArray[np.generic] | None, rows: int, missing: int) -> I8:
    if values is None:
        return np.full(rows, missing, dtype=np.int8)
    return values.astype(np.int8)


def _biometric_rules(evidence: PairEvidence, settings: DecideSettings) -> tuple[Bools, Bools]:
    """Pairs excluded by their captures, and pairs whose captures contradict each other."""
    levels = evidence.capture_levels
    is_decisive = evidence.capture_quality >= settings.decisive_quality
    differing = ((levels == 0) & is_decisive).sum(axis=1)
    has_agreement = (levels >= settings.agreeing_level).any(axis=1)
    return (
        ~has_agreement & (differing >= settings.exclusion_captures),
        has_agreement & (differing >= 1),
    )


def _is_sibling(base: I8, evidence: PairEvidence, settings: DecideSettings) -> Bools:
    """Other given name, yet the same birth date or the same relation at the same address."""
    rows = len(base)
    if not settings.sibling_rule:
        return np.zeros(rows, dtype=np.bool_)
    given = _column(evidence.levels.get("given_name"), rows, -1)
    date = _column(evidence.levels.get("date_of_birth"), rows, -1)
    relation = _column(evidence.levels.get("relation_name"), rows, -1)
    is_at_home = _column(evidence.address_agrees, rows, 0) == 1
    is_family = (relation >= settings.equal_relation_level) & is_at_home
    has_agreement = (evidence.capture_levels >= settings.agreeing_level).any(axis=1)
    is_relative: Bools = (date >= settings.equal_date_level) | is_family
    applies: Bools = (base > Band.NO_MATCH) & ~has_agreement & (given == 0) & is_relative
    return applies
