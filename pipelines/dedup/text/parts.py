"""What one text value turns into."""

from typing import NamedTuple


class NameParts(NamedTuple):
    """A normalised value and what was found inside it.

    Attributes:
        text: the value without the relation; "" when nothing is left.
        relation_type: SON_OF, DAUGHTER_OF, WIFE_OF, HUSBAND_OF, CARE_OF, or None.
        relation_name: normalised name of the other person, or None.
        surname: known only from "surname, given name"; it ends `text`.
        has_identity_number: an identity number was removed from the value.
    """

    text: str
    relation_type: str | None = None
    relation_name: str | None = None
    surname: str | None = None
    has_identity_number: bool = False
