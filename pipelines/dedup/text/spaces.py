"""Punctuation to spaces, on bytes: several times faster than `str.translate`."""

import string

_APOSTROPHES = b"'`"
_BLANK = string.punctuation + "".join(map(chr, range(32))) + "\x7f"
_TABLE = bytes.maketrans(_BLANK.encode(), b" " * len(_BLANK))
_PART_ENDS = b",;\r\n"
_PARTED = bytearray(_TABLE)
for _end in _PART_ENDS:
    _PARTED[_end] = ord(",")


def words_of(text: str) -> list[str]:
    """Words of a folded text: punctuation parts them, apostrophes vanish (o'brien, obrien)."""
    return text.encode().translate(_TABLE, _APOSTROPHES).decode().split()


def parted_words_of(text: str) -> list[str]:
    """The same with "," as a word of its own for each comma, semicolon and line end."""
    spaced = text.encode().translate(_PARTED, _APOSTROPHES).decode()
    return spaced.replace(",", " , ").split()
