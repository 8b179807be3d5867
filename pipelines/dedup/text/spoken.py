"""How written syllables are spoken: silent inherent vowels, and voiced letters of Tamil."""

from dataclasses import dataclass

_STOPS = frozenset(
    ("k", "kh", "g", "gh", "ch", "chh", "j", "jh", "t", "th", "d", "dh", "p", "ph", "b", "bh")
)
_TAMIL_VOICED = {"k": "g", "t": "d"}
_TAMIL_AFTER_NASAL = {"k": "g", "t": "d", "p": "b", "s": "j"}
_VISARGA = 0x03


@dataclass
class Syllable:
    """A consonant and its vowel.

    Attributes:
        consonant: Latin letters, empty for a vowel that stands alone.
        vowel: Latin letters; None for the inherent vowel, "" for none.
        offset: place of the consonant in its block, -1 for none.
        is_nasal: an anusvara, spelt by what follows it.
    """

    consonant: str
    vowel: str | None
    offset: int = -1
    is_nasal: bool = False

    def spell(self) -> str:
        """Latin letters of the syllable; an inherent vowel is written a."""
        return self.consonant + ("a" if self.vowel is None else self.vowel)


def drop_unspoken_a(syllables: list[Syllable], places: frozenset[str]) -> None:
    """Silence inherent vowels, from the right, as northern languages speak them (Ohala 1983).

    At the end: raam(a), but krishna after a consonant cluster. In the middle: between a vowel with
    one consonant and a consonant with a vowel, raam(a)laal. Changes the list in place.
    """
    last = len(syllables) - 1
    if "end" in places and last > 0 and syllables[last].vowel is None:
        before = syllables[last - 1]
        is_nasal_stop = before.consonant in ("n", "m") and syllables[last].consonant in _STOPS
        if before.vowel != "" or before.is_nasal or is_nasal_stop:
            syllables[last].vowel = ""
    if "middle" not in places:
        return
    for i in range(last - 1, 0, -1):
        before, here, after = syllables[i - 1 : i + 2]
        is_open = before.vowel != "" and after.vowel != "" and bool(after.consonant)
        if here.vowel is None and here.consonant and is_open:
            here.vowel = ""


def voice_tamil(syllables: list[Syllable]) -> None:
    """Choose among the sounds one Tamil letter stands for, by its neighbours; in place.

    Between vowels k and t are voiced, after a nasal k, t, p and s are; a double s is ch, double r
    is tr, ts is ksh, and the sign before p makes f. Names borrowed from other languages follow no
    rule, so this is a best guess.
    """
    for i in range(1, len(syllables)):
        before, here = syllables[i - 1], syllables[i]
        if before.offset == _VISARGA and here.consonant == "p":
            here.consonant = "f"
        elif before.vowel == "" and before.consonant:
            _join_tamil(before, here)
        elif here.vowel != "":
            here.consonant = _TAMIL_VOICED.get(here.consonant, here.consonant)


def _join_tamil(before: Syllable, here: Syllable) -> None:
    pair = (before.consonant, here.consonant)
    if pair == ("s", "s"):
        before.consonant, here.consonant = "c", "ch"
    elif pair == ("t", "s"):
        before.consonant, here.consonant = "k", "sh"
    elif pair == ("th", "th"):
        before.consonant = ""
    elif pair == ("r", "r") and before.offset == here.offset:
        before.consonant = "t"
    elif before.consonant in ("n", "m"):
        here.consonant = _TAMIL_AFTER_NASAL.get(here.consonant, here.consonant)
