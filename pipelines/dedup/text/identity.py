"""Takes identity numbers out of text fields; what a valid one is, `core.privacy` says."""

import re

from pipelines.core.privacy import is_valid_identity_number

TWELVE_DIGITS = "[0-9](?:[^0-9A-Za-z]*[0-9]){11}"
"""Necessary form of a number in ASCII text, for a cheap first look (RE2 and Python syntax)."""

# The look-ahead lets attempts overlap: a house number of four digits may stand before the number.
_GROUPS = re.compile(r"(?<!\d)(?=((\d{4})[\W_]*(\d{4})[\W_]*(\d{4}))(?!\d))")
_TWELVE = re.compile(TWELVE_DIGITS)


def remove_identity_numbers(text: str) -> tuple[str, bool]:
    """Remove 12-digit numbers that are valid, with any punctuation between groups of four.

    A masked number would leave two digits behind as a token that other records share by chance, so
    nothing of it stays in a compared value.

    Args:
        text: digits must be ASCII already.

    Returns:
        The text with each number replaced by a space, and whether there was one.
    """
    if len(text) < 12 or not _TWELVE.search(text):
        return text, False
    spans = [
        m.span(1)
        for m in _GROUPS.finditer(text)
        if is_valid_identity_number("".join(m.group(2, 3, 4)))
    ]
    kept, end = [], 0
    for start, stop in spans:
        kept.append(text[end : max(start, end)])
        end = stop
    return " ".join([*kept, text[end:]]), bool(spans)
