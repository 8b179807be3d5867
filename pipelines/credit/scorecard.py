"""A scorecard: bins with integer points, immutable once exported, in JSON as in memory."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pipelines.credit.binning import Trend
from pipelines.credit.catalog import Kind
from pipelines.credit.errors import ScorecardIntegrityError

MAX_FEATURES, MAX_BINS = 64, 64
"""A reason is one packed integer with six bits each for feature and bin."""


@dataclass(frozen=True)
class Bin:
    """One bin of a feature: numbers in `[lo, hi)` (None is infinite), categories, or missing.

    Attributes:
        label: what a reason shows.
        lo, hi: bounds of a numeric bin.
        categories: members of a categorical bin.
        is_missing: the bin of absent values.
        good, bad: training rows.
        woe, iv: weight of evidence and information value.
        points: what the score gets.
    """

    label: str
    lo: float | None
    hi: float | None
    categories: tuple[str, ...]
    is_missing: bool
    good: int
    bad: int
    woe: float
    iv: float
    points: int


@dataclass(frozen=True)
class CardFeature:
    """A feature of a scorecard with its bins in order, the missing one last."""

    name: str
    kind: Kind
    sources: tuple[str, ...]
    code: str
    text: str
    trend: Trend
    coefficient: float
    bins: tuple[Bin, ...]

    @cached_property
    def max_points(self) -> int:
        """Points of the best bin."""
        return max(one.points for one in self.bins)

    @property
    def missing_bin(self) -> int | None:
        """Number of the bin of absent values; None where training had none."""
        return next((i for i, one in enumerate(self.bins) if one.is_missing), None)

    @cached_property
    def cuts(self) -> tuple[float, ...]:
        """Lower bounds of the numeric bins after the first."""
        return tuple(one.lo for one in self.bins if one.lo is not None)


@dataclass(frozen=True)
class Scale:
    """Points of the log-odds, and the bands of the shown score (least score, name), best first."""

    pdo: float
    base_score: float
    base_odds: float
    factor: float
    offset: float
    lowest: int
    highest: int
    bands: tuple[tuple[int, str], ...]
    reasons: int


@dataclass(frozen=True)
class Scorecard:
    """Everything a score needs.

    Attributes:
        id, version: name and number; the content behind them never changes.
        segment: which applicants it is for.
        is_benchmark_only: made with protected attributes for a comparison; cannot be registered.
        scale: points and bands.
        intercept, base_points: of the regression, and in points.
        features: at most 64.
        calibration: a and b of `pd = 1 / (1 + exp(a + b * raw_score))`.
        score_edges, score_counts: distribution of the raw score in training, for drift.
        training: rows, defaults, dates and hashes of what it was fitted on.
        dropped: feature -> why it was left out.
        single_class: bins with one class only, as `feature: label`.
    """

    id: str
    version: int
    segment: Literal["MAIN", "THIN"]
    is_benchmark_only: bool
    scale: Scale
    intercept: float
    base_points: int
    features: tuple[CardFeature, ...]
    calibration: tuple[float, float]
    score_edges: tuple[int, ...] = ()
    score_counts: tuple[int, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    single_class: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_card(self)

    @cached_property
    def max_points(self) -> int:
        """The best possible raw score."""
        return self.base_points + sum(one.max_points for one in self.features)

    @property
    def min_points(self) -> int:
        """The worst possible raw score."""
        return self.base_points + sum(min(b.points for b in f.bins) for f in self.features)

    @cached_property
    def sha256(self) -> str:
        """Hash of the canonical JSON without the hash itself."""
        return hashlib.sha256(_canonical(asdict(self)).encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON with its own hash; equal scorecards give equal bytes."""
        return _canonical(asdict(self) | {"sha256": self.sha256}) + "\n"

    def save(self, folder: Path) -> Path:
        """Write `scorecard-<id>-v<version>.json`; the same content again changes nothing.

        Raises:
            ScorecardIntegrityError: the version is there with other content.
        """
        path = folder / f"scorecard-{self.id}-v{self.version}.json"
        if path.exists() and path.read_text("utf-8") != self.to_json():
            raise ScorecardIntegrityError(
                f"{path.name} is there with other content; a version never changes, raise it"
            )
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    def with_version(self, version: int) -> "Scorecard":
        """The same scorecard under another number."""
        return replace(self, version=version)


def _canonical(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def load_scorecard(path: Path) -> Scorecard:
    """Read a scorecard file.

    Raises:
        ScorecardIntegrityError: unreadable, changed by hand, or with gaps.
    """
    try:
        return parse_scorecard(path.read_text("utf-8"), path.name)
    except OSError as error:
        raise ScorecardIntegrityError(f"{path.name}: cannot be read: {error.strerror}") from None


def parse_scorecard(text: str, origin: str) -> Scorecard:
    """Make a scorecard of its JSON; `origin` is told in errors.

    Raises:
        ScorecardIntegrityError: no such JSON, changed by hand, or with gaps.
    """
    try:
        values = json.loads(text)
        claimed = values.pop("sha256")
        card = _from_dict(values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScorecardIntegrityError(f"{origin}: no valid scorecard: {error}") from error
    if card.sha256 != claimed or _canonical(values) != _canonical(asdict(card)):
        raise ScorecardIntegrityError(
            f"{origin}: the content does not match its hash; export again"
        )
    return card


def _from_dict(values: dict[str, Any]) -> Scorecard:
    def bins(rows: list[dict[str, Any]]) -> tuple[Bin, ...]:
        return tuple(Bin(**row | {"categories": tuple(row["categories"])}) for row in rows)

    features = tuple(
        CardFeature(**row | {"sources": tuple(row["sources"]), "bins": bins(row["bins"])})
        for row in values["features"]
    )
    bands = tuple((int(least), str(name)) for least, name in values["scale"]["bands"])
    tuples = ("calibration", "score_edges", "score_counts", "single_class")
    changed = {name: tuple(values[name]) for name in tuples}
    scale = Scale(**values["scale"] | {"bands": bands})
    return Scorecard(**values | changed | {"scale": scale, "features": features})


def check_card(card: Scorecard) -> None:
    """Check that every value has one bin at most and every number exactly one.

    Raises:
        ScorecardIntegrityError: gap, overlap, too many features or bins.
    """
    where = f"scorecard {card.id} version {card.version}"
    if len(card.features) > MAX_FEATURES or card.version < 1:
        raise ScorecardIntegrityError(f"{where}: at most {MAX_FEATURES} features, versions from 1")
    for feature in card.features:
        known = [one for one in feature.bins if not one.is_missing]
        ends = [None, *(one.hi for one in known)]
        names = [name for one in known for name in one.categories]
        is_number = feature.kind == "number"
        rising = list(feature.cuts) == sorted(set(feature.cuts))
        chained = [one.lo for one in known] + [None] == ends and rising
        if (is_number and not chained) or (not is_number and len(set(names)) < len(names)):
            raise ScorecardIntegrityError(
                f"{where}, {feature.name}: the bins have a gap or overlap"
            )
        if not 1 < len(feature.bins) <= MAX_BINS:
            raise ScorecardIntegrityError(f"{where}, {feature.name}: 2 to {MAX_BINS} bins needed")
