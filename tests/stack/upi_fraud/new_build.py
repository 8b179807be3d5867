"""The next build of the job: another layout of the payers' states, and a new optional field."""

import json
import shutil
from pathlib import Path

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.schema_lock import all_contracts, read_lock, updated_lock

LAYOUT = '''

LAYOUT = 2
_encode_as_before = encode_state


def encode_state(state: PayerState) -> bytes:
    """Layout 2 ends with a number that layout 1 has not."""
    return b"\\x02" + _encode_as_before(state)[1:] + b"\\x2a\\0\\0\\0"


def _read_layout_2(data: bytes) -> PayerState:
    assert data.endswith(b"\\x2a\\0\\0\\0")
    return _read_layout_1(b"\\x01" + data[1:-4])


READERS = {**READERS, 2: _read_layout_2}
'''
FIELD = {"name": "payer_app", "type": ["null", "string"], "default": None, "doc": "App of the payer.",
         "pii": "none"}  # fmt: skip


def make_new_build(folder: Path) -> Path:
    """A copy of the code with both changes; returns its folder."""
    for name in ("pipelines", "jobs", "schemas", "conf"):
        shutil.copytree(
            PROJECT_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    with (folder / "pipelines/upi_fraud/state_codec.py").open("a") as file:
        file.write(LAYOUT)
    schemas = folder / "schemas"
    contract = json.loads((schemas / "upi/transaction.v1.avsc").read_text())
    contract["fields"].append(FIELD)
    (schemas / "upi/transaction.v2.avsc").write_text(json.dumps(contract))
    entries = updated_lock(all_contracts(schemas), read_lock(schemas))
    (schemas / "lock.json").write_text(json.dumps(entries))
    return folder
