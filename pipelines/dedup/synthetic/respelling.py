"""How a name changes on paper: another transliteration, or a slip at the keyboard."""

import numpy as np
import numpy.typing as npt

from pipelines.dedup.synthetic.streams import I64

U8 = npt.NDArray[np.uint8]
Text = npt.NDArray[np.bytes_]

_RULES = (
    ("ee", "i"), ("oo", "u"), ("aa", "a"), ("sh", "s"), ("ksh", "x"), ("v", "w"), ("w", "v"),
    ("ph", "f"), ("th", "t"), ("dh", "d"), ("bh", "b"), ("kh", "k"), ("gh", "g"), ("chh", "ch"),
    ("z", "j"), ("q", "k"), ("au", "ou"), ("ai", "ay"), ("iy", "y"), ("ll", "l"), ("nn", "n"),
    ("mm", "m"), ("tt", "t"), ("i", "ee"), ("u", "oo"),
)  # fmt: skip
_A, _LETTERS, _CASE = ord("a"), 26, np.uint8(32)
_SUBSTITUTE, _DELETE, _INSERT, _TRANSPOSE = range(4)


def respell_by_rule(name: str) -> str:
    """Another common transliteration of a name that has none listed; never the name itself."""
    for old, new in _RULES:
        place = name.find(old, 1)
        if place > 0:
            return name[:place] + new + name[place + len(old) :]
    return name + "a" if name[-1] != "a" else name + "h"


def mistype(rng: np.random.Generator, names: Text) -> Text:
    """One slip per name: a wrong, missing, extra or exchanged letter, never the first letter.

    Args:
        rng: drawn from four times per name, whatever the slip.
        names: ASCII names of at least two letters, fixed width.

    Returns:
        The names, each different from before, in a width one larger.
    """
    text = _letters(names)
    rows, width = np.arange(len(text)), text.shape[1]
    length = (text != 0).sum(axis=1)
    place = 1 + rng.integers(0, np.maximum(length - 1, 1))
    slip = _pick_slips(rng, text, place, length)
    columns = np.arange(width)
    shift = ((slip == _DELETE)[:, None] & (columns >= place[:, None])).astype(np.int64)
    shift -= (slip == _INSERT)[:, None] & (columns > place[:, None])
    source = np.clip(columns + shift, 0, width - 1)
    typed = np.take_along_axis(text, source, axis=1)
    letter = _other_letters(rng, text[rows, place])
    typed[rows, place] = np.where(slip == _SUBSTITUTE, letter, typed[rows, place])
    inserted = np.minimum(place + 1, width - 1)
    typed[rows, inserted] = np.where(slip == _INSERT, letter, typed[rows, inserted])
    crossed = rows[slip == _TRANSPOSE]
    at = place[crossed]
    typed[crossed, at], typed[crossed, at + 1] = text[crossed, at + 1], text[crossed, at]
    return typed.view(f"S{width}").ravel()


def _letters(names: Text) -> U8:
    """Characters [rows, width + 1]; the spare column takes an inserted letter."""
    width = names.dtype.itemsize
    text = np.zeros((len(names), width + 1), dtype=np.uint8)
    text[:, :width] = np.ascontiguousarray(names).view(np.uint8).reshape(-1, width)
    return text


def _pick_slips(rng: np.random.Generator, text: U8, place: I64, length: I64) -> I64:
    """Kind of slip per row; where it would change nothing a wrong letter is taken instead."""
    slip = rng.integers(0, 4, len(text))
    rows = np.arange(len(text))
    following = text[rows, np.minimum(place + 1, text.shape[1] - 1)]
    is_void = (place + 1 >= length) | (following == text[rows, place])
    is_short = length <= 2
    void = ((slip == _TRANSPOSE) & is_void) | ((slip == _DELETE) & is_short)
    return np.where(void, _SUBSTITUTE, slip)


def _other_letters(rng: np.random.Generator, letters: U8) -> U8:
    """A lower-case letter that differs from the one there."""
    step = rng.integers(1, _LETTERS, len(letters))
    return (((letters | _CASE).astype(np.int64) - _A + step) % _LETTERS + _A).astype(np.uint8)
