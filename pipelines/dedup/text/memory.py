"""A bounded dictionary that remembers the results of a pure function."""

from collections.abc import Callable


class Memory(dict[str, str]):
    """`memory[key]` calls the function once per key.

    Plain dict look-ups are several times cheaper than `functools.lru_cache`; when full, everything
    is forgotten at once, which costs less than keeping an order.

    Attributes:
        function: from key to value, without side effects.
        size: entries kept at most.
    """

    def __init__(self, function: Callable[[str], str], size: int) -> None:
        super().__init__()
        self.function = function
        self.size = size

    def __missing__(self, key: str) -> str:
        if len(self) >= self.size:
            self.clear()
        value = self[key] = self.function(key)
        return value
