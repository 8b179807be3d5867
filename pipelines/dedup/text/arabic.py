"""Urdu and Arabic letters to Latin.

Short vowels are not written, so they are guessed: one `a` where two consonants open or close a
word. Frequent names come from a table. The sound key drops vowels and is not affected by the guess.
"""

import re

from pipelines.dedup.text.tables import load_table

_TABLE = load_table("arabic")
_LETTERS: dict[str, str] = _TABLE["letters"]
_GLIDES: dict[str, list[str]] = _TABLE["glides"]
_VOWELS = frozenset(_TABLE["vowels"])
_WORDS: dict[str, str] = _TABLE["words"]
_RUN = re.compile("[\u0600-\u06ff]+")
_UNSPOKEN = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_STOP = re.compile("[\u060c\u061b\u061f\u06d4]")


def write_arabic(text: str) -> str:
    """Write every run of Arabic letters in Latin; all else stays. Expects NFKC text."""
    return _RUN.sub(lambda run: _STOP.sub(" ", _write_run(run[0])), text)


def _write_run(run: str) -> str:
    word = _UNSPOKEN.sub("", run)
    if word in _WORDS:
        return _WORDS[word]
    sounds: list[tuple[str, bool]] = []
    for i, char in enumerate(word):
        if char == _TABLE["aspirate"] and sounds:
            sounds[-1] = (sounds[-1][0] + "h", sounds[-1][1])
        elif spelt := _spell(word, i):
            sounds.append(spelt)
    if len(sounds) > 1:
        _fill_vowels(sounds)
    return "".join(spelling for spelling, _ in sounds)


def _spell(word: str, i: int) -> tuple[str, bool] | None:
    """Latin letters of one character and whether they are a vowel; None for a silent one."""
    char = word[i]
    if char in _GLIDES:
        consonant, vowel = _GLIDES[char]
        is_vowel = i > 0 and not (i + 1 < len(word) and word[i + 1] in _VOWELS)
        return (vowel, True) if is_vowel else (consonant, False)
    is_last = i == len(word) - 1
    if char in _TABLE["silent_end"] and is_last and i > 0:
        return None if word[i - 1] in _VOWELS else ("a", True)
    spelling = _LETTERS.get(char, char)
    return (spelling, char in _VOWELS) if spelling else None


def _fill_vowels(sounds: list[tuple[str, bool]]) -> None:
    """Put an `a` between the last two and between the first two letters if both are consonants."""
    if len(sounds) > 2 and not sounds[-1][1] and not sounds[-2][1]:
        sounds.insert(len(sounds) - 1, ("a", True))
    if not sounds[0][1] and not sounds[1][1]:
        sounds.insert(1, ("a", True))
