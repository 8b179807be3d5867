"""Allot berths of a railway day, and say why each passenger got what.

spark-submit jobs/seat_allocation.py                            a seeded day of 60 trains
spark-submit jobs/seat_allocation.py --input synthetic:200000   a larger one
spark-submit jobs/seat_allocation.py --input day/               tables of your own
spark-submit jobs/seat_allocation.py --input plan.psv           lines of planned demand
spark-submit jobs/seat_allocation.py --input kafka://rail.booking_requests.v1     a day from Kafka
spark-submit jobs/seat_allocation.py --input ... --intake       sell in micro-batches, keep a ledger
spark-submit jobs/seat_allocation.py --input ledger             chart what the ledger has sold
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.seats.cli import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
