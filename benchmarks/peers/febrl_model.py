"""Splink's own demonstration settings: FEBRL 3 (deduplication) and FEBRL 4 (linking two files).

They are as published but for one thing: pairs are kept from .001 instead of .2, so that F1 at lower
thresholds can be shown too. Clusters are made at .95 and do not change by it.
"""

from dataclasses import dataclass
from typing import Any

import splink.comparison_library as compare
from splink import SettingsCreator, block_on

SAME_PERSON = ("given_name", "surname", "date_of_birth")


@dataclass(frozen=True)
class Demo:
    """A demonstration: settings, deterministic rules with their recall, seed of u, EM options."""

    settings: SettingsCreator
    rules: list[Any]
    recall: float
    em_options: dict[str, bool]
    seed: int = 2
    random_pairs: float = 1e6
    predict_from: float = 0.001


def _birth_date() -> Any:
    return compare.DateOfBirthComparison(
        "date_of_birth", input_is_string=True, datetime_format="%Y%m%d"
    )


def dedupe_demo(with_id: bool) -> Demo:
    """The demonstration on FEBRL 3; used for FEBRL 1 and 2 as well."""
    fields = ("given_name", "surname", "date_of_birth", "postcode")
    identity = [compare.DamerauLevenshteinAtThresholds("soc_sec_id", [2])] if with_id else []
    comparisons = [
        compare.NameComparison("given_name"),
        compare.NameComparison("surname"),
        _birth_date(),
        *identity,
        compare.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        compare.ExactMatch("postcode").configure(term_frequency_adjustments=True),
    ]
    names = [block_on("soc_sec_id")] if with_id else []
    settings = SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[*names, *(block_on(field) for field in fields)],
        comparisons=comparisons,
    )
    crossed = (
        "l.given_name = r.surname and l.surname = r.given_name"
        " and l.date_of_birth = r.date_of_birth"
    )
    return Demo(settings, [*names, block_on(*SAME_PERSON), crossed], 0.9, {})


def link_demo(with_id: bool) -> Demo:
    """The detailed demonstration on FEBRL 4: two files, pairs across them only."""
    identity = [compare.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2])] if with_id else []
    comparisons = [
        compare.NameComparison("given_name").configure(term_frequency_adjustments=True),
        compare.NameComparison("surname").configure(term_frequency_adjustments=True),
        _birth_date(),
        *identity,
        compare.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        compare.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(
            term_frequency_adjustments=True
        ),
    ]
    blocking: list[Any] = [
        block_on("given_name", "surname"),
        "l.given_name = r.surname and l.surname = r.given_name",
        block_on("date_of_birth"),
        *([block_on("soc_sec_id")] if with_id else []),
        block_on("state", "address_1"),
        block_on("street_number", "address_1"),
        block_on("postcode"),
    ]
    settings = SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="link_only",
        blocking_rules_to_generate_predictions=blocking,
        comparisons=comparisons,
    )
    rules = [*([block_on("soc_sec_id")] if with_id else []), block_on(*SAME_PERSON)]
    return Demo(settings, rules, 0.8, {"estimate_without_term_frequencies": True})
