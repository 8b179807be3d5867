"""Survival rules of golden records: how the value of a field is chosen among the members."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

I64 = npt.NDArray[np.int64]

NAME_COMPARATORS = frozenset({"given_name", "surname", "relation_name"})


class Survival(StrEnum):
    """How the surviving value of a field is chosen."""

    FREQUENT = "frequent"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    NEWEST_SET = "newest_set"


@dataclass(frozen=True)
class FieldRule:
    """Rule of one field.

    Attributes:
        survival: FREQUENT takes the most frequent value; NAME the same, with the fewest initials
            first; BIRTH_DATE the same, with dates that are not 1 January first; NEWEST_SET all
            fields of the set from one member: the most complete one, the newest of these.
        set_name: fields with the same name form one set; only read for NEWEST_SET.
    """

    survival: Survival = Survival.FREQUENT
    set_name: str = ""


def rules_from_comparators(
    comparators: Mapping[str, str], groups: Mapping[str, str]
) -> dict[str, FieldRule]:
    """Rules of mapped fields, from their comparators and groups.

    Args:
        comparators: field -> comparator name.
        groups: field -> group, for fields that have one (`address`).

    Returns:
        One rule per field: a group and a phone survive as newest sets.
    """
    rules = {}
    for name, comparator in comparators.items():
        if name in groups or comparator == "phone":
            rules[name] = FieldRule(Survival.NEWEST_SET, groups.get(name, name))
        elif comparator in NAME_COMPARATORS:
            rules[name] = FieldRule(Survival.NAME)
        elif comparator == "date_of_birth":
            rules[name] = FieldRule(Survival.BIRTH_DATE)
        else:
            rules[name] = FieldRule()
    return rules


def count_flaws(values: pa.Array, survival: Survival) -> I64:
    """How unwelcome each distinct value is: initials of a name, 1 January as a birth date."""
    if survival is Survival.FREQUENT:
        return np.zeros(len(values), np.int64)
    count = _initials if survival is Survival.NAME else _is_new_year
    return np.array([count(value) for value in values.to_pylist()], dtype=np.int64)


def _initials(value: object) -> int:
    return sum(len(token.rstrip(".")) == 1 for token in str(value).split())


def _is_new_year(value: object) -> int:
    """1 for 1 January: a date, a yyyymmdd number, or text that ends in month and day."""
    if isinstance(value, date | datetime):
        return int((value.month, value.day) == (1, 1))
    if isinstance(value, int):
        return int(value % 10_000 == 101)
    return int(str(value).replace("-", "").endswith("0101"))
