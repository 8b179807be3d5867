"""The small JVM functions of this job: where their sources are, and their classes."""

from pathlib import Path

from pipelines.core import java_functions

SOURCES = Path(__file__).parent / "java"
DECODER = "sangam.viewers.ViewerEvents"
TIMELINE = "sangam.viewers.QualityMillis"
VIEWING = "sangam.viewers.Viewing"


def functions_jar(folder: Path | None = None) -> Path:
    """The jar with all functions, compiled if it is not there yet.

    Args:
        folder: where it is kept; the user's cache when None.

    Raises:
        DependencyError: no Java, or the sources do not compile against this Flink.
    """
    return java_functions.functions_jar("viewers", SOURCES, folder)
