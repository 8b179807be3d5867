"""A small person table whose rows are checked."""

import datetime
from typing import Any

import pyarrow as pa

from pipelines.dedup.checks import CheckPlan

AS_OF = datetime.date(2026, 1, 1)
FIELDS = {
    "name": "given_name",
    "dob": "date_of_birth",
    "pincode": "code",
    "phone": "phone",
    "gender": "gender",
}
NAMES = ("id", "status", "name", "dob", "pincode", "phone", "gender", "captures", "_corrupt_record")
PLAN = CheckPlan(FIELDS, "id", AS_OF, formats={"dob": "yyyyMMdd"})
GOOD_ROW = {
    "id": "1",
    "status": "ACTIVE",
    "name": "asha",
    "dob": "19860403",
    "pincode": "560001",
    "phone": "9000000001",
    "gender": "FEMALE",
}
NOTHING: dict[str, Any] = dict.fromkeys(FIELDS)


def batch(*rows: dict[str, Any]) -> pa.RecordBatch:
    columns = []
    for name in NAMES:
        kind = pa.binary() if name == "captures" else pa.string()
        columns.append(pa.array([{**GOOD_ROW, **row}.get(name) for row in rows], kind))
    return pa.RecordBatch.from_arrays(columns, NAMES)
