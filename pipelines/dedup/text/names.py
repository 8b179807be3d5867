"""Names of persons: honorifics off, short forms written out, relations and initials apart.

Lossy by choice: honorifics at the head go even where they are part of a name ("Sri Devi"); `kr` and
`md` are written out even where they are initials; apostrophes vanish and hyphens part words.
"""

from pipelines.dedup.text.parts import NameParts
from pipelines.dedup.text.relations import cut_relation, may_have_relation
from pipelines.dedup.text.spaces import words_of
from pipelines.dedup.text.tables import invert, load_table

_TABLE = load_table("names")
HONORIFICS = frozenset(_TABLE["honorifics"])
SHORT_FORMS = invert(_TABLE["abbreviations"])
MISSING: list[str] = _TABLE["missing"]
_MISSING_RAW = frozenset(_TABLE["missing_raw"])


def clean_name(text: str) -> str | NameParts:
    """Normalise a folded name; NameParts only where more than text was found."""
    if text.isalpha():
        return SHORT_FORMS.get(text, text) if text not in MISSING else ""
    if "/" in text and text.strip() in _MISSING_RAW:
        return ""
    if may_have_relation(text):
        cut = cut_relation(text)
        if cut:
            return _with_relation(*cut)
    return plain_name(text)


def clean_full_name(text: str) -> str | NameParts:
    """The same for a full name, where "surname, given name" is put in the usual order."""
    if "," not in text:
        return clean_name(text)
    cut = cut_relation(text)
    before, kind, after = cut or (text, None, "")
    surname, given = (plain_name(part) for part in before.partition(",")[::2])
    if given in HONORIFICS or not given or not surname:
        reordered, surname = surname or given, ""
    else:
        reordered = f"{given} {surname}"
    return NameParts(reordered, kind, _first_name_in(after), surname or None)


def clean_relation_name(text: str) -> str | NameParts:
    """The same for the name of a relative: "S/O Ram" is the name ram and the relation SON_OF."""
    name = clean_name(text)
    if isinstance(name, str) or name.relation_name is None:
        return name
    return NameParts(name.relation_name, name.relation_type, name.relation_name)


def split_name(name: str | NameParts) -> tuple[str | None, str | None]:
    """Given name and surname of a normalised full name: the last token is the surname."""
    text, surname = (name, None) if isinstance(name, str) else (name.text, name.surname)
    if surname:
        return text[: -len(surname) - 1], surname
    given, _, last = text.rpartition(" ")
    return (given, last) if given else (last or None, None)


def _with_relation(before: str, kind: str, after: str) -> NameParts:
    return NameParts(plain_name(before), kind, _first_name_in(after))


def _first_name_in(text: str) -> str | None:
    """The name up to a comma or the next relation; None when nothing is left."""
    cut = cut_relation(text)
    return plain_name((cut[0] if cut else text).partition(",")[0]) or None


def plain_name(text: str) -> str:
    """Drop leading honorifics, never the last token left, and write short forms out."""
    tokens = words_of(text)
    if len(tokens) > 1 and tokens[0] in HONORIFICS:
        last = len(tokens) - 1
        tokens = tokens[next(i for i, t in enumerate(tokens) if i == last or t not in HONORIFICS) :]
    spell = SHORT_FORMS.get
    name = " ".join([spell(token, token) for token in tokens])
    return name if name not in MISSING else ""
