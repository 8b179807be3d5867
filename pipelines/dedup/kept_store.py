"""The record store that a run leaves beside its tables, for the next incremental run.

It holds what the table `enrolments` holds, captures included, and is as restricted; whoever deletes
it loses time only. A lake in a bucket keeps none: its incremental runs make the store anew.
"""

import hashlib
import json
import shutil
import uuid
from pathlib import Path

from pipelines.core.lake import Lake
from pipelines.dedup.keys import KeyLayout

FOLDER = "store"
FORMAT = 2  # of its files; one of another format is not found, and so made anew


def store_folder(lake: Lake, scratch: Path) -> Path:
    """Where a run makes its store: inside the lake where it can be kept, so it need not move.

    The name is new each time: processes remember stores by it.
    """
    is_local = "://" not in lake.root
    return Path(lake.root) / FOLDER / f"{uuid.uuid4().hex}.part" if is_local else scratch / "store"


def keep_store(lake: Lake, folder: Path, version: int, layout: KeyLayout) -> None:
    """Keep the store of a published run, in the place of that before it."""
    if folder.parent.name != FOLDER or "://" in lake.root:
        return
    kept = folder.parent / _name(version, layout)
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other)
    folder.rename(kept)


def find_kept(lake: Lake, version: int, layout: KeyLayout) -> Path | None:
    """The store of a version of the records with these keys, if it was kept."""
    folder = Path(lake.root) / FOLDER / _name(version, layout)
    return folder if "://" not in lake.root and folder.is_dir() else None


def _name(version: int, layout: KeyLayout) -> str:
    plain = [
        FORMAT, layout.mapping.model_dump(mode="json"), layout.settings.model_dump(mode="json")
    ]  # fmt: skip
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    return f"enrolments-{version}-{digest[:12]}"
