"""Runs the lanes of the job on small messages in an embedded Flink."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.core.flink import FlinkSettings
from pipelines.viewers import tables
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.counting import run_lanes
from pipelines.viewers.outcome import with_ms
from pipelines.viewers.pipeline import SPAN, WINDOW
from pipelines.viewers.sources import open_source
from tests.unit.viewers.samples import write_messages

SETTINGS = FlinkSettings(parallelism=1, checkpoint_seconds=5, restart_attempts=1)


@pytest.fixture
def count(tmp_path: Path) -> Callable[..., dict[str, pd.DataFrame]]:
    """Function that runs the lanes over events and returns the tables as frames."""

    def run(
        events: list[dict[str, Any]], files: int = 1, **windows: Any
    ) -> dict[str, pd.DataFrame]:
        config = ViewersConfig(flink=SETTINGS.model_copy(update={"parallelism": files}),
                               windows=windows)  # fmt: skip
        write_messages(events, tmp_path / "messages", files)
        source = open_source(str(tmp_path / "messages"), config, tmp_path)
        staged = tables.staging(tmp_path / "lake", "test")
        run_lanes(source, config, staged, tmp_path)
        found = {name: tables.read_staged(staged, name) for name in tables.TABLES}
        return {
            name: with_ms(table, {"metrics": WINDOW, "sessions": SPAN}.get(name, {}))
            if table.num_rows
            else pd.DataFrame(columns=[one.split()[0].strip("`") for one in
                                       tables.TABLES[name].split(", ")])
            for name, table in found.items()
        }  # fmt: skip

    return run
