"""Reads many messages of a flat contract at once, by one compiled walk over their bytes.

A message is plain if it has the frame of the newest contract, only ASCII in its texts, and nothing
left over. What is not plain is left to `wire.Wire`, which knows every way a message can be bad.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.core.avro_codec import frame
from pipelines.core.contract_store import SCHEMAS, get_contract
from pipelines.core.errors import ContractError
from pipelines.core.wire import id_of

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_LONG, _INT, _TEXT, _DOUBLE, _ENUM = range(5)
_KINDS = {"long": _LONG, "int": _INT, "string": _TEXT, "double": _DOUBLE, "enum": _ENUM}
_ASCII, _INT_LIMIT, _DOUBLE_BYTES = 0x80, 2**31, 8
_LAST_SHIFT = 56
"""Nine groups of seven bits fill a number of 63 bits; longer ones are not plain."""


class Flat(NamedTuple):
    """n messages, joined and taken apart.

    Attributes:
        data: all bytes.
        is_plain: whether the other arrays hold the message, [n].
        first, second: of each field and message, [fields, n]: a number (a double by its bits) and
            1, or begin and end of a text in `data`; 0 and -1 for null.
    """

    data: bytes
    is_plain: Bools
    first: Ints
    second: Ints


class FlatReader:
    """Reader of one contract: numbers, texts and enums, each required or `[null, type]`.

    Attributes:
        place: place of each field by its name.

    Args:
        subject: the contract, in its newest version.
        root: schema folder.

    Raises:
        ContractError: a field is of another type.
    """

    def __init__(self, subject: str, root: Path = SCHEMAS) -> None:
        fields = get_contract(subject, root=root).schema["fields"]
        self.place = {field["name"]: at for at, field in enumerate(fields)}
        self._kinds = np.array([_kind_of(field) for field in fields], np.int64)
        self._head = np.frombuffer(frame(id_of(subject, root=root), b""), np.uint8)

    def read(self, values: Sequence[bytes | None]) -> Flat:
        """Take messages apart; None is as bad as empty."""
        parts = [value or b"" for value in values]
        ends = np.zeros(len(parts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=ends[1:])
        data = b"".join(parts)
        shape = (len(self._kinds), len(parts))
        flat = Flat(data, np.empty(len(parts), np.bool_), np.empty(shape, np.int64),
                    np.empty(shape, np.int64))  # fmt: skip
        _read(np.frombuffer(data, np.uint8), ends, self._head, self._kinds, *flat[1:])
        return flat


def _kind_of(field: dict[str, Any]) -> tuple[int, bool, int]:
    """Kind, whether it may be null, number of symbols."""
    kind, is_optional, symbols = field["type"], False, 0
    if isinstance(kind, list) and len(kind) == 2 and kind[0] == "null":
        kind, is_optional = kind[1], True
    if isinstance(kind, dict):
        kind, symbols = kind["type"], len(kind.get("symbols", ()))
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ContractError(f"field {field['name']} is of no flat type")
    return _KINDS[kind], is_optional, symbols


@nb.njit(cache=True)
def _read(
    data: Bytes, ends: Ints, head: Bytes, kinds: Ints, is_plain: Bools, first: Ints, second: Ints
) -> None:
    """Fill the arrays of `Flat`; message i has the bytes from ends[i] to ends[i + 1]."""
    for row in range(len(is_plain)):
        at, end = ends[row], ends[row + 1]
        is_plain[row] = False
        if _begins(data, at, end, head):
            behind = _read_fields(data, at + len(head), end, row, kinds, first, second)
            is_plain[row] = behind == end


@nb.njit(cache=True)
def _begins(data: Bytes, at: int, end: int, head: Bytes) -> bool:
    return end - at >= len(head) and bool(np.all(data[at : at + len(head)] == head))


@nb.njit(cache=True)
def _read_fields(
    data: Bytes, at: int, end: int, row: int, kinds: Ints, first: Ints, second: Ints
) -> int:
    """Place behind the record; -1 where it is not plain."""
    for field in range(len(kinds)):
        kind = kinds[field, 0]
        first[field, row], second[field, row] = 0, 1
        if kinds[field, 1]:
            branch, at = _number(data, at, end)
            if at < 0 or branch < 0 or branch > 1:
                return -1
            if branch == 0:
                second[field, row] = -1
                continue
        if kind == _DOUBLE:
            if end - at < _DOUBLE_BYTES:
                return -1
            for place in range(_DOUBLE_BYTES):
                first[field, row] |= np.int64(data[at + place]) << (8 * place)
            at += _DOUBLE_BYTES
            continue
        number, at = _number(data, at, end)
        if at < 0 or not _fits(kind, number, kinds[field, 2]):
            return -1
        first[field, row] = number
        if kind == _TEXT:
            stop = _ascii_end(data, at, end, number)
            first[field, row], second[field, row] = at, stop
            at = stop
            if at < 0:
                return -1
    return at


@nb.njit(cache=True)
def _fits(kind: int, number: int, symbols: int) -> bool:
    """Whether a number may stand for what it is: an int, a symbol, a length."""
    if kind == _INT:
        return -_INT_LIMIT <= number < _INT_LIMIT
    if kind == _ENUM:
        return 0 <= number < symbols
    return kind != _TEXT or number >= 0


@nb.njit(cache=True)
def _ascii_end(data: Bytes, at: int, end: int, length: int) -> int:
    """Place behind a text; -1 where it is cut short or holds more than ASCII."""
    if length > end - at:
        return -1
    for place in range(at, at + length):
        if data[place] >= _ASCII:
            return -1
    return at + length


@nb.njit(cache=True)
def _number(data: Bytes, at: int, end: int) -> tuple[Any, int]:
    """Zigzag variable-length integer (Avro specification) and the place behind it, or -1."""
    value, shift = np.int64(0), 0
    while at < end and shift <= _LAST_SHIFT:
        byte = np.int64(data[at])
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < _ASCII:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
    return np.int64(0), -1
