"""What another interpreter loads."""

import subprocess
import sys


def test_the_core_loads_no_engine():
    code = (
        "import sys, pipelines.dedup.evaluate, pipelines.dedup.decide, pipelines.dedup.reviews;"
        "sys.exit('pyspark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
