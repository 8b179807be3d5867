"""Identity numbers: how one is recognised, and what of a value a person may read."""

import re


# Verhoeff 1969: products in the dihedral group of order 10, and a permutation by position.
def _dihedral(a: int, b: int) -> int:
    turned = (a - b if a >= 5 else a + b) % 5
    return turned if (a < 5) == (b < 5) else turned + 5


_PRODUCT = tuple(tuple(_dihedral(a, b) for b in range(10)) for a in range(10))
_FIRST_PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _verhoeff_sum(digits: str, start: int) -> int:
    """Running product from the right; `start` is the position of the last digit."""
    total = 0
    for position, char in enumerate(reversed(digits), start):
        digit = int(char)
        for _ in range(position % 8):
            digit = _FIRST_PERMUTATION[digit]
        total = _PRODUCT[total][digit]
    return total


def verhoeff_digit(digits: str) -> int:
    """Check digit that completes `digits`: 236 gives 3."""
    total = _verhoeff_sum(digits, start=1)
    return total if total >= 5 else -total % 5


def is_valid_identity_number(text: str) -> bool:
    """True for 12 digits, the first 2..9, whose Verhoeff check holds."""
    return (
        len(text) == 12
        and text.isdecimal()
        and int(text[0]) >= 2
        and _verhoeff_sum(text, start=0) == 0
    )


_TWELVE = r"\d{4}[ ./-]?\d{4}[ ./-]?\d{4}"
# Matches nothing but a place, so that a number inside a longer row of fours is seen as well.
_IDENTITY_NUMBER = re.compile(rf"(?<!\d)(?=({_TWELVE})(?!\d))")
# A commit or a SHA-256 may hold ten digits in a row by chance and identifies nobody.
_IDENTIFIER = re.compile(
    rf"\b(?P<hash>(?:[0-9a-f]{{64}}|[0-9a-f]{{40}}))\b|(?<!\d)(?<!\d\.)(?:{_TWELVE}|\d{{10}})(?!\d)"
)
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]+")


def _mask_digits(text: str) -> str:
    """Stars for all digits but the last two; one or two digits vanish altogether."""
    count = len(_DIGIT.findall(text))
    return _DIGIT.sub("*", text, count=count - 2 if count > 2 else count) if count else text


def mask_identity_numbers(text: str) -> tuple[str, int]:
    """Mask valid identity numbers, with or without a blank, dot, dash or slash between the fours.

    Returns:
        The text and how many numbers were masked.
    """
    parts, end, found = [], 0, 0
    for match in _IDENTITY_NUMBER.finditer(text):
        start, number = match.start(), match[1]
        if start >= end and is_valid_identity_number(re.sub(r"\D", "", number)):
            parts += [text[end:start], _mask_digits(number)]
            end, found = start + len(number), found + 1
    return "".join([*parts, text[end:]]), found


def mask_text(text: str) -> str:
    """Mask every run of 10 or 12 digits (phone and identity numbers) in a message."""
    return _IDENTIFIER.sub(lambda m: m[0] if m["hash"] else _mask_digits(m[0]), text)


def mask_value(value: str) -> str:
    """Mask one field value for a reviewer: `ashok@ybl` as `as**@ybl`, 9876543210 as `********10`.

    Words keep their first letter, digits only the last two of the value.
    """
    local, at, handle = value.partition("@")
    if at:
        return f"{local[:2]}**@{handle}"
    return _mask_digits(_WORD.sub(lambda m: m[0][0] + "*" * (len(m[0]) - 1), value))
