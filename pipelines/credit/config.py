"""Configuration of the credit job: every number of the method, with its unit and its origin.

`given` marks values fixed by the product requirement or a public convention, `chosen` ours.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.core.config import JobConfig

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class WindowSettings(JobConfig):
    """Which transactions and applications count."""

    lookback_days: int = Field(730, ge=31, description="complete days before as_of (given)")
    max_application_age_days: int = Field(30, ge=0, description="older ones are stale (chosen)")
    complete_months: int = Field(3, ge=2, description="least months of a regularity (chosen)")
    max_months_on_book: int = Field(120, ge=1, description="cap, months (chosen)")
    bureau_months: int = Field(24, ge=1, le=36, description="newest months of dues (chosen)")
    broadcast_mib: int = Field(64, ge=0, description="largest broadcast, MiB (chosen)")


class SaltSettings(JobConfig):
    """Customers with very many transactions on one day."""

    hot_rows: int = Field(100_000, ge=1, description="rows of a key that is salted (chosen)")
    buckets: int = Field(16, ge=2, description="parts of such a key (chosen)")


class ThinSettings(JobConfig):
    """Who has too little history to be scored."""

    min_transactions: int = Field(2, ge=1, description="fewer are a thin file (chosen)")
    min_days: int = Field(180, ge=0, description="days since the first one (public convention)")


class FitSettings(JobConfig):
    """Binning and regression."""

    sample_rows: int = Field(500_000, ge=1000, description="labelled rows at most (chosen)")
    min_class_rows: int = Field(200, ge=2, description="defaults and goods at least (chosen)")
    max_prebins: int = Field(20, ge=2, le=60, description="fine bins per attribute (chosen)")
    min_bin: Share = Field(0.05, description="share of rows in a numeric bin at least (chosen)")
    min_category: Share = Field(0.02, description="the same of a group of categories (chosen)")
    turn_gain: float = Field(
        0.1, ge=0, description="share of information a turn of an `auto` trend must add (chosen)"
    )
    iv_min: float = Field(0.0, ge=0, description="attributes below are dropped (chosen)")
    penalty_c: float = Field(1.0, gt=0, description="C of the regression (chosen)")
    folds: int = Field(5, ge=2, description="folds of the out-of-fold scores (chosen)")


class ScaleSettings(JobConfig):
    """From log-odds to points (R scorecard's defaults), and the bands of the score."""

    pdo: float = Field(50.0, gt=0, description="points that double the odds (chosen)")
    base_score: float = Field(600.0, description="score at the base odds (chosen)")
    base_odds: float = Field(19.0, gt=0, description="good to bad at the base score (chosen)")
    lowest: int = Field(300, description="least score shown (given)")
    highest: int = Field(900, description="largest score shown (given)")
    very_low: int = Field(800, description="risk VERY_LOW from here (chosen)")
    low: int = Field(750, description="risk LOW from here (public convention of good)")
    medium: int = Field(650, description="risk MEDIUM from here (chosen)")
    high: int = Field(550, description="risk HIGH from here, VERY_HIGH below (chosen)")
    reasons: int = Field(4, ge=1, le=10, description="reasons per score at most (chosen)")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        marks = (self.lowest, self.high, self.medium, self.low, self.very_low, self.highest)
        if list(marks) != sorted(set(marks)):
            raise ValueError("lowest < high < medium < low < very_low < highest must hold")
        return self


class DriftSettings(JobConfig):
    """Population stability index with its chance level."""

    warn: float = Field(0.1, gt=0, description="WARN above, if significant (given)")
    alarm: float = Field(0.25, gt=0, description="ALARM above, if significant (given)")
    p_value: float = Field(0.01, gt=0, lt=1, description="significant below (chosen)")
    score_bins: int = Field(10, ge=2, description="bins of the score's distribution (chosen)")


class FairnessSettings(JobConfig):
    """Selection rates of groups; a report, never a decision."""

    approval_score: int = Field(650, description="counted as selected from here (chosen)")
    ratio_parts: tuple[int, int] = Field((4, 5), description="least ratio as a fraction (given)")
    min_group: int = Field(30, ge=1, description="smaller groups are not judged (chosen)")
    proxy_auc: Share = Field(0.65, description="a feature that tells a group so well is flagged")
    attributes: tuple[str, ...] = Field(
        ("gender", "religion", "caste_category", "state", "age_band"),
        description="compared attributes; read by the report only (chosen)",
    )


class ChallengerSettings(JobConfig):
    """Gradient boosting on the same sample (xgboost), for comparison only."""

    is_trained: bool = Field(True, description="train and compare it (chosen)")
    trees: int = Field(300, ge=1, description="boosting rounds (chosen)")
    depth: int = Field(3, ge=1, le=8, description="depth of a tree (chosen)")
    rate: float = Field(0.03, gt=0, le=1, description="learning rate (chosen)")
    resamples: int = Field(400, ge=100, description="bootstrap resamples (chosen)")
    rows: int = Field(100_000, ge=1000, description="compared rows at most (chosen)")


class SyntheticSettings(JobConfig):
    """The generated population (`--input synthetic:N`)."""

    scenario: Literal["additive", "interaction"] = Field("additive", description="risk function")
    monthly_transactions: float = Field(1.5, gt=0, le=60, description="mean per customer")
    thin_share: Share = Field(0.03, description="applicants with hardly any history")
    bureau_share: Share = Field(0.7, description="customers with tradelines")
    repeated_share: Share = Field(0.002, description="transactions delivered twice")
    conflict_share: Share = Field(0.0005, description="delivered again with another amount")
    bad_share: Share = Field(0.001, description="transactions that break a rule")
    hot_rows: int = Field(0, ge=0, description="further transactions of the first customer")
    shift: float = Field(0.0, ge=0, le=2, description="added utilization of new applicants")
    disparity: float = Field(1.0, ge=0, le=3, description="harm planted in one group; 0 = none")


class CreditConfig(JobConfig):
    """All settings; `conf/credit_score.yaml` and `--set section.key=value` change them."""

    seed: int = Field(7, ge=0, description="seed of folds, samples and synthetic data (chosen)")
    max_reject_share: Share = Field(0.01, description="share set aside per input (chosen)")
    merchant_categories: tuple[str, ...] = Field(
        (
            "GROCERY", "FUEL", "MEDICAL", "DINING", "TRAVEL", "EDUCATION", "CLOTHING", "TELECOM",
            "UTILITIES", "RENT", "INSURANCE", "INVESTMENT", "ENTERTAINMENT", "ELECTRONICS",
            "HOUSEHOLD", "TRANSPORT", "GOVERNMENT", "CHARITY", "PERSONAL_CARE", "SERVICES",
        ),
        description="known merchant categories; the entropy is scaled by their number (chosen)",
    )  # fmt: skip
    employments: tuple[str, ...] = Field(
        ("SALARIED", "SELF_EMPLOYED", "OTHER"), description="known employments (chosen)"
    )
    window: WindowSettings = WindowSettings()
    salt: SaltSettings = SaltSettings()
    thin: ThinSettings = ThinSettings()
    fit: FitSettings = FitSettings()
    scale: ScaleSettings = ScaleSettings()
    drift: DriftSettings = DriftSettings()
    fairness: FairnessSettings = FairnessSettings()
    challenger: ChallengerSettings = ChallengerSettings()
    synthetic: SyntheticSettings = SyntheticSettings()
