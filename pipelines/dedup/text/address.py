"""Addresses and house numbers: one spelling per address word, relations cut out.

Lossy by choice: punctuation goes, runs of single letters join (`m g road` is `mg road`), the word
"number" goes, and `house`, `door` and `h no` fall together. A short form is written out wherever it
stands, except `st`, which is a street only at the end of a part and a saint elsewhere.
"""

import re
import string

from pipelines.dedup.text.names import plain_name
from pipelines.dedup.text.parts import NameParts
from pipelines.dedup.text.relations import cut_relation, may_have_relation
from pipelines.dedup.text.spaces import parted_words_of, words_of
from pipelines.dedup.text.tables import invert, load_table

_TABLE = load_table("address")
SHORT_FORMS = invert(_TABLE["words"])
_LABELS: dict[str, str] = _TABLE["numbered"]
_NUMBER_WORDS = frozenset(_TABLE["number_words"])
_RELATION_ENDS = frozenset(_TABLE["relation_ends"])
_LETTERS = frozenset(string.ascii_lowercase)
SPECIAL = _LETTERS | _NUMBER_WORDS | {"st", "saint"}
_PART = re.compile("[,;\r\n]")
_HOUSE_LABELS = frozenset(["house", "hno", "dno", "door", "makan"]) | _NUMBER_WORDS
_PIECE = re.compile(r"\d+|[^\W\d_]+")


def clean_address(text: str) -> str | NameParts:
    """Normalise a folded address; NameParts where a relation was found."""
    if may_have_relation(text):
        cut = cut_relation(text)
        if cut:
            before, kind, after = cut
            name, rest = _split_name(after)
            text = clean_words(f"{before}, {rest}")
            return NameParts(text, kind, plain_name(name)) if name else text
    return clean_words(text)


def clean_words(text: str) -> str:
    """The same without a look for relations, for towns and free text."""
    tokens = words_of(text)
    if not SPECIAL.isdisjoint(tokens):
        return clean_special(text)
    spell = SHORT_FORMS.get
    return " ".join([spell(token, token) for token in tokens])


def clean_special(text: str) -> str:
    """The same for a text with words whose neighbours matter (`SPECIAL`); right for any other."""
    tokens = _resolve(parted_words_of(text)) or words_of(text)
    spell = SHORT_FORMS.get
    return " ".join([spell(token, token) for token in tokens])


def clean_house(text: str) -> str:
    """Normalise a folded house number: `H.No. 12-3/A` is `12/3a`.

    Labels for "house number" go, other words (flat, plot) stay apart, a letter joins its number,
    and any sign between two numbers becomes a slash.
    """
    if text.isdecimal():
        return text
    pieces = _PIECE.findall(text.replace("'", ""))
    while len(pieces) > 1 and (
        pieces[0] in _HOUSE_LABELS or (pieces[0] in ("h", "d") and pieces[1] in _NUMBER_WORDS)
    ):
        pieces = pieces[1:]
    kept = [
        SHORT_FORMS.get(piece, piece) for piece in pieces if piece not in _NUMBER_WORDS
    ] or pieces
    return "".join(
        _separator(kept[i - 1], piece) + piece if i else piece for i, piece in enumerate(kept)
    )


def _separator(left: str, right: str) -> str:
    if left.isdecimal() and right.isdecimal():
        return "/"
    is_word = [len(piece) > 1 and not piece.isdecimal() for piece in (left, right)]
    return " " if any(is_word) else ""


def _resolve(tokens: list[str]) -> list[str]:
    """Put single letters, number words, `st` and `saint` right; "," ends a part.

    Letters in a row become one word, as people write them (mg road); "no" goes and spells the label
    before it (`h no 5` is `house 5`); `st` is a street where a part ends, but not as first word.
    """
    kept: list[str] = []
    before = ","
    for token in (*tokens, ","):
        if token == ",":
            if len(kept) > 1 and kept[-1] == "st":
                kept[-1] = "street"
        elif token in _NUMBER_WORDS:
            if kept:
                kept[-1] = _LABELS.get(kept[-1], kept[-1])
        elif token in _LETTERS and before in _LETTERS:
            kept[-1] += token
        else:
            if before == "saint":
                kept[-1] = "st"
            kept.append(token)
        before = token
    return kept


def _split_name(text: str) -> tuple[str, str]:
    """Name at the head of the text, and the address after it.

    The name ends before a comma, a number, an address word, or a label with its "no"; it is empty
    where no person is meant ("c/o post office").
    """
    end = _PART.search(text)
    tokens = words_of(text[: end.start()] if end else text)
    for i, token in enumerate(tokens):
        is_label = i + 1 < len(tokens) and tokens[i + 1] in _NUMBER_WORDS
        word = SHORT_FORMS.get(token, token)
        if word in _RELATION_ENDS or token[0].isdecimal() or is_label:
            break
    else:
        i = len(tokens)
    rest = text[end.start() :] if end else ""
    return " ".join(tokens[:i]), " ".join(tokens[i:]) + rest
