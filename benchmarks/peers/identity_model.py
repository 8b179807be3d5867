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
SLIP = 0.001
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
    is_accurate = arm == "accurate"
    names = [compare.NameComparison(name) for name in NAMES]
    if is_accurate:
        for name in names:
            name.configure(term_frequency_adjustments=True)
    birth_date = compare.DateOfBirthComparison("date_of_birth", input_is_string=False)
    comparisons = [
        *names,
        keep_possible(birth_date, is_accurate),
        compare.DamerauLevenshteinAtThresholds("phone", 2),
        keep_possible(compare.ExactMatch("gender"), False),
        *(whole_address() if is_accurate else separate_address()),
    ]
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=blocking_rules(),
        comparisons=comparisons,
    )


def keep_possible(comparison: Any, use_frequencies: bool) -> Any:
    """Hold the chance that a match differs here, instead of training it.

    Birth date and gender are never wrong in a true pair of this register: EM sends that chance to
    0, and Splink 5.0.0 stops with an error (at 100,000 records it does).
    """
    column = comparison.create_output_column_name()
    steps = comparison.create_comparison_levels()
    steps[-1].configure(m_probability=SLIP, fix_m_probability=True)
    if use_frequencies:
        steps[1].configure(tf_adjustment_column=column)
    return compare.CustomComparison(steps, column)


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
