"""Store a topic in its bronze table, every message once.

spark-submit jobs/ingest.py --topic upi.transactions.v1 --once      what is there now, then end
spark-submit jobs/ingest.py --topic viewer.events.v1                go on until stopped
spark-submit jobs/ingest.py --topic identity.enrolments.v1 --once --lake s3a://sangam
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.ingest.cli import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
