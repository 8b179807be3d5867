"""Configuration of the dedup job: every number of the method, with its unit and its origin.

`given` marks values fixed by the domain (UIDAI matching rules, capture standards), `chosen` ours.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.core.config import JobConfig

Probability = Annotated[float, Field(gt=0.0, lt=1.0)]


class SignatureSettings(JobConfig):
    """MinHash and LSH keys (Broder 1997; Indyk and Motwani 1998)."""

    bands: int = Field(16, ge=1, le=64, description="bands per MinHash family (chosen)")
    rows: int = Field(4, ge=2, le=8, description="hash values per band (chosen)")
    seed: int = Field(1, ge=0, description="seed of the hash functions (chosen)")
    iris_bits: int = Field(21, ge=8, le=63, description="sampled bits per iris key (chosen)")
    iris_tables: int = Field(80, ge=2, description="iris tables over both eyes (chosen)")
    iris_shifts: int = Field(3, ge=0, le=16, description="columns probed each way (chosen)")
    finger_keys: int = Field(0, ge=0, description="MinHash keys per finger; 0 = all triplets")
    finger_votes: int = Field(3, ge=1, description="shared finger keys that make a pair (chosen)")


class CandidateSettings(JobConfig):
    """Candidate generation: budget and splitting of hot buckets (LSH Forest, Bawa 2005)."""

    start_depths: tuple[int, ...] = Field((2, 3, 4), description="prefix depths tried (chosen)")
    split_sizes: tuple[int, ...] = Field(
        (100, 50, 20, 10, 5), description="bucket sizes above which a bucket is cut (chosen)"
    )
    pairs_per_record: int = Field(20, ge=1, description="budget, pairs per record (chosen)")
    min_budget: int = Field(1_000_000, ge=1, description="budget never below this (chosen)")
    hard_factor: float = Field(2.0, ge=1, description="refuse beyond this times budget (chosen)")
    window: int = Field(20, ge=1, description="sorted window where no hash is left (chosen)")
    sample: int = Field(16, ge=1, description="1/n of the prefixes are planned on (chosen)")


class EmSettings(JobConfig):
    """Expectation maximisation of the Fellegi-Sunter model (Winkler 1988)."""

    alpha: float = Field(0.01, gt=0, description="pseudo-count per level (chosen)")
    tolerance: float = Field(1e-5, gt=0, description="largest move of an m at the end (chosen)")
    rounds: int = Field(300, ge=1, description="most rounds (chosen)")
    random_pairs: int = Field(500_000, ge=1000, description="random pairs for u (chosen)")
    random_captures: int = Field(
        20_000, ge=1000, description="random pairs whose captures are compared (chosen)"
    )
    dependence_records: int = Field(
        100_000, ge=0, description="records whose pairs show dependent fields (chosen)"
    )
    dependence_prior: int = Field(10, ge=1, description="pairs as by chance added there (chosen)")


class TermFrequencySettings(JobConfig):
    """Term-frequency adjustment, bits (Winkler 2000)."""

    equal: float = Field(1.0, ge=0, le=1, description="share applied on equal values (chosen)")
    close: float = Field(0.5, ge=0, le=1, description="share applied on close values (chosen)")
    clip: float = Field(6.0, ge=0, description="largest adjustment, bits (chosen)")


class ScoreSettings(JobConfig):
    """Weights and thresholds, bits unless said otherwise."""

    match_posterior: Probability = Field(0.95, description="MATCH from here (chosen)")
    review_posterior: Probability = Field(0.5, description="REVIEW from here (chosen)")
    store_posterior: Probability = Field(0.001, description="edges kept from here (chosen)")
    max_weight: float = Field(20.0, gt=0, description="cap of one weight, bits (chosen)")
    biometric_cap: float = Field(40.0, gt=0, description="cap of a biometric group (chosen)")
    demographic_floor: float = Field(
        -12.0, le=0, description="least demographic sum once two captures agree, bits (chosen)"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.store_posterior <= self.review_posterior <= self.match_posterior:
            raise ValueError("store_posterior <= review_posterior <= match_posterior must hold")
        return self


class CaptureSettings(JobConfig):
    """Comparison of captures."""

    usable: int = Field(20, ge=0, le=100, description="least quality of a capture (chosen)")
    informative: int = Field(40, description="least quality for evidence of difference (chosen)")
    decisive: int = Field(60, description="least quality for an exclusion (chosen)")
    iris_levels: tuple[float, ...] = Field(
        (0.40, 0.36, 0.32, 0.25), description="Hamming distances that part the levels (chosen)"
    )
    finger_levels: tuple[float, ...] = Field(
        (0.20, 0.30, 0.45, 0.60), description="similarities that part the levels (chosen)"
    )
    tolerance_px: int = Field(10, description="minutiae position tolerance, pixels (given)")
    tolerance_degrees: int = Field(30, description="minutiae angle tolerance, degrees (given)")
    max_minutiae: int = Field(50, description="minutiae per finger, best first (given)")


class GuardSettings(JobConfig):
    """Chain guard of the clustering."""

    margin: float = Field(3.0, ge=0, description="a bridge this near the threshold is weak, bits")
    max_cluster_size: int = Field(25, ge=2, description="larger components are cut (chosen)")
    step: float = Field(2.0, gt=0, description="re-threshold step, bits (chosen)")
    max_cross_pairs: int = Field(2000, ge=1, description="cross pairs scored per bridge (chosen)")


class DedupConfig(JobConfig):
    """All settings of the job; `conf/dedup.yaml` and `--set section.key=value` change them."""

    seed: int = Field(7, description="seed of sampling and of synthetic data (chosen)")
    link_only: bool = Field(False, description="ignore pairs inside one source (chosen)")
    use_soc_sec_id: bool = Field(False, description="FEBRL: compare soc_sec_id too (chosen)")
    quarantine_limit: float = Field(0.05, ge=0, le=1, description="largest share (chosen)")
    partitions: int = Field(0, ge=0, description="partitions per shuffle; 0 = by size (chosen)")
    local_rows: int = Field(
        50_000, ge=0, description="new rows up to which an increment stays on the driver (chosen)"
    )
    modalities: Literal["all", "demographic"] = Field(
        "all", description="synthetic data: with captures or without (chosen)"
    )
    signatures: SignatureSettings = SignatureSettings()
    candidates: CandidateSettings = CandidateSettings()
    em: EmSettings = EmSettings()
    tf: TermFrequencySettings = TermFrequencySettings()
    score: ScoreSettings = ScoreSettings()
    captures: CaptureSettings = CaptureSettings()
    guard: GuardSettings = GuardSettings()
