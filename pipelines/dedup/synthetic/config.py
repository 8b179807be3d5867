"""Every share and size of the synthetic register; all chosen by us, none given by the domain."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipelines.core.config import JobConfig

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class NameModel(JobConfig):
    """How names are drawn."""

    exponent: Positive = Field(0.75, description="Zipf exponent of ranked name lists")
    own: Share = Field(0.45, description="given names from the list of the community")
    common: Share = Field(0.2, description="given names known all over India")
    compound: Share = Field(0.35, description="given names put together from two parts")
    usual_spelling: Share = Field(0.7, description="people who use the first listed spelling")


class PeopleModel(JobConfig):
    """Households, twins, birth dates."""

    household_mean: float = Field(4.0, ge=1, description="people of a household: 1 + Poisson")
    twin: Share = Field(0.008, description="people whose twin is in the file too")
    twin_lookalike: Share = Field(0.3, description="twins with similar names (Rohit, Mohit)")
    male: Share = Field(0.515, description="share of men")
    new_year_birthday: Share = Field(0.15, description="birth dates on 1 January, year estimated")
    care_of: Share = Field(0.05, description="relation given as C/O instead of S/O, D/O or W/O")


class LaterModel(JobConfig):
    """Later enrolments: how many, of which kind, with which mistakes."""

    share: Share = Field(0.2, description="records that are later enrolments of a known person")
    second: Share = Field(0.5, description="of the people enrolled again, those with two more")
    exact: Share = Field(0.1, description="kind: all fields and captures equal")
    noisy: Share = Field(0.6, description="kind: mistakes in names and relation")
    moved: Share = Field(0.25, description="kind: new address, the rest equal")
    identity_change: Share = Field(0.05, description="kind: only fingers and irises are kept")
    respelt: Share = Field(0.15, description="noisy: each of the three names in another spelling")
    mistyped: Share = Field(0.15, description="noisy: each of the three names with a typing slip")
    initial: Share = Field(0.06, description="noisy: given name cut to its initial")
    exchanged: Share = Field(0.04, description="noisy: given name and surname exchanged")
    no_relation: Share = Field(0.12, description="noisy: relation left out")
    other_state: Share = Field(0.5, description="moved: to another state")
    occupied: Share = Field(0.25, description="moved: into a house where others live")

    @model_validator(mode="after")
    def _check_sums(self) -> Self:
        if abs(self.exact + self.noisy + self.moved + self.identity_change - 1) > 1e-9:
            raise ValueError("exact + noisy + moved + identity_change must be 1")
        if self.respelt + self.mistyped > 1:
            raise ValueError("respelt + mistyped must be at most 1")
        if self.share > 0.5:
            raise ValueError("share must be at most .5: each later record needs a first one")
        return self

    def without_identity_change(self) -> "LaterModel":
        """The other kinds, in their proportions."""
        rest = 1 - self.identity_change
        kinds = {name: getattr(self, name) / rest for name in ("exact", "noisy", "moved")}
        return LaterModel.model_validate(self.model_dump() | kinds | {"identity_change": 0.0})


class FingerModel(JobConfig):
    """Fingers: pixels at 500 dpi, degrees; errors are those of one capture."""

    fewest: Count = Field(30, description="minutiae of a finger, at least")
    most: Count = Field(46, description="minutiae of a finger, at most")
    spacing: Positive = Field(14.0, description="least distance of two minutiae, pixels")
    width: Positive = Field(300.0, description="width of the ellipse, pixels")
    height: Positive = Field(400.0, description="height of the ellipse, pixels")
    margin: Positive = Field(100.0, description="frame around the ellipse, pixels")
    candidates: Count = Field(110, description="places tried per finger")
    lost: Share = Field(0.12, description="minutiae lost in a capture")
    added: Share = Field(0.08, description="false minutiae, as a share of the true ones")
    move_sd: Positive = Field(2.0, description="movement of a minutia, pixels per axis")
    angle_sd: Positive = Field(6.0, description="error of an angle, degrees")
    flipped: Share = Field(0.05, description="types read wrongly")
    turn_sd: Positive = Field(7.5, description="turn of the finger, degrees")
    shift_sd: Positive = Field(8.0, description="shift of the finger, pixels per axis")
    bad: Share = Field(0.03, description="bad captures")
    bad_lost: Share = Field(0.3, description="minutiae lost in a bad capture")
    bad_move_sd: Positive = Field(3.5, description="movement in a bad capture, pixels")
    bad_angle_sd: Positive = Field(10.0, description="error of an angle in a bad capture")
    ending: Share = Field(0.55, description="minutiae that are ridge endings")
    cap: Count = Field(50, description="minutiae kept, the best first")
    missing: Share = Field(0.02, description="enrolments without fingers, those without both too")


class IrisModel(JobConfig):
    """Iris codes of 16 rings x 128 columns; distances and turns are those of two captures."""

    switch: Share = Field(
        0.04, description="chance that a bit differs from its left neighbour; sets impostor sd"
    )
    distance: Share = Field(0.1, description="mean Hamming distance of two captures of an eye")
    distance_sd: Positive = Field(0.03, description="its standard deviation")
    bad: Share = Field(0.02, description="bad captures per eye")
    bad_distance: Share = Field(0.2, description="the same where one of the two is bad")
    turn_sd: Positive = Field(1.0, description="turn between the two, columns")
    upper_depth: Positive = Field(4.75, description="mean rings under the upper eyelid's middle")
    upper_reach: Count = Field(24, description="columns either side under the upper eyelid")
    lower_depth: Positive = Field(2.8, description="mean rings under the lower eyelid's middle")
    lower_reach: Count = Field(14, description="columns either side under the lower eyelid")
    depth_sd: Positive = Field(0.7, description="standard deviation of both depths, rings")
    deepest: Count = Field(6, description="rings an eyelid covers at most; the others stay free")
    missing: Share = Field(0.02, description="enrolments without irises, those without both too")


class QualityModel(JobConfig):
    """Capture quality 0..100."""

    mean: Positive = Field(76.0, description="good captures")
    sd: Positive = Field(9.0, description="good captures")
    good_from: Count = Field(45, description="a good capture is never below")
    bad_from: Count = Field(20, description="lowest quality of a bad capture")
    bad_below: Count = Field(40, description="a bad capture stays below")


class SyntheticConfig(JobConfig):
    """The whole generator; the defaults are section 7 of the specification."""

    names: NameModel = Field(default_factory=NameModel)
    people: PeopleModel = Field(default_factory=PeopleModel)
    later: LaterModel = Field(default_factory=LaterModel)
    finger: FingerModel = Field(default_factory=FingerModel)
    iris: IrisModel = Field(default_factory=IrisModel)
    quality: QualityModel = Field(default_factory=QualityModel)
    no_captures: Share = Field(0.0014, description="enrolments without fingers and irises")
    start: datetime = Field(datetime(2021, 1, 1), description="first enrolment, UTC")
    end: datetime = Field(datetime(2024, 1, 1), description="last enrolment, UTC")
    agencies: Count = Field(120, description="enrolment agencies, the source of a record")
    block_records: Count = Field(20_000, description="records made together, from one seed")
    part_records: Count = Field(50_000, description="records of a Parquet part with captures")
    plain_part_records: Count = Field(250_000, description="the same without captures")

    @classmethod
    def usual(cls, has_captures: bool) -> "SyntheticConfig":
        """The defaults. A register without captures holds no identity changes.

        Such a person comes with the same fingers and irises under another name, birth date, phone
        and address: where bodies are not recorded, the two records have nothing in common.
        """
        usual = cls()
        if has_captures:
            return usual
        return usual.model_copy(update={"later": usual.later.without_identity_change()})
