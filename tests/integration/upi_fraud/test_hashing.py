"""Hashes of tokens, payments and labels hold beyond the process that makes them."""

import sys
from subprocess import run


def test_hashes_are_the_same_in_every_process():
    code = "from pipelines.upi_fraud.hashing import *; print(hash64('a'), hash46(b'a'), label_hash('a'), event_uuid('a'))"
    seen = {
        run([sys.executable, "-c", code], env={"PYTHONHASHSEED": str(seed), "PATH": ""}, capture_output=True, check=True).stdout
        for seed in (0, 1, 2)
    }  # fmt: skip
    assert len(seen) == 1
