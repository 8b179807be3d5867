"""Finds "S/O", "care of" and their kind in names and addresses."""

import re

from pipelines.dedup.text.tables import invert, load_table

_TABLE = load_table("relations")
_TYPES: dict[str, str] = _TABLE["types"]
_NATIVE = invert(_TABLE["native"])
_NATIVE_WORD = re.compile(
    rf"(?<!\S)({'|'.join(sorted(_NATIVE, key=len, reverse=True))})(?=[\s:.,])"
)
_MARK = re.compile(
    r"(?<![a-z0-9])(?:"
    r"([sdwhc])\s?[/\\|]\s?[o0](?![a-z0-9])"  # s/o, and a zero typed for the o
    r"|(son|daughter|wife|husband|care)\s+of(?![a-z0-9])"
    r")[\s.:,;-]*"
)
_SLASH = re.compile(r"/\s?[o0](?![a-z0-9])")
_HEAD = re.compile(r"\s*([sdwhc])[\s.]?[o0]\.?\s*:[\s.:,;-]*")


def rewrite_native_marks(text: str) -> str:
    """Write the relation words of Devanagari documents as "s/o" and so on."""
    return _NATIVE_WORD.sub(lambda m: f" {_NATIVE[m[1]]} ", text)


def may_have_relation(text: str) -> bool:
    """Cheap test that no text with a relation fails; `text` in lower case."""
    if ":" in text or " of " in text or "\\" in text or "|" in text:
        return True
    return "/" in text and _SLASH.search(text) is not None


def cut_relation(text: str) -> tuple[str, str, str] | None:
    """Split lower-case text at its first relation mark.

    Without a slash ("SO: Ram") a mark counts only at the head and before a colon, because "s o" may
    be initials.

    Returns:
        The text before the mark, the relation type, and the text after it; None without a mark.
    """
    found = _HEAD.match(text) or _MARK.search(text)
    if found is None:
        return None
    key = next(group for group in found.groups() if group)
    return text[: found.start()], _TYPES[key], text[found.end() :]
