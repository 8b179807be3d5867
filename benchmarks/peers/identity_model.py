"""Splink's model of the Indian register: blocking rules, comparisons, training.

Two arms: `fast` is what a careful user writes first; `accurate` adds term frequencies and compares
the address as one whole, since its fields are not independent of each other.
"""

from typing import Any

import splink.comparison_level_library as levels
import splink.comparison_library as compare
from splink import Linker, SettingsCreator, block_on

NAMES = ("given_name", "surname", "relation_name")
ADDRESS_EDITS = {"house": 0, "street": 2, "locality": 2, "town": 2, "pincode": 1}
AGREEING = (3, 1)
PREDICT_FROM, RECALL, RANDOM_PAIRS, SEED = 0.01, 0.6, 1e6, 7


def blocking_rules() -> list[Any]:
    """The seven rules that make candidate pairs."""
    return [
        block_on("phone"),
        block_on("given_name", "date_of_birth"),
        block_on("surname", "date_of_birth"),
        block_on("relation_name", "date_of_birth"),
        block_on("given_name", "surname", "pincode"),
        block_on("pincode", "house"),
        block_on("given_name", "relation_name", "surname"),
    ]


def settings_of(arm: str) -> SettingsCreator:
    """Settings of an arm, `fast` or `accurate`."""
    use_frequencies = arm == "accurate"
    comparisons = [
        *(
            compare.NameComparison(name).configure(term_frequency_adjustments=use_frequencies)
            for name in NAMES
        ),
        compare.DateOfBirthComparison("date_of_birth", input_is_string=False).configure(
            term_frequency_adjustments=use_frequencies
        ),
        compare.DamerauLevenshteinAtThresholds("phone", 2),
        compare.ExactMatch("gender"),
        *(whole_address() if arm == "accurate" else separate_address()),
    ]
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=blocking_rules(),
        comparisons=comparisons,
    )


def separate_address() -> list[Any]:
    """Each field of the address by itself."""
    return [
        compare.DamerauLevenshteinAtThresholds("pincode", 1),
        compare.JaroWinklerAtThresholds("street", [0.9, 0.7]),
        compare.JaroWinklerAtThresholds("locality", [0.9, 0.7]),
        compare.ExactMatch("house"),
    ]


def whole_address() -> list[Any]:
    """The address as one comparison: how many of its five fields agree, within our edits."""
    agreeing = " + ".join(
        f"(case when damerau_levenshtein({field}_l, {field}_r) <= {edits} then 1 else 0 end)"
        if edits
        else f"(case when {field}_l = {field}_r then 1 else 0 end)"
        for field, edits in ADDRESS_EDITS.items()
    )
    missing = " and ".join(f"({f}_l is null or {f}_r is null)" for f in ADDRESS_EDITS)
    equal = " and ".join(f"{field}_l = {field}_r" for field in ADDRESS_EDITS)
    steps = [
        levels.CustomLevel(missing, "no address").configure(is_null_level=True),
        levels.CustomLevel(equal, "all equal"),
        *(levels.CustomLevel(f"{agreeing} >= {n}", f"{n} of 5 agree") for n in AGREEING),
        levels.ElseLevel(),
    ]
    return [compare.CustomComparison(steps, output_column_name="address")]


def train(linker: Linker) -> None:
    """Prior from two strict rules, u from random pairs, m by EM on two blockings."""
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on("given_name", "surname", "date_of_birth"), block_on("phone", "date_of_birth")],
        recall=RECALL,
    )
    training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED)
    for rule in (block_on("date_of_birth", "given_name"), block_on("phone")):
        training.estimate_parameters_using_expectation_maximisation(rule)
