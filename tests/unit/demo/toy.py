"""A chapter of a job that is quickly done."""

from pipelines.core.report_parts import show_percent
from pipelines.demo.chapters import Chapter, Figure, OnStack

ELSEWHERE = OnStack("toys", 3, ("--rows", "3"))
TOY = Chapter(
    "toy", "Is it there?", "One row.", ("--rows", "3"),
    (Figure("found", "rows found"), Figure("share", "share", show_percent), Figure("never", "not measured")),
    ELSEWHERE,
)  # fmt: skip
