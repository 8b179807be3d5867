"""Unicode text in any form to lower-case Latin letters, ASCII digits and ASCII punctuation."""

import unicodedata

from pipelines.dedup.text.arabic import write_arabic
from pipelines.dedup.text.brahmic import write_brahmic
from pipelines.dedup.text.memory import Memory
from pipelines.dedup.text.tables import load_table

# Marks from this combining class on sit above or below a letter (accents, cedilla, ogonek). The
# classes below it are vowel signs and tones of other scripts, which carry meaning.
_FIRST_ACCENT_CLASS = 200
_LATIN = str.maketrans(load_table("latin")["letters"])


def fold(text: str) -> str:
    """Fold a value to plain Latin text.

    NFC and compatibility forms first (full width, ligatures, presentation forms), invisible
    characters out (joiners, direction marks, soft hyphens), digits of all scripts to ASCII, Indic
    and Arabic letters by table, then NFKD without accents, lower case, other punctuation as spaces.

    Args:
        text: any string; ASCII returns at once.

    Returns:
        ASCII where a table covers the script. Letters of other scripts stay as they are.
    """
    if text.isascii():
        return text.lower()
    return _FOLDED[text]


def _fold(text: str) -> str:
    """NFKC is applied again after the joiners are gone: they may have kept letters apart."""
    widths = unicodedata.normalize("NFKC", text)
    visible = "".join(map(_visible, widths))
    latin = write_arabic(write_brahmic(unicodedata.normalize("NFKC", visible)))
    if not latin.isascii():
        spread = unicodedata.normalize("NFKD", latin).lower()
        plain = "".join(c for c in spread if unicodedata.combining(c) < _FIRST_ACCENT_CLASS)
        latin = "".join(map(_plain_character, plain.translate(_LATIN)))
        latin = unicodedata.normalize("NFKC", latin)
    return latin.lower()


_FOLDED = Memory(_fold, size=100_000)


def _visible(char: str) -> str:
    """The character; nothing for a format character, an ASCII digit for a digit."""
    if char.isascii():
        return char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    is_hidden = unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f"
    return "" if is_hidden else char


def _plain_character(char: str) -> str:
    """The character if it is ASCII, a letter, a digit or a mark; otherwise a space."""
    keeps = char.isascii() or char.isalnum() or unicodedata.category(char)[0] == "M"
    return char if keeps else " "
