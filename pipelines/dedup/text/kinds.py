"""Which cleaner serves which kind of column, and the careful way for unusual values."""

from collections.abc import Callable

from pipelines.core.privacy import is_valid_identity_number
from pipelines.dedup.text import address, names, values
from pipelines.dedup.text.fold import fold
from pipelines.dedup.text.identity import remove_identity_numbers
from pipelines.dedup.text.parts import NameParts
from pipelines.dedup.text.relations import rewrite_native_marks

Cleaner = Callable[[str], str | NameParts]
"""From a folded value to its normal form; NameParts where more than text was found."""

CLEANERS: dict[str, Cleaner] = {
    "given_name": names.clean_name,
    "surname": names.clean_name,
    "full_name": names.clean_full_name,
    "relation_name": names.clean_relation_name,
    "town": address.clean_words,
    "street": address.clean_address,
    "locality": address.clean_address,
    "free_text": address.clean_words,
    "address_1": address.clean_address,
    "address_2": address.clean_address,
    "house": address.clean_house,
    "code": values.clean_code,
    "phone": values.clean_phone,
    "gender": values.clean_gender,
}
KINDS = (*CLEANERS, "date_of_birth")
"""Kinds of columns, named like the comparators."""

_PHONE_DIGITS = 10


def clean_carefully(text: str, kind: str, clean: Cleaner) -> str | NameParts:
    """Clean one value of any script that may hold an identity number.

    A phone of ten digits is taken as such even if, with its 91, it would pass as a number.
    """
    folded = fold(text if text.isascii() else rewrite_native_marks(text))
    if kind == "phone" and len(phone := values.clean_phone(folded)) == _PHONE_DIGITS:
        return phone
    rest, has_number = remove_identity_numbers(folded)
    value = clean(rest)
    if isinstance(value, str) and kind in ("code", "house", "phone"):
        is_number = is_valid_identity_number(value.replace("/", ""))
        value, has_number = ("", True) if is_number else (value, has_number)
    if not has_number:
        return value
    parts = NameParts(value) if isinstance(value, str) else value
    return parts._replace(has_identity_number=True)
