"""One whole run, which all tests of the folder look at."""

import pytest

from pipelines.credit.generate import AS_OF, write_population
from tests.spark.credit.world import CONFIG, execute


@pytest.fixture(scope="package")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("credit")


@pytest.fixture(scope="package")
def done(spark, home):
    """The summary of a run that trains, scores and reports, and the folder of its input."""
    folder = write_population(1200, home / "population", CONFIG)
    given = {
        "input": str(folder),
        "lake": str(home / "lake"),
        "report": home / "report",
        "as_of": AS_OF,
    }
    return execute(spark, **given), folder
