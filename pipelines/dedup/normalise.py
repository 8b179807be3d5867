"""Normalisation: one spelling for what people write in many ways (spec 5.2).

Functions for single values; `Normaliser` for whole columns works on the distinct values of a column
and remembers them. ASCII text, nearly all of a register, never meets the Unicode tables.

What is lost on purpose is listed at the head of `text/names.py`, `text/address.py`,
`text/brahmic.py` and `text/arabic.py`.
"""

from functools import partial

from pipelines.dedup.text import names, values
from pipelines.dedup.text.columns import NormalisedColumn, Normaliser
from pipelines.dedup.text.kinds import CLEANERS, KINDS, Cleaner, clean_carefully
from pipelines.dedup.text.parts import NameParts
from pipelines.dedup.text.sound import sound, sound_of_name, sounds_of_names
from pipelines.dedup.text.values import is_estimated

__all__ = [
    "IDENTITY_NUMBER_IN_TEXT",
    "KINDS",
    "NameParts",
    "NormalisedColumn",
    "Normaliser",
    "is_estimated",
    "normalise_address",
    "normalise_code",
    "normalise_date",
    "normalise_gender",
    "normalise_house",
    "normalise_name",
    "normalise_phone",
    "sound",
    "sound_of_name",
    "sounds_of_names",
    "split_full_name",
]

IDENTITY_NUMBER_IN_TEXT = "IDENTITY_NUMBER_IN_TEXT"
"""Data quality flag of a record in which an identity number was found."""


def normalise_name(text: str) -> NameParts:
    """Normalise a name of any script: `Smt. Lakshmī Devi` is `lakshmi devi`.

    A relation ("S/O Shri Ram") is taken out of the text, which is "" when nothing stands before it.
    Honorifics at the head go, but never the last token.
    """
    return _parse(text, "given_name")


def split_full_name(text: str) -> tuple[str | None, str | None]:
    """Given name and surname: the last token is the surname, unless a comma says otherwise.

    A single token is a given name without surname; both are None when nothing is left.
    """
    return names.split_name(_parse(text, "full_name"))


def normalise_address(text: str) -> NameParts:
    """Normalise an address; a relation inside ("S/O Ram, 12 MG Rd") is taken out of the text."""
    return _parse(text, "street")


def normalise_house(text: str) -> str:
    """Normalise a house number: `H.No. 12-3/A` is `12/3a`."""
    return _parse(text, "house").text


def normalise_code(text: str) -> str:
    """Lower-case letters and digits of a code: `560 001` is `560001`."""
    return _parse(text, "code").text


def normalise_phone(text: str) -> str:
    """Digits of a phone number without +91 or 0: `+91 98765-43210` is `9876543210`."""
    return _parse(text, "phone").text


def normalise_gender(text: str) -> str | None:
    """female, male, other, or None for anything unknown."""
    return _parse(text, "gender").text or None


def normalise_date(text: str, date_format: str = "yyyyMMdd") -> str | None:
    """Eight digits yyyymmdd, or None where the text does not fit or no such day exists.

    Raises:
        ConfigError: the format is not understood.
    """
    cleaner = partial(values.clean_date, pattern=values.date_pattern(date_format))
    return _parse(text, "date_of_birth", cleaner).text or None


def _parse(text: str, kind: str, cleaner: Cleaner | None = None) -> NameParts:
    value = clean_carefully(text, kind, cleaner or CLEANERS[kind])
    return NameParts(value) if isinstance(value, str) else value
