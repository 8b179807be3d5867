"""Lists on the command line of a benchmark."""


def words(text: str) -> list[str]:
    """Split at commas."""
    return [word for word in text.split(",") if word]


def numbers(text: str) -> list[int]:
    """Split at commas into whole numbers."""
    return [int(word) for word in words(text)]
