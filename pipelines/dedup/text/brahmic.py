"""Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada, Malayalam to Latin.

The nine Unicode blocks put the same letter at the same offset (they come from one standard, ISCII),
so one table with a few exceptions per script is enough. The result is the spelling usual on Indian
documents; it loses vowel length and the difference of dental and retroflex letters.
"""

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from pipelines.dedup.text.spoken import Syllable, drop_unspoken_a, voice_tamil
from pipelines.dedup.text.tables import load_table

_RUN = re.compile("[\u0900-\u0963\u0966-\u0d7f]+")
_BLOCK = 0x80
_CANDRABINDU, _ANUSVARA, _VISARGA, _NUKTA, _VIRAMA = 0x01, 0x02, 0x03, 0x3C, 0x4D
_TIPPI, _ADDAK = 0x70, 0x71
_JA, _NYA, _YA = 0x1C, 0x1E, 0x2F


@dataclass(frozen=True)
class Script:
    """Letters of one block by offset, and how the script is read aloud."""

    name: str
    consonants: dict[int, str]
    vowels: dict[int, str]
    signs: dict[int, str]
    nukta: dict[int, str]
    jna: str
    nasal: str
    nasal_end: str
    drop_a: frozenset[str]
    closed: dict[int, str] = field(default_factory=dict)


def _load_scripts() -> dict[int, Script]:
    table = load_table("brahmic")

    def build(name: str, row: dict[str, Any]) -> Script:
        return Script(
            name=name,
            consonants=table["consonants"] | row.get("consonants", {}),
            vowels=table["vowels"],
            signs=table["signs"],
            nukta=table["nukta"],
            jna=row["jna"],
            nasal=row["nasal"],
            nasal_end=row["nasal_end"],
            drop_a=frozenset(row["drop_a"]),
            closed=row.get("closed", {}),
        )

    return {row["start"] // _BLOCK: build(name, row) for name, row in table["scripts"].items()}


_SCRIPTS = _load_scripts()
_WORDS: dict[str, str] = load_table("brahmic")["words"]


def write_brahmic(text: str) -> str:
    """Write every run of Brahmic letters in Latin; all else stays.

    Args:
        text: NFC text without joiners, digits already ASCII.
    """
    return _RUN.sub(lambda run: "".join(map(_write_block, *_blocks(run[0]))), text)


def _blocks(run: str) -> tuple[list[str], list[int]]:
    parts = [(block, "".join(chars)) for block, chars in groupby(run, lambda c: ord(c) // _BLOCK)]
    return [chars for _, chars in parts], [block for block, _ in parts]


def _write_block(run: str, block: int) -> str:
    script = _SCRIPTS[block]
    syllables = _read(run, script)
    if script.name == "tamil":
        voice_tamil(syllables)
    drop_unspoken_a(syllables, script.drop_a)
    word = "".join(
        _spell_nasal(syllables, i, script) if s.is_nasal else s.spell()
        for i, s in enumerate(syllables)
    )
    return _WORDS.get(word, word)


def _read(run: str, script: Script) -> list[Syllable]:
    """Split a word into consonants, each with the vowel that follows it."""
    syllables: list[Syllable] = []
    is_doubled = False
    for char in run:
        offset = ord(char) % _BLOCK
        if offset in script.closed:
            syllables.append(Syllable(script.closed[offset], ""))
        elif offset == _ADDAK and script.name == "gurmukhi":
            is_doubled = True
        elif offset in script.consonants:
            if is_doubled:
                syllables.append(Syllable(script.consonants[offset][0], ""))
            _add_consonant(syllables, offset, script)
            is_doubled = False
        elif offset in script.vowels:
            syllables.append(Syllable("", script.vowels[offset]))
        else:
            _add_sign(syllables, offset, script)
    return syllables


def _add_consonant(syllables: list[Syllable], offset: int, script: Script) -> None:
    last = syllables[-1] if syllables else None
    if last and offset == _NYA and last.offset == _JA and last.vowel == "":
        syllables[-1] = Syllable(script.jna, None, offset)
        return
    is_joined_ya = last is not None and offset == _YA and last.vowel == ""
    consonant = "y" if is_joined_ya else script.consonants[offset]
    syllables.append(Syllable(consonant, None, offset))


def _add_sign(syllables: list[Syllable], offset: int, script: Script) -> None:
    """Apply a dependent sign to the last letter; signs without a table entry are silent."""
    last = syllables[-1] if syllables else None
    is_aytham = offset == _VISARGA and script.name == "tamil"
    if offset == _ANUSVARA or (offset == _TIPPI and script.name == "gurmukhi"):
        syllables.append(Syllable(script.nasal, "", is_nasal=True))
    elif offset == _CANDRABINDU:
        syllables.append(Syllable("n", ""))
    elif offset == _VISARGA:
        syllables.append(Syllable("" if is_aytham else "h", "", offset))
    elif last and offset == _NUKTA:
        last.consonant = script.nukta.get(last.offset, last.consonant)
    elif last and offset == _VIRAMA:
        last.vowel = ""
    elif last and offset in script.signs:
        last.vowel = script.signs[offset]


def _spell_nasal(syllables: list[Syllable], i: int, script: Script) -> str:
    """The anusvara takes the place of the letter after it: m before labials, ng before h."""
    after = syllables[i + 1].consonant if i + 1 < len(syllables) else None
    if after is None:
        return script.nasal_end
    if after[:1] in tuple("pbmf"):
        return "m"
    return "ng" if after == "h" else script.nasal
