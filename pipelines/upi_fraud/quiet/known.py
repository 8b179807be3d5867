"""Texts that come again and again, each looked at once and found again by a dense number."""

from collections.abc import Callable, Sequence

import numpy as np

from pipelines.core.flat_records import Bytes, Ints

ODD, NONE = -1, -2
"""Number of a text that is not to be decided here, and of no text."""

Made = tuple[tuple[int, ...], str]
"""What is known of a text: numbers (64 bits, with or without sign), and a text of its own."""


class Known:
    """Numbers of texts, and arrays of what is known of each.

    Numbers hold until `make_room` is called, which may begin anew.

    Attributes:
        numbers: what is known of each text, [n, width]; longer than there are texts.
        texts: their own texts.
        tokens: the same, joined; `ends[k]` to `ends[k + 1]` is that of number k.
        longest: bytes of the longest own text.

    Args:
        make: looks at a text; None for one that is odd.
        width: how many numbers it gives.
        limit: texts kept.
    """

    def __init__(self, make: Callable[[bytes], Made | None], width: int, limit: int) -> None:
        self._make, self._width, self._limit = make, width, limit
        self._clear()

    def _clear(self) -> None:
        self._places: dict[bytes | None, int] = {None: NONE}
        self.texts: list[str] = []
        self.numbers: Ints = np.zeros((1_024, self._width), np.int64)
        self.ends: Ints = np.zeros(1_025, np.int64)
        self.tokens: Bytes = np.zeros(1 << 15, np.uint8)
        self.longest = 0

    def make_room(self) -> None:
        """Forget all texts if there are too many. To be called between batches."""
        if len(self._places) > self._limit:
            self._clear()

    def find(self, texts: Sequence[bytes | None]) -> list[int]:
        """Number of each text; `ODD` for those that are, `NONE` for None."""
        places = self._places
        try:
            return [places[text] for text in texts]
        except KeyError:
            return [places[text] if text in places else self._add(text or b"") for text in texts]

    def _add(self, text: bytes) -> int:
        made = self._make(text)
        if made is None:
            self._places[text] = ODD
            return ODD
        number, (values, text_of_its_own) = len(self.texts), made
        own = text_of_its_own.encode()
        if number == len(self.numbers):
            self.numbers = np.concatenate([self.numbers, np.zeros_like(self.numbers)])
            self.ends = np.concatenate([self.ends, np.zeros(number, np.int64)])
        begin = int(self.ends[number])
        end = begin + len(own)
        while end > len(self.tokens):
            self.tokens = np.concatenate([self.tokens, np.zeros_like(self.tokens)])
        bits = np.array([value & _U64 for value in values], np.uint64)
        self.numbers[number] = bits.view(np.int64)
        self.tokens[begin:end] = np.frombuffer(own, np.uint8)
        self.ends[number + 1] = end
        self.longest = max(self.longest, len(own))
        self._places[text] = number
        self.texts.append(text_of_its_own)
        return number


_U64 = 2**64 - 1
