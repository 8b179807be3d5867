"""Delta tables from Python, without an engine."""

import pyarrow as pa

from pipelines.core.delta_files import commit_parts, write_part
from pipelines.core.delta_tables import Place, version_of


def test_the_newest_version_is_that_of_the_delta_library(tmp_path):
    place, rows = Place(str(tmp_path / "table")), pa.table({"name": ["asha"]})
    assert version_of(place) is None
    for number in range(12):
        part = write_part(rows.to_batches(), place, rows.schema, (), {})
        assert commit_parts(place, [part], rows.schema, "append", {}) == number
    place.table().create_checkpoint()
    (tmp_path / "table/_delta_log/_commit_1.json.tmp").touch()
    assert version_of(place) == place.table().version() == 11
    assert version_of(Place(f"file://{tmp_path}/table")) == 11
